// stats and distinct over the source: threads read different segments, and their groups are merged.
#include <atomic>
#include <memory>
#include <optional>
#include <utility>

#include "query/operator/operators.h"
#include "query/stats/spill.h"
#include "query/stats/tally.h"

namespace tocsin {
namespace {

/// With at least this many rows with distinct keys, merging the threads' groups would take longer
/// than reading all rows in every thread.
constexpr uint64_t kSharedRowsMin = 1'000'000;

struct Worker {
  SourceReader reader;
  TallyReader tally;
  StatsState state;
  uint64_t rows_done = 0;

  Worker(Execution& execution, const Program& program, const StatsPlan& stats,
         const TallyPlan& tally_plan, const Windows* windows)
      : reader(execution, program, windows),
        tally(execution, tally_plan, stats, windows),
        state(stats, program, execution) {}
};

// The one place that decides how a unit is read: not at all if its statistics rule out all rows,
// from metadata or by counting codes if that is enough, otherwise row by row. `row_count` is about
// the number of rows that this worker will read from all units.
Status read_unit(const ScanUnit& unit, Worker& worker, uint64_t row_count) {
  SourceReader& reader = worker.reader;
  worker.rows_done += unit.end - unit.start;
  TOCSIN_TRY(const bool may_match, reader.open(unit));
  if (!may_match) return {};
  TOCSIN_TRY(const bool counted,
             worker.tally.read(reader, unit, [&](std::span<const EntryStatistics> rows) {
               return worker.state.add(reader.evaluator(), reader.window(), rows);
             }));
  if (!counted) {
    TOCSIN_RETURN_IF_ERROR(
        reader.read(unit, [&] { return worker.state.add(reader.evaluator(), reader.window()); }));
  }
  return worker.state.estimate_memory(worker.rows_done, row_count);
}

void add_counts(const WindowCounts& from, WindowCounts& to) {
  to.source_rows.resize(from.source_rows.size());
  to.matched_rows.resize(from.matched_rows.size());
  for (size_t i = 0; i < from.source_rows.size(); ++i) {
    to.source_rows[i] += from.source_rows[i];
    to.matched_rows[i] += from.matched_rows[i];
  }
}

// Computes the stats of one source in one of several ways.
class SourceStats {
 public:
  SourceStats(Execution& execution, const std::vector<ScanUnit>& units, const Program& program,
              const StatsPlan& stats, const Windows* windows, StatsTail* tail)
      : execution_(execution),
        units_(units),
        program_(program),
        stats_(stats),
        windows_(windows),
        tail_(tail) {
    if (execution.options().shortcuts) tally_ = TallyPlan::of(program, stats);
  }

  uint64_t group_count() const { return group_count_; }

  /// Divides the units among threads and merges their groups. If there were too many values for
  /// quantiles, and results are missing among those kept, reads all rows again.
  Result<Table> by_units(WindowCounts* counts) {
    const bool are_countable = row_count() <= UINT32_MAX;
    TOCSIN_TRY(auto merged, read_units(counts, [&](Worker& worker, unsigned) {
                 if (are_countable) worker.state.allow_reduction();
               }));
    while (const auto missing = merged->state.missing_candidates()) {
      TOCSIN_TRY(merged, read_units(nullptr, [&](Worker& worker, unsigned) {
                   worker.state.keep_only(*missing);
                   worker.state.allow_reduction();
                   worker.reader.stop_counting();
                 }));
    }
    return finish_merged(std::move(merged));
  }

  /// Each thread reads all units for a share of the groups, so that nothing has to be merged.
  Result<Table> by_shares(const GroupShare& share, WindowCounts* counts) {
    return in_parts(share.count, [&](uint32_t index) { return group_share(share, index, counts); });
  }

  /// Writes the rows to disk once and groups them part by part, so that memory holds at most one
  /// part of the groups per thread.
  Result<Table> by_spill(const std::optional<GroupShare>& share, WindowCounts* counts) {
    tally_ = {};  // counting would leave no rows to write
    const SpillPlan plan(stats_, program_);
    TOCSIN_TRY(const auto spill, Spill::create(execution_, plan, share, execution_.thread_count()));
    TOCSIN_TRY(auto merged, read_units(counts, [&](Worker& worker, unsigned thread) {
                 worker.state.spill_to(*spill, thread);
               }));
    merged.reset();
    TOCSIN_RETURN_IF_ERROR(spill->finish());
    return in_parts(Spill::kParts, [&](uint32_t part) { return group_part(*spill, part); });
  }

