// The stages on time buckets: fill, detect, changepoint and forecast.
#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "query/base/limits.h"
#include "query/check/siblings.h"
#include "query/check/stages.h"
#include "query/series/detector.h"

namespace tocsin {
namespace {

// `value` converted to the type of a column; nothing if that is impossible.
std::optional<Value> as_column_type(Value value, ValueType type) {
  if (value.type == type) return value;
  const auto* whole = std::get_if<int64_t>(&value.data);
  const auto* natural = std::get_if<uint64_t>(&value.data);
  if (value.type == ValueType::kI64 && whole) {
    if (type == ValueType::kF64) return Value::of(static_cast<double>(*whole));
    if (type == ValueType::kU64 && *whole >= 0) return Value::of(static_cast<uint64_t>(*whole));
  }
  if (value.type == ValueType::kU64 && natural) {
    if (type == ValueType::kF64) return Value::of(static_cast<double>(*natural));
    if (type == ValueType::kI64 && *natural <= INT64_MAX) {
      return Value::of(static_cast<int64_t>(*natural));
    }
  }
  return std::nullopt;
}

Value zero_of(ValueType type) {
  if (type == ValueType::kF64) return Value::of(0.0);
  if (type == ValueType::kU64) return Value::of(uint64_t{0});
  return {type, int64_t{0}};
}

}  // namespace

bool StageChecker::needs_time_bucket(std::string_view what) {
  if (scope_.time_bucket) return true;
  return context_.fault(
      span_, fmt::format("`{}` needs time buckets: a `stats … by time(5m)` before it", what),
      "the stages in between must keep the column `time`");
}

std::vector<uint32_t> StageChecker::other_keys() const {
  std::vector<uint32_t> out;
  for (const uint32_t key : scope_.keys) {
    if (key != scope_.time_bucket) out.push_back(key);
  }
  return out;
}

bool StageChecker::stage(const ast::Fill& fill) {
  if (!needs_time_bucket("fill")) return false;
  FillStage out;
  out.time_column = *scope_.time_bucket;
  out.bucket = scope_.bucket;
  out.group_columns = other_keys();
  Value given;
  if (fill.value && !check_constant(context_, *fill.value, given)) return false;
  bool fits = given.is_null();
  for (uint32_t i = 0; i < scope_.size(); ++i) {
    const ScopeColumn& column = scope_.at(i);
    Value& value = out.values.emplace_back();
    if (std::find(scope_.keys.begin(), scope_.keys.end(), i) != scope_.keys.end()) continue;
    if (!fill.value) {
      if (column.zero_if_empty && !column.unknown) value = zero_of(column.type);
    } else if (auto converted = as_column_type(given, column.type)) {
      value = std::move(*converted);
      fits = true;
    } else if (!column.unknown && is_number(given.type) && is_number(column.type)) {
      return context_.fault(
          fill.value->span,
          fmt::format("`{}` is {}, but {} is {}", column.name, describe(column.type),
                      ast::print_expression(*fill.value), describe(given.type)),
          "the value must fit every numeric column; `fill 0` and `fill null` always do");
    }
  }
  if (!fits) {
    return context_.fault(fill.value->span,
                          fmt::format("no column can hold {}", describe(given.type)),
                          "write `fill` for zero counts and other columns null, or `fill 0`");
  }
  scope_.clear_bounds_before(scope_.size());
  return emit(std::move(out));
}

bool StageChecker::series(std::string_view stage, const ast::Name& name,
                          const std::vector<ast::Name>& keys, SeriesInput& out) {
  if (!needs_time_bucket(stage)) return false;
  out.time_column = *scope_.time_bucket;
  out.bucket = scope_.bucket;
  const auto value = context_.resolve(name, scope_);
  if (!value) return false;
  out.value_column = *value;
  const ScopeColumn& column = scope_.at(*value);
  if (!is_number(column.type)) {
    return context_.fault(name.span, fmt::format("`{}` needs a number, but `{}` is {}", stage,
                                                 column.name, describe(column.type)));
  }
  Expression used;
  used.kind = Expression::Kind::kColumn;
  used.column = *value;
  warn_of_siblings(context_, scope_, used, stage);
  if (!column_list(keys, out.group_columns)) return false;
  if (keys.empty()) out.group_columns = other_keys();
  return true;
}

bool StageChecker::season(const std::optional<ast::Expression>& given, Duration bucket,
                          Duration& out) {
  if (!given) return true;
  if (!check_duration(context_, *given, "`season`", out)) return false;
  if (out % bucket == 0) return true;
  return context_.fault(given->span, fmt::format("the season must be a multiple of the bucket "
                                                 "width, {}",
                                                 format_duration(bucket)));
}

bool StageChecker::added_columns(std::initializer_list<const char*> numbers) {
  return std::ranges::all_of(numbers, [&](const char* name) {
    return add_column({name, ValueType::kF64, false, false});
  });
}

// Whether the column is a count of the last stats: no `let` has replaced it.
bool StageChecker::counts_events(uint32_t column) const {
  if (!scope_.at(column).zero_if_empty) return false;
  for (auto stage = plan_.stages.rbegin(); stage != plan_.stages.rend(); ++stage) {
    const auto* stats = std::get_if<StatsStage>(&stage->operation);
    if (!stats) continue;
    return std::ranges::any_of(stats->aggregates, [&](const Aggregate& each) {
      return each.name == scope_.at(column).name &&
             (each.kind == AggregateKind::kCount || each.kind == AggregateKind::kCountDistinct);
    });
  }
  return false;
}

// Earlier buckets can be computed if every stage so far treats each bucket by itself.
void StageChecker::learn_before(DetectStage& detect) const {
  detect.start = detect.learn_from = plan_.range.start;
  bool has_buckets = false;
  for (const Stage& stage : plan_.stages) {
    if (const auto* stats = std::get_if<StatsStage>(&stage.operation)) {
      const bool by_time =
          std::ranges::any_of(stats->keys, [](const GroupKey& key) { return key.bucket > 0; });
      if (!by_time && !has_buckets) return;
      has_buckets = true;
    } else if (!std::holds_alternative<FilterStage>(stage.operation) &&
               !std::holds_alternative<LetStage>(stage.operation) &&
               !std::holds_alternative<FillStage>(stage.operation) &&
               !std::holds_alternative<ProjectStage>(stage.operation)) {
      return;
    }
  }
  if (!plan_.range_given || plan_.range.start >= plan_.range.end) return;
  const Duration bucket = detect.series.bucket;
  detect.start = bucket_start(plan_.range.start, bucket, plan_.zone);
  detect.learn_from = bucket_start(learning_start(detect.start, bucket), bucket, plan_.zone);
}

bool StageChecker::stage(const ast::Detect& detect) {
  DetectStage out;
  if (!series("detect", detect.column, detect.keys, out.series)) return false;
  if (!season(detect.season, out.series.bucket, out.season)) return false;
  if (detect.sensitivity) {
    constexpr std::array<std::string_view, 3> kWords = {"low", "normal", "high"};
    const auto word = std::ranges::find(kWords, detect.sensitivity->text);
    if (word == kWords.end()) {
      return context_.fault(detect.sensitivity->span,
                            fmt::format("`{}` is not a sensitivity", detect.sensitivity->text),
                            "write `low`, `normal` or `high`");
    }
    out.sensitivity = static_cast<Sensitivity>(word - kWords.begin());
  }
  out.zero_if_missing = scope_.at(out.series.value_column).zero_if_empty;
  out.counts = counts_events(out.series.value_column);
  learn_before(out);
  if (!added_columns({"expected", "lower", "upper", "score"})) return false;
  out.adds_kind = !scope_.find("kind");
  if (!out.adds_kind) {
    context_.warn_once("there is already a column `kind`, so `detect` does not add its own");
  } else if (!add_column({"kind", ValueType::kString, false, false})) {
    return false;
  }
  return add_column({"anomaly", ValueType::kBool, false, false}) && emit(std::move(out));
}

bool StageChecker::stage(const ast::Changepoint& changepoint) {
  ChangepointStage out;
  if (!series("changepoint", changepoint.column, changepoint.keys, out.series)) return false;
  scope_ = scope_.project(out.series.group_columns);
  return add_column({"change", ValueType::kTime, false, false}) &&
         add_column({"type", ValueType::kString, false, false}) &&
         added_columns({"before", "after", "p"}) && emit(std::move(out));
}

bool StageChecker::stage(const ast::Forecast& forecast) {
  ForecastStage out;
  if (!series("forecast", forecast.column, forecast.keys, out.series)) return false;
  if (!check_duration(context_, forecast.horizon, "`horizon`", out.horizon)) return false;
  if (out.horizon / out.series.bucket > kForecastBucketsMax) {
    return context_.fault(forecast.horizon.span,
                          fmt::format("the horizon has more than {} buckets of {}",
                                      kForecastBucketsMax, format_duration(out.series.bucket)),
                          "use a wider bucket or a shorter horizon");
  }
  if (!season(forecast.season, out.series.bucket, out.season)) return false;
  scope_.clear_bounds_before(scope_.size());
  return added_columns({"expected", "lower", "upper"}) &&
         add_column({"forecast", ValueType::kBool, false, false}) && emit(std::move(out));
}

}  // namespace tocsin
