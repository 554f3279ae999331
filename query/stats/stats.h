// The `stats` stage: turns vectors of rows into one row per group.
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
struct QuantileCandidates;

/// The values that can be results of quantiles, as found by a first pass over the rows. Must not
/// outlive the state that found them.
struct ResultCandidates {
  const GroupTable* groups = nullptr;
  /// By feed; null if all values are kept, or if the feed has no quantiles.
  std::vector<std::shared_ptr<const QuantileCandidates>> by_feed;
};

/// The groups of one thread. Not thread-safe; `plan` and `execution` must outlive it.
class StatsState {
 public:
  StatsState(const StatsPlan& plan, const Program& program, Execution& execution);
  /// From now on ignores rows outside of this share of the groups.
  void restrict(const GroupShare& share) { share_ = share; }
  /// From now on only writes rows to `spill`, as that thread.
  void spill_to(Spill& spill, unsigned thread) {
    spill_ = &spill;
    thread_ = thread;
  }

  /// Call before the first row: if the values of quantiles do not fit into memory, keeps only those
  /// that are likely to be results.
  void allow_reduction();
  /// Call after the last row: nothing if all results are among the values kept. Otherwise another
  /// state must process the same rows and keep only the candidates returned; of this state, only
  /// the groups remain.
  std::optional<ResultCandidates> missing_candidates();
  /// Call before the first row of that second pass.
  void keep_only(const ResultCandidates& candidates);

  /// Adds the evaluator's selected rows. `window` has their windows (i64); null unless windowed.
  /// `counted` has, by row, the rows it represents; empty if each represents itself.
  Status add(Evaluator& evaluator, const Vector* window,
             std::span<const EntryStatistics> counted = {});
  /// Call after each vector or unit. Once enough of `row_count` rows are done, estimates the memory
  /// that all rows need and reserves it for the groups. kLimit if it will certainly be too much.
  Status estimate_memory(uint64_t done, uint64_t row_count);
  Status merge(StatsState& other);
  /// A table of the keys, the aggregates and, if windowed, the window (i64). Its pending order is
  /// that of the keys. Leaves the state empty.
  Result<Table> finish();

 private:
  Status spill(std::vector<const Vector*> columns, Evaluator& evaluator);
  bool collects_values(const StatsPlan::Feed& feed) const;
  bool reduce_values();
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
  unsigned thread_ = 0;  // for spill_
  MemoryGauge gauge_;
  GroupTable groups_;
  std::vector<std::unique_ptr<Accumulator>> accumulators_;  // by feed
  std::vector<Vector> buckets_;                             // by key, scratch
  std::vector<uint32_t> row_groups_;                        // scratch
  std::vector<uint64_t> hashes_;                            // scratch
  std::vector<uint8_t> in_share_;                           // scratch
  uint64_t share_serial_ = 0;
  std::vector<uint8_t> codes_in_share_;          // by code of the IdDictionary with that serial
  std::vector<uint32_t> fed_rows_, fed_groups_;  // scratch
  bool estimated_ = false;
  size_t expected_bytes_ = 0;  // a lower bound of the memory that will be needed
  uint64_t half_done_ = 0;     // the rows after half of the sample
  size_t groups_half_done_ = 0;
  bool reduction_allowed_ = false;
  bool reduced_ = false;
};

}  // namespace tocsin
