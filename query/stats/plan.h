// A `stats` stage, compiled.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "db/base/time.h"
#include "db/encoding/text_template.h"
#include "query/vector/program.h"

namespace tocsin {

/// A stats stage compiled against a program. Immutable; shared by threads.
struct StatsPlan {
  struct Key {
    NodeId node = 0;
    ValueType type = ValueType::kNull;
    Duration bucket = 0;
  };
  /// What feeds one accumulator.
  struct Feed {
    std::optional<NodeId> argument;
    std::optional<NodeId> where;
    std::optional<NodeId> time;
    std::vector<uint32_t> aggregates;  ///< of the stage; several when they share values
    bool from_counts = false;          ///< the number and times of the rows are enough
  };
  const StatsStage* stage = nullptr;
  std::vector<Key> keys;
  std::vector<Feed> feeds;
  /// By key: whether a later stage reads it; empty: all. The others are left out of the result.
  std::vector<uint8_t> live_keys;
  bool ordered = true;    ///< the order of the result matters
  bool windowed = false;  ///< the window is one more key, behind the others
  TimeZone zone;

  /// Adds the stage's expressions to `program`, which then must not change any more.
  static StatsPlan compile(const StatsStage& stage, bool windowed, const TimeZone& zone,
                           Program& program);
};

/// A share of the groups: those whose key of type string hashes into it.
struct GroupShare {
  size_t key = 0;                  ///< of the stage's keys
  std::optional<IdFormat> format;  ///< for hash_values
  uint32_t index = 0;
  uint32_t count = 1;

  /// By the bits behind the leading ones, which choose a place in the hash table.
  bool holds(uint64_t hash) const { return static_cast<uint32_t>(hash) % count == index; }
};

}  // namespace tocsin
