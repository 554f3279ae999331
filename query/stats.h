// `stats`: from vectors of rows to one row per group.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "query/aggregate.h"
#include "query/evaluator.h"
#include "query/execution.h"
#include "query/group_table.h"
#include "query/segment_source.h"

namespace tocsin {

/// A bucket of a whole number of these begins, in any zone, only where one of them does in UTC:
/// zones change their offset at such instants only.
inline constexpr Duration kBucketChange = 15 * kMinute;

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
  std::optional<IdFormat> format;  ///< for hash_texts
  uint32_t index = 0;
  uint32_t count = 1;

  /// By the bits behind the leading ones, which choose a place in the hash table.
  bool holds(uint64_t hash) const { return static_cast<uint32_t>(hash) % count == index; }
};

/// What the first of two passes found.
struct CountedRanks {
  const GroupTable* groups = nullptr;
  std::vector<std::shared_ptr<const WantedOfGroups>>
      wanted;  ///< by feed; null: needs no second look
};

/// The groups of one thread. Not thread-safe; `plan` and `execution` must outlive it.
class StatsState {
 public:
  StatsState(const StatsPlan& plan, const Program& program, Execution& execution);
  /// From now on takes rows of this share only.
  void restrict(const GroupShare& share) { share_ = share; }

  /// Before any row: makes this the first of two passes, which only counts values by their size, so
  /// that the second needs to keep few. False when that does not spare memory.
  bool start_counting();
  /// After the first pass. Lives as long as this.
  CountedRanks counted_ranks() const;
  /// Before any row: makes this the second pass.
  void keep_only(const CountedRanks& counted);

  /// Takes the evaluator's selected rows. `window`: their windows (i64), null unless windowed.
  /// `counted`: by row, what it stands for; empty: itself.
  Status take(Evaluator& evaluator, const Vector* window,
              std::span<const EntryStatistics> counted = {});
  /// Makes room for the groups of all `row_count` rows, judged by the first `done` of them.
  Status expect(uint64_t done, uint64_t row_count);
  Status merge(StatsState& other);
  /// Keys, aggregates and, when windowed, the window (i64) as columns; the rows wait to be ordered
  /// by the keys. Leaves the state empty.
  Result<Table> finish();

 private:
  bool of_values(const StatsPlan::Feed& feed) const;
  void keep_share(const Vector& key, Evaluator& evaluator);
  Status bucket(const StatsPlan::Key& key, Evaluator& evaluator, Vector& out);
  Status update(const StatsPlan::Feed& feed, Accumulator& accumulator, Evaluator& evaluator,
                std::span<const EntryStatistics> counted);
  size_t memory_bytes() const;
  Status measure_memory();
  void resize();

  const StatsPlan& plan_;
  Execution& execution_;
  std::optional<GroupShare> share_;
  MemoryGauge gauge_;
  GroupTable groups_;
  std::vector<std::unique_ptr<Accumulator>> accumulators_;  // by feed
  std::vector<Vector> buckets_;                             // by key, scratch
  std::vector<uint32_t> row_groups_;                        // scratch
  std::vector<uint64_t> hashes_;                            // scratch
  std::vector<uint8_t> in_share_;                           // scratch
  uint64_t share_serial_ = 0;
  std::vector<uint8_t> codes_in_share_;          // by code of the dictionary with that serial
  std::vector<uint32_t> fed_rows_, fed_groups_;  // scratch
  size_t vectors_taken_ = 0;
  bool expected_ = false;
  bool counting_ = false;
};

}  // namespace tocsin