 private:
  // Joins the tables of `group(i)` for each i below `count`; finishes each as soon as it is
  // complete.
  template <class Group>
  Result<Table> in_parts(uint32_t count, Group group) {
    group_count_ = 0;
    std::vector<Table> tables(count);
    std::vector<MemoryGauge> gauges;
    for (size_t i = 0; i < tables.size(); ++i) gauges.emplace_back(execution_);
    const auto work = [&](unsigned, size_t index) -> Status {
      TOCSIN_TRY(Table table, group(static_cast<uint32_t>(index)));
      TOCSIN_TRY(tables[index], finish(std::move(table)));
      return gauges[index].set(tables[index].memory_bytes());
    };
    TOCSIN_RETURN_IF_ERROR(run_parallel(execution_, tables.size(), work));
    return join_tables(std::move(tables));
  }

  Result<Table> group_share(GroupShare share, uint32_t index, WindowCounts* counts) {
    const std::unique_ptr<Worker> worker = make_worker();
    share.index = index;
    worker->state.restrict(share);
    if (index != 0) worker->reader.stop_counting();
    const uint64_t row_count = this->row_count();
    for (const ScanUnit& unit : units_) {
      TOCSIN_RETURN_IF_ERROR(execution_.check());
      TOCSIN_RETURN_IF_ERROR(read_unit(unit, *worker, row_count));
    }
    if (counts && index == 0) add_counts(worker->reader.counts(), *counts);
    return worker->state.finish();
  }

  Result<Table> group_part(Spill& spill, uint32_t part) {
    const SpillPlan& plan = spill.plan();
    StatsState state(plan.stats, plan.program, execution_);
    Evaluator evaluator(plan.program, execution_, execution_.plan().now, execution_.plan().zone);
    const uint64_t row_count = spill.row_count(part);
    uint64_t rows_done = 0;
    const auto add_rows = [&]() -> Status {
      const Vector* window = nullptr;
      if (windows_) {
        TOCSIN_TRY(window, evaluator.value(static_cast<NodeId>(plan.key_count - 1)));
      }
      rows_done += evaluator.row_count();
      TOCSIN_RETURN_IF_ERROR(state.add(evaluator, window));
      return state.estimate_memory(rows_done, row_count);
    };
    TOCSIN_RETURN_IF_ERROR(spill.read(part, evaluator, add_rows));
    return state.finish();
  }

  // Reads all units in parallel and merges the workers into one. Calls `prepare` for each worker,
  // with its thread, before it reads.
  template <class Prepare>
  Result<std::unique_ptr<Worker>> read_units(WindowCounts* counts, Prepare prepare) {
    std::vector<std::unique_ptr<Worker>> workers(execution_.thread_count());
    const uint64_t row_count = this->row_count() / workers.size();
    const auto work = [&](unsigned thread, size_t index) {
      auto& worker = workers[thread];
      if (!worker) {
        worker = make_worker();
        prepare(*worker, thread);
      }
      return read_unit(units_[index], *worker, row_count);
    };
    TOCSIN_RETURN_IF_ERROR(run_parallel(execution_, units_.size(), work));

    std::unique_ptr<Worker> merged;
    for (auto& worker : workers) {
      if (!worker) continue;
      if (counts) add_counts(worker->reader.counts(), *counts);
      if (!merged) {
        merged = std::move(worker);
        continue;
      }
      TOCSIN_RETURN_IF_ERROR(merged->state.merge(worker->state));
      worker.reset();
    }
    if (!merged) merged = make_worker();
    return merged;
  }

  Result<Table> finish_merged(std::unique_ptr<Worker> merged) {
    TOCSIN_TRY(Table table, merged->state.finish());
    merged.reset();
    group_count_ = 0;
    return finish(std::move(table));
  }

  uint64_t row_count() const {
    uint64_t rows = 0;
    for (const ScanUnit& unit : units_) rows += unit.end - unit.start;
    return rows;
  }

  Result<Table> finish(Table table) {
    group_count_ += table.row_count;
    return tail_ ? tail_->finish(std::move(table)) : Result<Table>(std::move(table));
  }

