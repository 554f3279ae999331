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
#include "query/stats_plan.h"

namespace tocsin {

class Spill;

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
  /// From now on only puts rows there, as that thread.
  void spill_to(Spill& spill, unsigned thread) {
    spill_ = &spill;
    thread_ = thread;
  }

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
  uint64_t half_done_ = 0;  // rows when half of the sample was seen, and the groups then
  size_t groups_half_done_ = 0;
  bool counting_ = false;
};

}  // namespace tocsin
