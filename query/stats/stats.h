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
  /// From now on takes rows of this share only.
  void restrict(const GroupShare& share) { share_ = share; }
  /// From now on only puts rows there, as that thread.
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
  bool reduction_allowed_ = false;
  bool reduced_ = false;
};

}  // namespace tocsin
