// stats and distinct over the source: segments are spread over threads, partial groups are merged.
#include <memory>
#include <mutex>

#include "query/operators.h"

namespace tocsin {
namespace {

struct Worker {
  SourceReader reader;
  StatsState state;

  Worker(Execution& execution, const Program& program, const StatsPlan& stats,
         const Windows* windows)
      : reader(execution, program, windows), state(stats, program, execution) {}
};

// The window that holds the whole segment; nothing without windows or when none does.
std::optional<uint32_t> window_around(const ScanUnit& unit, const Windows* windows) {
  if (!windows) return std::nullopt;
  const SegmentInfo& info = unit.segment->info();
  const uint32_t k = windows->index_of(info.min_time);
  if (k == Windows::kNone || k != windows->index_of(info.max_time)) return std::nullopt;
  return k;
}

Status take_unit(Execution& execution, const ScanUnit& unit, const Windows* windows,
                 Worker& worker) {
  const std::optional<uint32_t> window = window_around(unit, windows);
  if (!windows || window) {
    worker.reader.source().open(*unit.segment, *unit.map);
    TOCSIN_TRY(const bool done,
               worker.state.take_metadata(worker.reader.source(), unit, window));
    if (done) {
      const uint32_t row_count = unit.segment->info().row_count;
      execution.rows_matched += row_count;
      ++execution.segments_skipped;
      if (window) {
        worker.reader.counts().source_rows[*window] += row_count;
        worker.reader.counts().matched_rows[*window] += row_count;
      }
      return {};
    }
  }
  return worker.reader.read(
      unit, [&] { return worker.state.take(worker.reader.evaluator(), worker.reader.window()); });
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
  std::vector<std::unique_ptr<Worker>> workers(execution.thread_count());
  const auto work = [&](unsigned thread, size_t index) {
    auto& worker = workers[thread];
    if (!worker) worker = std::make_unique<Worker>(execution, program, stats, windows);
    return take_unit(execution, units[index], windows, *worker);
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
  if (!merged) merged = std::make_unique<Worker>(execution, program, stats, windows);
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
  feed.from_metadata = true;
  stats.feeds.push_back(feed);

  TOCSIN_TRY(Table table, source_stats(execution, scan, program, stats, nullptr, nullptr));
  table = table_sort(std::move(table), std::vector{SortKey{static_cast<uint32_t>(stage.columns.size()), false}},
                     std::nullopt);
  table.columns.pop_back();
  return table;
}

}  // namespace tocsin
