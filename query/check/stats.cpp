// The stage stats: aggregates with their arguments, and group keys.
#include <algorithm>

#include <fmt/format.h>

#include "db/base/text.h"
#include "query/base/limits.h"
#include "query/check/pitfall.h"
#include "query/check/siblings.h"
#include "query/check/stages.h"

namespace tocsin {
namespace {

constexpr uint32_t kSampleCountDefault = 3;

bool accepts(ArgumentType wanted, ValueType type) {
  switch (wanted) {
    case ArgumentType::kNumber: return is_number(type);
    case ArgumentType::kNumberOrDuration: return is_number(type) || type == ValueType::kDuration;
    case ArgumentType::kOrdered: return type != ValueType::kBool;
    default: return true;
  }
}

bool is_null_literal(const Expression& expression) {
  return is_literal(expression) && expression.literal.is_null();
}

ValueType result_type(const AggregateEntry& entry, ValueType argument) {
  switch (entry.result) {
    case ResultType::kI64: return ValueType::kI64;
    case ResultType::kString: return ValueType::kString;
    case ResultType::kFirst: return argument;
    default: return argument == ValueType::kDuration ? argument : ValueType::kF64;
  }
}

// Gives a type to an argument that is null in every row, and to the result of the aggregate.
void type_null_argument(const AggregateEntry& entry, Aggregate& aggregate) {
  const bool number =
      entry.argument == ArgumentType::kNumber || entry.argument == ArgumentType::kNumberOrDuration;
  aggregate.argument->type = number ? ValueType::kF64 : ValueType::kString;
  if (aggregate.type == ValueType::kNull) aggregate.type = aggregate.argument->type;
}

// `count(status == "FAILED")`: how to count the rows for which a condition holds.
std::string count_where(const ast::Expression& call) {
  const std::string condition = ast::print_expression(call.arguments[0]);
  if (call.name == "mean") {
    return fmt::format(
        "write `n = count() where {}, total = count()`, and then `| let share = n / "
        "total`",
        condition);
  }
  return fmt::format("write `count() where {}`", condition);
}

// Whether the aggregate of a condition would say nothing about how often it holds.
bool ignores_truth(AggregateKind kind) {
  return kind == AggregateKind::kCount || kind == AggregateKind::kCountDistinct;
}

std::string advice_for(const AggregateEntry& entry, ValueType type, const ast::Expression& call) {
  if (type == ValueType::kBool) return count_where(call);
  if (type == ValueType::kDuration) return "convert it with to_seconds(x)";
  if (type == ValueType::kString) return "convert it with to_number(x)";
  return usage_of(entry.documentation);
}

}  // namespace

bool StageChecker::has_times() const {
  const auto column = scope_.find("time");
  return column && scope_.at(*column).type == ValueType::kTime;
}

bool StageChecker::time_column(TextSpan span, std::string_view what, uint32_t& out) {
  if (has_times()) {
    out = *scope_.find("time");
    return true;
  }
  return context_.fault(
      span, fmt::format("{} needs the column `time`, which an earlier stage removed", what),
      "use it in the first `stats`, or keep `time` until here");
}

bool StageChecker::quantile_argument(const ast::Expression& call, Aggregate& out) {
  if (const auto quantile = quantile_of_name(call.name)) {
    out.quantile = *quantile;
  } else if (call.name == "median") {
    out.quantile = 0.5;
  } else {
    Expression checked;
    if (!check_expression(context_, scope_, call.arguments[1], checked)) return false;
    const Value& value = checked.literal;
    const double* share = std::get_if<double>(&value.data);
    const int64_t* whole = std::get_if<int64_t>(&value.data);
    out.quantile = share ? *share : whole ? static_cast<double>(*whole) : -1;
    const bool constant = is_literal(checked) && is_number(value.type);
    if (!constant || !(out.quantile >= 0 && out.quantile <= 1)) {
      return context_.fault(call.arguments[1].span, "the quantile must be a constant from 0 to 1",
                            "write `quantile(x, 0.95)`, or `p95(x)`");
    }
  }
  return true;
}

bool StageChecker::check_boolean_argument(const ast::Expression& call, const AggregateEntry& entry,
                                          const Expression& argument) {
  if (!ignores_truth(entry.kind)) return true;
  if (argument.kind != Expression::Kind::kColumn) {
    return context_.fault(
        call.arguments[0].span,
        fmt::format("`{}` of a condition also counts the rows for which it is false", call.name),
        count_where(call));
  }
  if (entry.kind == AggregateKind::kCount) {
    context_.warnings.push_back(fmt::format(
        "`{0}` counts the rows in which `{1}` is true or false; to count those in which "
        "it is true, write `count() where {1}`",
        ast::print_expression(call), ast::print_expression(call.arguments[0])));
  }
  return true;
}

// `count(if(status == "FAILED", 1, 0))` counts all rows.
bool StageChecker::check_never_null(const ast::Expression& call) {
  using Kind = ast::Expression::Kind;
  const ast::Expression& written = call.arguments[0];
  const bool computed = written.kind == Kind::kCall || written.kind == Kind::kName;
  if (!computed || !is_never_null(scope_, written)) return true;
  if (written.kind == Kind::kCall && written.name == "if") {
    return context_.fault(
        written.span, "`count` counts the values that are not null, and this `if` is never null",
        fmt::format("write `count() where {}`", ast::print_expression(written.arguments[0])));
  }
  context_.warn_once(fmt::format(
      "`{}` counts all rows, because `{}` is never null; write `count()`, or `count() where …` to "
      "count the rows for which a condition holds",
      ast::print_expression(call), ast::print_expression(written)));
  return true;
}

bool StageChecker::aggregate_arguments(const ast::AggregateItem& item, const AggregateEntry& entry,
                                       Aggregate& out) {
  const ast::Expression& call = item.call;
  const size_t count = call.arguments.size();
  if (count < entry.argument_count_min || count > entry.argument_count_max) {
    return context_.fault(
        call.span,
        fmt::format("`{}` does not accept {} argument{}", call.name, count, count == 1 ? "" : "s"),
        usage_of(entry.documentation));
  }
  if (count == 0) return true;
  Expression& argument = out.argument.emplace();
  if (!check_expression(context_, scope_, call.arguments[0], argument)) return false;
  const ValueType type = argument.type;
  if (type != ValueType::kNull && !accepts(entry.argument, type)) {
    return context_.fault(call.arguments[0].span,
                          fmt::format("`{}` needs {}, but this is {}", call.name,
                                      name_of(entry.argument), describe(type)),
                          advice_for(entry, type, call));
  }
  if (type == ValueType::kBool && !check_boolean_argument(call, entry, argument)) return false;
  const bool counts = entry.kind == AggregateKind::kCount && type != ValueType::kBool;
  if (counts && !check_never_null(call)) return false;
  out.type = result_type(entry, type);
  switch (entry.kind) {
    case AggregateKind::kCount:
    case AggregateKind::kSample: use_text_of_all(scope_, argument); break;
    case AggregateKind::kCountDistinct: use_distinct_text_of_all(scope_, argument); break;
    default: warn_of_siblings(context_, scope_, argument, call.name);
  }
  if (type == ValueType::kNull) type_null_argument(entry, out);
  if (entry.kind == AggregateKind::kQuantile) return quantile_argument(call, out);
  if (entry.kind != AggregateKind::kSample) return true;
  uint64_t samples = kSampleCountDefault;
  if (count > 1 && !check_count(context_, call.arguments[1], "the number of samples", 1,
                                kSampleCountMax, samples)) {
    return false;
  }
  out.sample_count = static_cast<uint32_t>(samples);
  return true;
}

bool StageChecker::aggregate(const ast::AggregateItem& item, Aggregate& out) {
  const AggregateEntry* entry = find_aggregate(item.call.name);
  if (!entry || item.call.name == "pNN") {
    const bool is_function = find_function(item.call.name) != nullptr;
    std::string hint =
        did_you_mean(suggest_aggregate(item.call.name), "query/README.md lists all aggregates");
    if (is_function) {
      hint = fmt::format("`{0}` is a function: use it in a later stage, `| let x = {0}(…)`",
                         item.call.name);
    }
    return context_.fault(item.call.head, fmt::format("no aggregate `{}`", item.call.name), hint);
  }
  out.kind = entry->kind;
  out.span = item.call.span;
  out.name = item.name ? item.name->text : ast::print_expression(item.call);
  if (!aggregate_arguments(item, *entry, out)) return false;
  if (item.where) {
    if (!item.name) out.name += " where " + ast::print_expression(*item.where);
    out.where.emplace();
    if (!check_condition(context_, scope_, *item.where, "`where`", *out.where)) return false;
  }
  if (!reads_time(out.kind)) return true;
  if (out.kind == AggregateKind::kSample && !has_times()) return true;
  return time_column(item.call.span, fmt::format("`{}`", item.call.name),
                     out.time_column.emplace());
}

bool StageChecker::group_key(const ast::KeyItem& item, GroupKey& out) {
  out.name = item.name.text;
  if (item.bucket) {
    if (item.name.text != "time") {
      const bool duration = item.bucket->literal.type == ValueType::kDuration;
      return context_.fault(
          item.name.span, "`by` accepts only columns and `time(5m)`",
          duration ? fmt::format("write `by time({})`", ast::print_expression(*item.bucket))
                   : "compute it first: | let h = hour(time) | stats … by h");
    }
    return check_duration(context_, *item.bucket, "`time(…)`", out.bucket) &&
           time_column(item.name.span, "`time(…)`", out.column);
  }
  const auto column = context_.resolve(item.name, scope_);
  if (!column) return false;
  out.column = *column;
  return true;
}

bool StageChecker::stage(const ast::Stats& stats) {
  StatsStage out;
  Scope next;
  const auto add = [&](ScopeColumn column, TextSpan span) {
    if (!column.sibling && next.find(column.name)) {
      return context_.fault(span, fmt::format("`{}` is defined twice in this `stats`", column.name),
                            "rename one of them, as in `name = count()`");
    }
    next.add(std::move(column));
    return true;
  };
  for (const ast::KeyItem& item : stats.keys) {
    GroupKey key;
    if (!group_key(item, key)) return false;
    if (key.bucket > 0) {
      next.time_bucket = static_cast<uint32_t>(next.size());
      next.bucket = key.bucket;
    }
    for (const uint32_t member : scope_.family(key.column)) {
      const ScopeColumn& from = scope_.at(member);
      ScopeColumn column = from;
      column.zero_if_empty = false;
      if (key.bucket > 0) column.range.reset();  // a bucket may start before the range
      next.keys.push_back(static_cast<uint32_t>(next.size()));
      if (!add(std::move(column), item.name.span)) return false;
      key.column = member;
      out.keys.push_back(key);
    }
  }
  for (const ast::AggregateItem& item : stats.aggregates) {
    Aggregate& made = out.aggregates.emplace_back();
    if (!aggregate(item, made)) return false;
    const AggregateEntry& entry = *find_aggregate(item.call.name);
    const bool zero = entry.empty_is_zero;
    const bool unknown =
        !zero && entry.result == ResultType::kFirst && is_null_literal(*made.argument);
    ScopeColumn column{made.name, made.type, unknown, zero};
    if (entry.kind == AggregateKind::kCount && !made.argument && !made.where && !out.keys.empty()) {
      column.bound = LowerBound{Value::of(int64_t{1}), false,
                                "a group has at least one row. To find groups without any, write "
                                "`| baseline 1d` before this (or `| fill` after `by time(…)`)"};
    }
    if (!add(std::move(column), item.name ? item.name->span : item.call.span)) return false;
  }
  scope_ = std::move(next);
  has_stats_ = true;
  return emit(std::move(out));
}

}  // namespace tocsin
