// The stage baseline: its place in the query, its arguments, and the columns that later stages use.
#include <fmt/format.h>

#include "query/base/limits.h"
#include "query/check/contradiction.h"
#include "query/check/stages.h"

namespace tocsin {

bool StageChecker::baseline_place() {
  if (!has_stats_) {
    return context_.fault(span_, "`baseline` needs a `stats` stage before it",
                          "write `| stats total = count() by service | baseline 7d`");
  }
  if (!only_windowed_) {
    return context_.fault(span_, "only `where`, `let` and `stats` may come before `baseline`",
                          "move the other stages after it");
  }
  if (scope_.time_bucket) {
    return context_.fault(span_,
                          "`baseline` compares whole windows, but the groups are time buckets",
                          "remove `time(…)` from `by`, or score the buckets with `detect`");
  }
  if (!scope_.keys_complete) {
    return context_.fault(span_,
                          "`baseline` needs the columns of `by`, but a `let` has replaced one",
                          "give the computed column another name");
  }
  if (!plan_.range_given) {
    return context_.fault(span_, "`baseline` needs a time range, but the query has none",
                          "write `from … last 1h` or `from … between A and B`");
  }
  return true;
}

bool StageChecker::baseline_arguments(const ast::Baseline& baseline, BaselineStage& out) {
  if (!check_duration(context_, baseline.depth, "`baseline`", out.depth)) return false;
  Duration length = 0;
  if (__builtin_sub_overflow(plan_.range.end, plan_.range.start, &length)) length = INT64_MAX;
  out.step = length;
  if (baseline.step) {
    if (!check_duration(context_, *baseline.step, "`step`", out.step)) return false;
    const bool is_parameter = baseline.step->kind == ast::Expression::Kind::kParameter;
    out.local_days = (baseline.step->in_days || is_parameter) && out.step % kDay == 0;
  }
  const auto too_long = [&](const ast::Expression& argument, std::string_view what,
                            Duration limit) {
    return context_.fault(argument.span,
                          fmt::format("the range of {} is longer than {} of {}",
                                      format_duration(length), what, format_duration(limit)),
                          "shorten the range, or write a longer duration here");
  };
  if (length > out.depth) return too_long(baseline.depth, "the baseline", out.depth);
  if (length > out.step) return too_long(*baseline.step, "the step", out.step);
  if (static_cast<uint64_t>(out.depth / out.step) > kBaselineWindowCountMax) {
    return context_.fault(baseline.depth.span,
                          fmt::format("this makes {} windows; at most {} are allowed",
                                      out.depth / out.step, kBaselineWindowCountMax),
                          "shorten the baseline, or make its `step` longer");
  }
  Duration reach = 0;
  if (__builtin_sub_overflow(plan_.range.start, out.depth, &reach)) {
    return fault_too_early(context_, baseline.depth.span);
  }
  return !baseline.min_windows || check_count(context_, *baseline.min_windows, "`min`", 1,
                                              kBaselineWindowCountMax, out.min_windows);
}

bool StageChecker::baseline_column(const BaselineCall& call, BaselineStage& stage) {
  const auto column = context_.resolve(call.column, scope_);
  if (!column) return false;
  const ScopeColumn& from = scope_.at(*column);
  const bool counts = call.statistic == BaselineStatistic::kWindows;
  const bool measurable = is_number(from.type) || from.type == ValueType::kDuration;
  if (!counts && from.unknown) {
    null_baselines_.push_back(call.name);
    return true;
  }
  if (!counts && !measurable) {
    return context_.fault(
        call.column.span,
        fmt::format("`baseline` needs a number or duration, but `{}` is {}", from.name,
                    describe(from.type)),
        "in `stats`, count() and count_distinct(x) turn other columns into numbers");
  }
  stage.columns.push_back({call.name, *column, call.statistic, call.quantile});
  return true;
}

// The baseline of a column that is null in every row is null too: adds a computed column of nulls.
bool StageChecker::emit_null_baselines() {
  LetStage out;
  for (const std::string& name : null_baselines_) {
    if (!add_column({name, ValueType::kString, true, false})) return false;
    Expression null;
    null.type = ValueType::kString;
    null.span = span_;
    out.definitions.push_back({name, std::move(null)});
    out.outputs.push_back(static_cast<uint32_t>(scope_.size() - 1));
  }
  return emit(std::move(out));
}

// The first window that counts for a group has a row of it: the mean of its counts is above 0, the
// maximum at least 1.
std::optional<LowerBound> StageChecker::bound_of(const BaselineColumn& column) const {
  const ScopeColumn& from = scope_.at(column.column);
  const bool is_mean = column.statistic == BaselineStatistic::kMean;
  if (!from.bound || (!is_mean && column.statistic != BaselineStatistic::kMax)) return std::nullopt;
  return LowerBound{Value::of(is_mean ? 0.0 : 1.0), is_mean,
                    fmt::format("a group that never appeared has no windows, and its baseline is "
                                "null. To find such groups, write `baseline({}, windows) == 0`",
                                ast::print_name(from.name))};
}

// Without `baseline(x)`, a baseline still adds the groups that have no row in the range. A `where`
// after it may be about these.
void StageChecker::note_baseline_use(const Expression& condition) {
  if (use_ != BaselineUse::kNone && use_ != BaselineUse::kSilence) return;
  const bool has_groups = !scope_.keys.empty();
  use_ = has_groups && may_hold_for_silence(context_, scope_, condition) ? BaselineUse::kSilence
                                                                         : BaselineUse::kNoUse;
}

void StageChecker::finish() {
  if (use_ != BaselineUse::kNone && use_ != BaselineUse::kNoUse) return;
  context_.warnings.push_back(
      "the baseline is not used: no later stage contains baseline(x), and no `where` keeps the "
      "groups without rows that it adds, as in `where n == 0`");
}

bool StageChecker::stage(const ast::Baseline& baseline) {
  BaselineStage out;
  if (!baseline_place() || !baseline_arguments(baseline, out)) return false;
  out.excluding_alerts = baseline.excluding_alerts;
  if (baseline.excluding_rule) out.excluding_rule = baseline.excluding_rule->text;
  out.key_columns = scope_.keys;
  for (const BaselineCall& call : baseline_calls_) {
    if (!baseline_column(call, out)) return false;
  }
  use_ = baseline_calls_.empty() ? BaselineUse::kNone : BaselineUse::kStatistics;
  for (const BaselineColumn& column : out.columns) {
    const bool is_duration = scope_.at(column.column).type == ValueType::kDuration;
    const ValueType type = column.statistic == BaselineStatistic::kWindows ? ValueType::kI64
                           : is_duration                                   ? ValueType::kDuration
                                                                           : ValueType::kF64;
    if (!add_column({column.name, type, false, false, {}, bound_of(column)})) return false;
  }
  scope_.clear_bounds_before(scope_.size() - out.columns.size());
  context_.has_baseline = true;
  emit(std::move(out));
  return null_baselines_.empty() || emit_null_baselines();
}

}  // namespace tocsin
