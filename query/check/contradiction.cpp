#include "query/check/contradiction.h"

#include <cmath>
#include <cstdint>
#include <limits>
#include <map>

#include <fmt/format.h>

#include "query/function/scalar.h"

namespace tocsin {
namespace {

/// The values that a column may still have; a missing end is unlimited.
struct Interval {
  std::optional<Value> min, max;
  bool above_min = false, below_max = false;  // the end itself is excluded

  void raise(const Value& to, bool open) {
    const int c = min ? compare_values(to, *min) : 1;
    if (c < 0) return;
    above_min = c > 0 ? open : above_min || open;
    min = to;
  }
  void lower(const Value& to, bool open) {
    const int c = max ? compare_values(to, *max) : -1;
    if (c > 0) return;
    below_max = c < 0 ? open : below_max || open;
    max = to;
  }
  bool empty() const {
    if (!min || !max) return false;
    const int c = compare_values(*min, *max);
    return c > 0 || (c == 0 && (above_min || below_max));
  }
};

Interval values_of(const ScopeColumn& column) {
  Interval out;
  if (column.type == ValueType::kI64) {
    out.min = Value::of(std::numeric_limits<int64_t>::min());
    out.max = Value::of(std::numeric_limits<int64_t>::max());
  } else if (column.type == ValueType::kU64) {
    out.min = Value::of(uint64_t{0});
    out.max = Value::of(std::numeric_limits<uint64_t>::max());
  } else if (column.range) {
    out.min = Value::time(column.range->start);
    out.max = Value::time(column.range->end);
    out.below_max = true;
  }
  if (column.bound) out.raise(column.bound->min, column.bound->above);
  return out;
}

Function mirrored(Function operation) {
  switch (operation) {
    case Function::kLess: return Function::kGreater;
    case Function::kLessEqual: return Function::kGreaterEqual;
    case Function::kGreater: return Function::kLess;
    case Function::kGreaterEqual: return Function::kLessEqual;
    default: return operation;
  }
}

void narrow(Interval& interval, Function operation, const Value& constant) {
  switch (operation) {
    case Function::kEqual:
      interval.raise(constant, false);
      interval.lower(constant, false);
      return;
    case Function::kLess: interval.lower(constant, true); return;
    case Function::kLessEqual: interval.lower(constant, false); return;
    case Function::kGreater: interval.raise(constant, true); return;
    case Function::kGreaterEqual: interval.raise(constant, false); return;
    default: return;
  }
}

class Search {
 public:
  using Intervals = std::map<uint32_t, Interval>;  // by column

  Search(const CheckContext& context, const Scope& scope) : context_(context), scope_(scope) {}

  // `known` has the intervals that earlier conditions leave; this condition narrows them.
  std::optional<std::string> find(const Expression& condition, Intervals& known) const {
    if (condition.kind == Expression::Kind::kLiteral) {
      const bool* value = std::get_if<bool>(&condition.literal.data);
      // With unknown names, a condition that is false now may become true later.
      if ((value && *value) || context_.options.rule_mode) return std::nullopt;
      return fmt::format("`{}` is false for every row", written(condition));
    }
    if (condition.kind == Expression::Kind::kColumn) return scope_.at(condition.column).never_true;
    if (condition.function == Function::kAnd) return find_in_conjunction(condition, known);
    if (condition.function == Function::kOr) return find_in_disjunction(condition, known);
    return find_in_comparison(condition, known);
  }

 private:
  std::string_view written(const Expression& part) const {
    return context_.text.substr(part.span.start, part.span.end - part.span.start);
  }

  std::optional<std::string> find_in_conjunction(const Expression& condition,
                                                 Intervals& known) const {
    for (const Expression& part : condition.arguments) {
      if (auto found = find(part, known)) return found;
    }
    return std::nullopt;
  }

  // Every alternative must be impossible.
  std::optional<std::string> find_in_disjunction(const Expression& condition,
                                                 const Intervals& known) const {
    std::optional<std::string> found;
    for (const Expression& part : condition.arguments) {
      Intervals copy = known;
      found = find(part, copy);
      if (!found) return std::nullopt;
    }
    return found;
  }

  std::optional<std::string> find_in_comparison(const Expression& condition,
                                                Intervals& known) const {
    if (condition.arguments.size() != 2) return std::nullopt;
    const bool turned = condition.arguments[1].kind == Expression::Kind::kColumn;
    const Expression& column = condition.arguments[turned ? 1 : 0];
    const Expression& constant = condition.arguments[turned ? 0 : 1];
    if (column.kind != Expression::Kind::kColumn || constant.kind != Expression::Kind::kLiteral ||
        constant.literal.is_null() || scope_.at(column.column).unknown) {
      return std::nullopt;
    }
    const Function operation = turned ? mirrored(condition.function) : condition.function;
    const ScopeColumn& entry = scope_.at(column.column);
    Interval alone = values_of(entry);
    narrow(alone, operation, constant.literal);
    if (alone.empty() || (operation == Function::kEqual && between_integers(entry, constant))) {
      if (entry.bound) {
        return fmt::format("`{}` is never true, because {}", written(condition),
                           entry.bound->reason);
      }
      return entry.range
                 ? fmt::format("`{}` is outside the time range of the query", written(condition))
                 : fmt::format("`{}` is false for every value of `{}`, which is {}",
                               written(condition), entry.name, describe(entry.type));
    }
    Interval& left = known.try_emplace(column.column, values_of(entry)).first->second;
    narrow(left, operation, constant.literal);
    if (!left.empty()) return std::nullopt;
    return fmt::format("`{}` contradicts an earlier condition on `{}`", written(condition),
                       entry.name);
  }

  static bool between_integers(const ScopeColumn& column, const Expression& constant) {
    const double* value = std::get_if<double>(&constant.literal.data);
    const bool integer = column.type == ValueType::kI64 || column.type == ValueType::kU64;
    return value && integer && *value != std::trunc(*value);
  }

  const CheckContext& context_;
  const Scope& scope_;
};

}  // namespace

bool may_hold_for_silence(const CheckContext& context, const Scope& scope,
                          const Expression& condition) {
  Search::Intervals known;
  for (uint32_t i = 0; i < scope.size(); ++i) {
    if (!scope.at(i).zero_if_empty) continue;
    Interval zero;
    zero.min = zero.max = Value::of(int64_t{0});
    known.emplace(i, std::move(zero));
  }
  return !Search(context, scope).find(condition, known);
}

std::optional<std::string> find_contradiction(const CheckContext& context, const Scope& scope,
                                              const Expression& condition) {
  Search::Intervals known;
  return Search(context, scope).find(condition, known);
}

}  // namespace tocsin