  std::unique_ptr<Worker> make_worker() {
    return std::make_unique<Worker>(execution_, program_, stats_, tally_, windows_);
  }

  Execution& execution_;
  const std::vector<ScanUnit>& units_;
  const Program& program_;
  const StatsPlan& stats_;
  const Windows* windows_;
  StatsTail* tail_;
  std::atomic<uint64_t> group_count_ = 0;
  TallyPlan tally_;
};

// The key by which the groups may be divided into shares, and about how many rows have a distinct
// value of it: those of segments without a dictionary for it.
struct ShareChoice {
  std::optional<GroupShare> share;
  uint64_t row_count = 0;
};
Result<ShareChoice> choose_share(Execution& execution, const std::vector<ScanUnit>& units,
                                 const Program& program, const StatsPlan& stats) {
  ShareChoice best;
  SegmentSource source(execution.plan());
  for (size_t k = 0; k < stats.keys.size(); ++k) {
    const Node& node = program.nodes[stats.keys[k].node];
    if (node.kind != Node::Kind::kSource || node.type != ValueType::kString) continue;
    if (node.column == kSourceMeasurement) continue;
    ShareChoice choice;
    choice.share.emplace();
    choice.share->key = k;
    for (const ScanUnit& unit : units) {
      source.open(*unit.segment, *unit.map, unit.few_rows());
      TOCSIN_TRY(const SegmentColumn* stored, source.stored(node.column));
      if (!stored || stored->has_dictionary()) continue;
      choice.row_count += unit.end - unit.start;
      if (choice.share->format) continue;  // any format will do, and finding one reads the column
      TOCSIN_TRY(const IdFormat* format, source.id_format(node.column));
      if (format) choice.share->format = *format;
    }
    if (!best.share || choice.row_count > best.row_count) best = std::move(choice);
  }
  return best;
}

}  // namespace

Result<Table> source_stats(Execution& execution, const Scan& scan, const Program& program,
                           const StatsPlan& stats, const Windows* windows, WindowCounts* counts,
                           StatsTail* tail) {
  std::vector<ScanUnit> units = scan.units;
  if (windows) {
    TOCSIN_TRY(units, units_of_windows(scan.units, *windows));
  }
  SourceStats source(execution, units, program, stats, windows, tail);
  TOCSIN_TRY(ShareChoice choice, choose_share(execution, units, program, stats));
  const uint64_t matched_before = execution.rows_matched;
  const auto by_shares = [&](uint32_t shares) {
    choice.share->count = shares;
    return source.by_shares(*choice.share, counts);
  };
  const uint32_t shares = choice.row_count >= kSharedRowsMin ? execution.thread_count() : 1;
  Result<Table> table = shares == 1 ? source.by_units(counts) : by_shares(shares);
  const auto exceeded = [&] { return !table && execution.memory_exceeded; };
  // Resets what the attempt before counted.
  const auto again = [&](auto way) {
    execution.memory_exceeded = false;
    execution.rows_matched = matched_before;
    if (counts) *counts = {};
    table = way();
  };
  if (exceeded() && !stats.keys.empty()) {
    again([&] { return source.by_spill(choice.share, counts); });
  }
  if (tail) tail->group_count = source.group_count();
  return table;
}

Result<Table> source_distinct(Execution& execution, const Scan& scan, const Program& program,
                              const DistinctStage& stage) {
  // Groups the rows with the time of their first row, which is the order of the result.
  StatsStage grouped;
  Aggregate first;
  first.kind = AggregateKind::kMin;
  first.type = ValueType::kTime;
  grouped.aggregates.push_back(first);
  StatsPlan stats;
  stats.stage = &grouped;
  for (const uint32_t column : stage.columns) {
    const NodeId node = program.columns.at(column);
    stats.keys.push_back({node, program.nodes[node].type, 0});
  }
  StatsPlan::Feed feed;
  feed.argument = kSourceTime;
  feed.aggregates = {0};
  feed.from_counts = true;
  stats.feeds.push_back(feed);

  TOCSIN_TRY(Table table, source_stats(execution, scan, program, stats, nullptr, nullptr, nullptr));
  const SortKey by_first_row{static_cast<uint32_t>(stage.columns.size()), false};
  TOCSIN_TRY(table,
             table_sort(execution, std::move(table), std::span(&by_first_row, 1), std::nullopt));
  table.columns.pop_back();
  return table;
}

}  // namespace tocsin
