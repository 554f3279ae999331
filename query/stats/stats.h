// `stats`: from vectors of rows to one row per group.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "query/aggregate/aggregate.h"
#include "query/aggregate/group_table.h"
#include "query/scan/execution.h"
#include "query/stats/plan.h"
#include "query/vector/evaluator.h"

namespace tocsin {

class Spill;

/// Which values of groups can be the results of quantiles. Lives as long as the state that counted.
struct CountedRanks {
  const GroupTable* groups = nullptr;
  std::vector<std::shared_ptr<const WantedOfGroups>>
      wanted;  ///< by feed; null: all, or no quantile
};

/// The groups of one thread. Not thread-safe; `plan` and `execution` must outlive it.
class StatsState {
 public:
  StatsState(const StatsPlan& plan, const Program& program, Execution& execution);
  /// From now on takes rows of this share only.
  void restrict(const GroupShare& share) { share_ = share; }
  /// From now on only puts rows there, as that thread.
  void spill_to(Spill& spill, unsigned thread) {
    spill_ = &spill;
    thread_ = thread;
  }

  /// Before any row: when the values of quantiles do not fit into memory, keeps those from which
  /// the rows so far let expect the results.
  void allow_fewer_values();
  /// After all rows: nothing when that was enough. Else another state must take the same rows, and
  /// keep only what this says; of this one, only the groups are left.
  std::optional<CountedRanks> missing_values();
  /// Before any row: makes this that second one.
  void keep_only(const CountedRanks& counted);

  /// Takes the evaluator's selected rows. `window`: their windows (i64), null unless windowed.
  /// `counted`: by row, what it stands for; empty: itself.
  Status take(Evaluator& evaluator, const Vector* window,
              std::span<const EntryStatistics> counted = {});
  /// After each vector or unit: when enough of `row_count` rows are done to judge by them, makes
  /// room for the groups of all. kLimit: these or their values will surely not fit into memory.
  Status expect(uint64_t done, uint64_t row_count);
  Status merge(StatsState& other);
  /// Keys, aggregates and, when windowed, the window (i64) as columns; the rows wait to be ordered
  /// by the keys. Leaves the state empty.
  Result<Table> finish();

 private:
  Status spill(std::vector<const Vector*> columns, Evaluator& evaluator);
  bool of_values(const StatsPlan::Feed& feed) const;
  bool keep_fewer_values();
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
  Spill* spill_ = nullptr;
  unsigned thread_ = 0;  // of spill_
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
  size_t expected_bytes_ = 0;  // that will be needed at least
  uint64_t half_done_ = 0;     // rows when half of the sample was seen, and the groups then
  size_t groups_half_done_ = 0;
  bool fewer_allowed_ = false;
  bool has_fewer_ = false;
};

}  // namespace tocsin
