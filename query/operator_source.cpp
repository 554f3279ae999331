// stats and distinct over the source: segments are spread over threads, partial groups are merged.
#include <memory>
#include <mutex>

#include "query/operators.h"
#include "query/tally.h"

namespace tocsin {
namespace {

struct Worker {
  SourceReader reader;
  TallyReader tally;
  StatsState state;

  Worker(Execution& execution, const Program& program, const StatsPlan& stats,
         const TallyPlan& tally_plan, const Windows* windows)
      : reader(execution, program, windows),
        tally(execution, tally_plan, stats, windows),
        state(stats, program, execution) {}
};

// The one place that decides how a unit is read: not at all when its statistics leave no row, from its
// metadata or by counting codes when that gives the answer, else row by row.
Status take_unit(const ScanUnit& unit, Worker& worker) {
  SourceReader& reader = worker.reader;
  TOCSIN_TRY(const bool may_match, reader.open(unit));
  if (!may_match) return {};
  TOCSIN_TRY(const bool counted,
             worker.tally.read(reader, unit, [&](std::span<const EntryStatistics> rows) {
               return worker.state.take(reader.evaluator(), reader.window(), rows);
             }));
  if (counted) return {};
  return reader.read(unit, [&] { return worker.state.take(reader.evaluator(), reader.window()); });
}

void add_counts(const WindowCounts& from, WindowCounts& to) {
  to.source_rows.resize(from.source_rows.size());
  to.matched_rows.resize(from.matched_rows.size());
  for (size_t i = 0; i < from.source_rows.size(); ++i) {
    to.source_rows[i] += from.source_rows[i];
    to.matched_rows[i] += from.matched_rows[i];
  }
}

}  // namespace

Result<Table> source_stats(Execution& execution, const Scan& scan, const Program& program,
                           const StatsPlan& stats, const Windows* windows, WindowCounts* counts) {
  std::vector<ScanUnit> units = scan.units;
  if (windows) {
    TOCSIN_TRY(units, units_of_windows(scan.units, *windows));
  }
  TallyPlan tally;
  if (execution.options().shortcuts) tally = TallyPlan::of(program, stats);
  const auto make_worker = [&] {
    return std::make_unique<Worker>(execution, program, stats, tally, windows);
  };
  std::vector<std::unique_ptr<Worker>> workers(execution.thread_count());
  const auto work = [&](unsigned thread, size_t index) {
    auto& worker = workers[thread];
    if (!worker) worker = make_worker();
    return take_unit(units[index], *worker);
  };
  TOCSIN_RETURN_IF_ERROR(run_parallel(execution, units.size(), work));

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
  return merged->state.finish();
}

Result<Table> source_distinct(Execution& execution, const Scan& scan, const Program& program,
                              const DistinctStage& stage) {
  // As groups with the time of their first row, which gives the order.
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
  feed.argument = 0;  // the source's time
  feed.aggregates = {0};
  feed.from_counts = true;
  stats.feeds.push_back(feed);

  TOCSIN_TRY(Table table, source_stats(execution, scan, program, stats, nullptr, nullptr));
  table = table_sort(std::move(table), std::vector{SortKey{static_cast<uint32_t>(stage.columns.size()), false}},
                     std::nullopt);
  table.columns.pop_back();
  return table;
}

}  // namespace tocsin
