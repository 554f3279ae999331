// The stages on time buckets: fill and detect.
#include <algorithm>

#include <fmt/format.h>

#include "query/check/siblings.h"
#include "query/check/stages.h"

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

bool StageChecker::stage(const ast::Detect& detect) {
  if (!needs_time_bucket("detect")) return false;
  DetectStage out;
  out.time_column = *scope_.time_bucket;
  out.bucket = scope_.bucket;
  const auto value = context_.resolve(detect.column, scope_);
  if (!value) return false;
  out.value_column = *value;
  const ScopeColumn& column = scope_.at(*value);
  if (!is_number(column.type)) {
    return context_.fault(detect.column.span, fmt::format("`detect` needs a number, but `{}` is {}",
                                                          column.name, describe(column.type)));
  }
  Expression used;
  used.kind = Expression::Kind::kColumn;
  used.column = *value;
  warn_of_siblings(context_, scope_, used, "detect");
  if (detect.season) {
    if (!check_duration(context_, *detect.season, "`season`", out.season)) return false;
    if (out.season % out.bucket != 0) {
      return context_.fault(detect.season->span,
                            fmt::format("the season must be a multiple of the bucket width, {}",
                                        format_duration(out.bucket)));
    }
  }
  if (!column_list(detect.keys, out.group_columns)) return false;
  if (detect.keys.empty()) out.group_columns = other_keys();
  for (const char* name : {"expected", "lower", "upper", "score"}) {
    if (!add_column({name, ValueType::kF64, false, false})) return false;
  }
  return add_column({"anomaly", ValueType::kBool, false, false}) && emit(std::move(out));
}

}  // namespace tocsin
