#include "query/operator/executor.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "db/limits.h"
#include "query/operator/detect.h"
#include "query/operator/operators.h"

namespace tocsin {
namespace {

/// A table and the index of the next stage.
struct Progress {
  Table table;
  size_t next = 0;
};

template <class T>
const T* stage_at(const Plan& plan, size_t index) {
  return index < plan.stages.size() ? std::get_if<T>(&plan.stages[index].operation) : nullptr;
}

// Reads rows of the source; applies a following sort and limit while reading, if possible.
Result<Progress> start_with_rows(Execution& execution, const Scan& scan, const Program& program,
                                 size_t next) {
  const Plan& plan = execution.plan();
  RowsRequest request;
  size_t stages_done = 0;
  if (const auto* limit = stage_at<LimitStage>(plan, next)) {
    request.limit = limit->count;
    stages_done = 1;
  } else if (const auto* top = stage_at<TopStage>(plan, next)) {
    request.order = top->keys;
    request.limit = top->count;
    stages_done = 1;
  } else if (const auto* sort = stage_at<SortStage>(plan, next)) {
    if (const auto* first = stage_at<LimitStage>(plan, next + 1)) {
      request.order = sort->keys;
      request.limit = first->count;
      stages_done = 2;
    }
  }
  request.live = live_columns(plan, next + stages_done);
  TOCSIN_TRY(Table table, read_rows(execution, scan, program, request));
  return Progress{std::move(table), next + stages_done};
}

// A stats over the source with the filters and lets after it, which process each part of the groups
// as soon as it is complete, so that not all groups are in memory at once.
Result<Progress> start_with_stats(Execution& execution, const Scan& scan, Program& program,
                                  const StatsStage& stage, size_t at) {
  const Plan& plan = execution.plan();
  StatsPlan stats = StatsPlan::compile(stage, false, plan.zone, program);
  Program after(plan.stages[at].columns);
  size_t next = at + 1;
  while (next < plan.stages.size() && after.add_stage(plan.stages[next])) ++next;
  stats.ordered = !stage_at<StatsStage>(plan, next);
  const std::vector<uint8_t> live_before = live_columns(plan, at + 1);
  stats.live_keys.assign(live_before.begin(),
                         live_before.begin() + static_cast<ptrdiff_t>(stage.keys.size()));
  const std::vector<uint8_t> live = live_columns(plan, next);
  StatsTail tail;
  tail.finish = [&](Table table) -> Result<Table> {
    if (next == at + 1) return table;
    return table_rows(execution, std::move(table), after, live, nullptr);
  };
  TOCSIN_TRY(Table table, source_stats(execution, scan, program, stats, nullptr, nullptr, &tail));
  // Includes the time of the stages after it.
  if (next > at + 1) execution.finish_step(at + 1, tail.group_count);
  return Progress{std::move(table), next};
}

// The stages from the source up to and including the first that needs all rows.
Result<Progress> start_with_source(Execution& execution, Scan scan) {
  const Plan& plan = execution.plan();
  Program program(plan.source_columns);
  size_t next = 0;
  while (next < plan.stages.size() && program.add_stage(plan.stages[next])) ++next;
  if (const auto* stage = stage_at<StatsStage>(plan, next)) {
    return start_with_stats(execution, scan, program, *stage, next);
  }
  if (const auto* stage = stage_at<DistinctStage>(plan, next)) {
    TOCSIN_TRY(Table table, source_distinct(execution, scan, program, *stage));
    return Progress{std::move(table), next + 1};
  }
  if (const auto* stage = stage_at<DiffStage>(plan, next)) {
    TOCSIN_TRY(Table table, source_diff(execution, std::move(scan), program, *stage));
    return Progress{std::move(table), next + 1};
  }
  return start_with_rows(execution, scan, program, next);
}

// The range that the source is read in.
TimeRange read_range(const Plan& plan) {
  for (size_t at = 0; at < plan.stages.size(); ++at) {
    const auto* diff = stage_at<DiffStage>(plan, at);
    if (diff && !diff->ranges.empty()) {
      return {diff->ranges.front().start, diff->ranges.back().end};
    }
  }
  return plan.range;
}

// Runs the stages that read the source: up to a baseline, if there is one, else the first stages.
Result<Progress> start(Execution& execution, const Database& database, WindowMemory* memory) {
  const Plan& plan = execution.plan();
  for (size_t at = 0; at < plan.stages.size(); ++at) {
    if (!stage_at<BaselineStage>(plan, at)) continue;
    TOCSIN_TRY(Table table, run_baseline(execution, database, at, memory));
    return Progress{std::move(table), at + 1};
  }
  TOCSIN_TRY(const Scan scan, open_scan(database, execution, read_range(plan)));
  TOCSIN_TRY(Progress progress, start_with_source(execution, scan));
  TOCSIN_RETURN_IF_ERROR(check_intact(scan));
  return progress;
}

// Runs one stage that needs its whole input, or several that do not. `detectors` may be null.
Result<Progress> advance(Execution& execution, Progress progress, DetectMemoryUse* detectors) {
  const Plan& plan = execution.plan();
  const size_t at = progress.next;
  Table& input = progress.table;
  if (const auto* sort = stage_at<SortStage>(plan, at)) {
    const auto* limit = stage_at<LimitStage>(plan, at + 1);
    const std::optional<uint64_t> count = limit ? std::optional(limit->count) : std::nullopt;
    TOCSIN_TRY(Table table, table_sort(execution, std::move(input), sort->keys, count));
    return Progress{std::move(table), at + (limit ? 2 : 1)};
  }
  if (const auto* top = stage_at<TopStage>(plan, at)) {
    TOCSIN_TRY(Table table, table_sort(execution, std::move(input), top->keys, top->count));
    return Progress{std::move(table), at + 1};
  }
  if (const auto* limit = stage_at<LimitStage>(plan, at)) {
    TOCSIN_TRY(Table table, table_limit(execution, std::move(input), limit->count));
    return Progress{std::move(table), at + 1};
  }
  if (const auto* distinct = stage_at<DistinctStage>(plan, at)) {
    TOCSIN_TRY(Table table, table_distinct(execution, std::move(input), *distinct));
    return Progress{std::move(table), at + 1};
  }
  if (const auto* fill = stage_at<FillStage>(plan, at)) {
    TOCSIN_TRY(Table table, table_fill(execution, std::move(input), *fill));
    return Progress{std::move(table), at + 1};
  }
  if (const auto* detect = stage_at<DetectStage>(plan, at)) {
    const bool remembered = detectors && detectors->stage() == at;
    TOCSIN_TRY(Table table, table_detect(execution, std::move(input), *detect,
                                         remembered ? detectors : nullptr));
    return Progress{std::move(table), at + 1};
  }
  if (const auto* changepoint = stage_at<ChangepointStage>(plan, at)) {
    TOCSIN_TRY(Table table, table_changepoint(execution, std::move(input), *changepoint));
    return Progress{std::move(table), at + 1};
  }
  if (const auto* forecast = stage_at<ForecastStage>(plan, at)) {
    TOCSIN_TRY(Table table, table_forecast(execution, std::move(input), *forecast));
    return Progress{std::move(table), at + 1};
  }
  if (stage_at<DiffStage>(plan, at)) {
    return fail(ErrorCode::kInvalid,
                "`diff` is allowed only after `from`, `where`, `let`, `keep` and `drop`");
  }
  if (stage_at<BaselineStage>(plan, at)) {
    return fail(ErrorCode::kInvalid,
                "`baseline` is allowed only after `from`, `where`, `let` and `stats`");
  }
  Program program(at == 0 ? plan.source_columns : plan.stages[at - 1].columns);
  size_t next = at;
  while (next < plan.stages.size() && program.add_stage(plan.stages[next])) ++next;
  if (const auto* stage = stage_at<StatsStage>(plan, next)) {
    const StatsPlan stats = StatsPlan::compile(*stage, false, plan.zone, program);
    TOCSIN_TRY(Table table, table_stats(execution, input, program, stats, nullptr));
    return Progress{std::move(table), next + 1};
  }
  const std::vector<uint8_t> live = live_columns(plan, next);
  TOCSIN_TRY(Table table, table_rows(execution, std::move(input), program, live, nullptr));
  return Progress{std::move(table), next};
}

// The stages up to the last `detect` also run over the time before the range that it learns from.
struct Learning {
  Timestamp start = 0;     ///< the first bucket learnt, or the start of the range
  size_t stage_count = 0;  ///< the last `detect` and those before it
};

Learning learning_of(const Plan& plan) {
  Learning learning{plan.range.start, 0};
  for (size_t at = 0; at < plan.stages.size(); ++at) {
    const auto* detect = stage_at<DetectStage>(plan, at);
    if (!detect) continue;
    learning = {std::min(learning.start, detect->learn_from), at + 1};
  }
  return learning;
}

}  // namespace

Result<ResultTable> execute_plan(const Database& database, const Plan& given,
                                 const QueryOptions& options, WindowMemory* windows,
                                 DetectMemory* detectors) {
  std::optional<Plan> changed;
  const bool is_limited = options.rows_max > 0 && options.rows_max < UINT64_MAX;
  const Learning learning = learning_of(given);
  const bool learns = learning.start < given.range.start;
  if (is_limited || learns) changed = given;
  if (is_limited) {  // one row more than wanted shows whether there are more
    changed->stages.push_back({LimitStage{options.rows_max + 1}, given.output_columns(), {}});
  }
  if (learns) changed->range.start = learning.start;
  const Plan& plan = changed ? *changed : given;
  Execution execution(plan, options);
  execution.spill_folder = database.directory() + "/tmp";
  std::optional<DetectMemoryUse> remembered;
  if (learns && detectors && options.remember) {
    TOCSIN_TRY(remembered, DetectMemoryUse::open(execution, database, *detectors));
    if (remembered) changed->range.start = remembered->read_from();
  }
  TOCSIN_TRY(Progress progress, start(execution, database, windows));
  execution.finish_step(progress.next, progress.table.row_count);
  MemoryGauge gauge(execution);
  while (progress.next < plan.stages.size()) {
    TOCSIN_RETURN_IF_ERROR(execution.check());
    TOCSIN_RETURN_IF_ERROR(gauge.set(progress.table.memory_bytes()));
    TOCSIN_TRY(progress,
               advance(execution, std::move(progress), remembered ? &*remembered : nullptr));
    if (learns && progress.next >= learning.stage_count) changed->range.start = given.range.start;
    execution.finish_step(progress.next, progress.table.row_count);
  }
  TOCSIN_RETURN_IF_ERROR(execution.check());
  TOCSIN_RETURN_IF_ERROR(gauge.set(progress.table.memory_bytes()));
  if (!progress.table.pending_order.empty()) {
    TOCSIN_TRY(progress.table, settle_order(execution, std::move(progress.table)));
    execution.finish_step(kOrderStep, progress.table.row_count);
  }
  const bool has_more_rows = is_limited && progress.table.row_count > options.rows_max;
  if (has_more_rows) progress.table.keep_first(options.rows_max);
  TOCSIN_RETURN_IF_ERROR(gauge.set(0));  // from here on, to_result counts the table
  TOCSIN_TRY(ResultTable result, to_result(execution, std::move(progress.table),
                                           plan.output_columns(), options.keep_siblings));
  result.has_more_rows = has_more_rows;
  result.warnings = plan.schema_warnings;
  result.warnings.insert(result.warnings.end(), plan.warnings.begin(), plan.warnings.end());
  result.warnings.insert(result.warnings.end(), execution.warnings.begin(),
                         execution.warnings.end());
  if (const uint64_t count = execution.texts_too_long; count != 0) {
    result.warnings.push_back(fmt::format("{} computed {} null, because {} longer than {} MiB",
                                          count, count == 1 ? "text is" : "texts are",
                                          count == 1 ? "it would be" : "they would be",
                                          kStringBytesMax / kMiB));
  }
  result.rows_matched = execution.rows_matched;
  result.statistics.rows_scanned = execution.rows_scanned;
  result.statistics.segments_read = execution.segments_read;
  result.statistics.segments_skipped = execution.segments_skipped;
  result.statistics.segments_answered = execution.segments_answered;
  result.statistics.bytes_read = execution.bytes_read;
  result.statistics.bytes_spilled = execution.bytes_spilled;
  result.statistics.steps = std::move(execution.steps);
  result.statistics.windows_remembered = execution.windows_remembered;
  result.statistics.elapsed_us = execution.elapsed_us();
  return result;
}

}  // namespace tocsin
