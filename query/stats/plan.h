// The compiled form of a `stats` stage.
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
  /// The input of one accumulator.
  struct Feed {
    std::optional<NodeId> argument;
    std::optional<NodeId> where;
    std::optional<NodeId> time;
    std::vector<uint32_t> aggregates;  ///< of the stage; several if they share values
    bool from_counts = false;          ///< needs only the number and the times of the rows
  };
  const StatsStage* stage = nullptr;
  std::vector<Key> keys;
  std::vector<Feed> feeds;
  /// By key: whether a later stage reads it; empty: all are read. The others are absent from the
  /// result.
  std::vector<uint8_t> live_keys;
  bool ordered = true;         ///< whether the order of the result matters
  size_t group_count_max = 0;  ///< with more groups, the stats stop (Execution); 0: no limit
  bool windowed = false;       ///< whether the window is one more key, after the others
  TimeZone zone;

  /// Adds the stage's expressions to `program`, which must not change afterwards.
  static StatsPlan compile(const StatsStage& stage, bool windowed, const TimeZone& zone,
                           Program& program);
};

/// A share of the groups, chosen by the hash of one of their keys, a string.
struct GroupShare {
  size_t key = 0;                  ///< index of the stage's keys
  std::optional<IdFormat> format;  ///< for hash_values
  uint32_t index = 0;
  uint32_t count = 1;

  /// Uses the low bits, because the leading ones choose the place in the hash table.
  bool holds(uint64_t hash) const { return static_cast<uint32_t>(hash) % count == index; }
};

}  // namespace tocsin
