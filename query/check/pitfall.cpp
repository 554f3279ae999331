#include "query/check/pitfall.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "db/base/ascii.h"
#include "query/check/contradiction.h"
#include "query/check/expression.h"
#include "query/parser/lexer.h"

namespace tocsin {
namespace {

std::string written_text(const CheckContext& context, const Expression& part) {
  return std::string(context.text.substr(part.span.start, part.span.end - part.span.start));
}

// Whether the result is null if an argument is.
bool passes_null_on(Function function) {
  switch (function) {
    case Function::kAnd:
    case Function::kOr:
    case Function::kNot:
    case Function::kExists:
    case Function::kIf:
    case Function::kCoalesce: return false;
    default: return !is_comparison(function);
  }
}

// A column that some measurements do not have, and without which the expression is null.
const ScopeColumn* find_lacking(const Scope& scope, const Expression& expression) {
  if (expression.kind == Expression::Kind::kColumn) {
    const ScopeColumn& column = scope.at(expression.column);
    return column.lacking.empty() ? nullptr : &column;
  }
  if (expression.kind != Expression::Kind::kCall || !passes_null_on(expression.function))
    return nullptr;
  for (const Expression& argument : expression.arguments) {
    if (const ScopeColumn* found = find_lacking(scope, argument)) return found;
  }
  return nullptr;
}

const std::string& stored_name(const ScopeColumn& column) {
  return column.lacking_column.empty() ? column.name : column.lacking_column;
}

// The comparison `x != y` rewritten as `x == y`; the other negative comparisons likewise.
std::string positive_text(const CheckContext& context, const Expression& comparison) {
  std::string text = written_text(context, comparison);
  const auto [theirs, ours] = comparison.function == Function::kNotEqual     ? std::pair("!=", "==")
                              : comparison.function == Function::kNotMatches ? std::pair("!~", "=~")
                                                                             : std::pair("not", "");
  const size_t after = comparison.arguments.front().span.end - comparison.span.start;
  const size_t place = text.find(theirs, after);
  if (place == std::string::npos) return text;
  text.replace(place, std::string_view(theirs).size(), ours);
  if (*ours == '\0') text.erase(place, text.find_first_not_of(" \t\r\n", place) - place);
  return text;
}

// kLower or kUpper if the text is known to have that case.
std::optional<Function> letter_case_of(const Scope& scope, const ast::Expression& text) {
  if (text.kind == ast::Expression::Kind::kName) {
    const auto column = scope.find(text.name);
    return column ? scope.at(*column).letter_case : std::nullopt;
  }
  if (text.kind != ast::Expression::Kind::kCall) return std::nullopt;
  if (text.name == "lower") return Function::kLower;
  if (text.name == "upper") return Function::kUpper;
  return std::nullopt;
}

// How the call compares two texts, to follow `never`; null if it does not.
const char* relation_of(Function function) {
  switch (function) {
    case Function::kEqual:
    case Function::kNotEqual:
    case Function::kIn:
    case Function::kNotIn: return "equals";
    case Function::kMatches:
    case Function::kNotMatches: return "matches";
    case Function::kContains: return "contains";
    case Function::kStartsWith: return "starts with";
    case Function::kEndsWith: return "ends with";
    default: return nullptr;
  }
}

// Whether every letter of the pattern is in every text that it matches.
bool is_plain_pattern(std::string_view pattern) {
  return pattern.find_first_of("|([{\\?*") == std::string_view::npos;
}

void warn_of_constant_case(CheckContext& context, const Scope& scope, const ast::Expression& text,
                           Function function, const Expression& constant) {
  const auto letter_case = letter_case_of(scope, text);
  const auto* value = std::get_if<std::string>(&constant.literal.data);
  if (!letter_case || !value) return;
  const bool pattern = function == Function::kMatches || function == Function::kNotMatches;
  if (pattern && !is_plain_pattern(*value)) return;
  const bool lower = *letter_case == Function::kLower;
  const std::string better = lower ? lower_case(*value) : upper_case(*value);
  if (better == *value) return;
  context.warn_once(fmt::format("`{}` has no letters {}, so it never {} {}; write {}",
                                ast::print_expression(text), lower ? "A to Z" : "a to z",
                                relation_of(function), quote_string(*value), quote_string(better)));
}

}  // namespace

void note_facts(const CheckContext& context, const Scope& scope, const ast::Expression& written,
                const Expression& expression, ScopeColumn& column) {
  column.letter_case = letter_case_of(scope, written);
  column.never_null = (written.kind == ast::Expression::Kind::kName ||
                       written.kind == ast::Expression::Kind::kCall) &&
                      is_never_null(scope, written);
  if (const ScopeColumn* lacking = find_lacking(scope, expression)) {
    column.lacking = lacking->lacking;
    column.lacking_column = stored_name(*lacking);
  }
  if (expression.kind == Expression::Kind::kColumn) {
    column.bound = scope.at(expression.column).bound;
    column.range = scope.at(expression.column).range;
  }
  if (expression.type != ValueType::kBool) return;
  column.never_true = find_contradiction(context, scope, expression);
  column.dropped_rows = find_dropped_rows(context, scope, expression);
}

std::vector<std::string> find_dropped_rows(const CheckContext& context, const Scope& scope,
                                           const Expression& condition) {
  if (condition.kind == Expression::Kind::kColumn) return scope.at(condition.column).dropped_rows;
  std::vector<std::string> out;
  if (condition.kind != Expression::Kind::kCall) return out;
  switch (condition.function) {
    case Function::kAnd:
    case Function::kOr:
      for (const Expression& part : condition.arguments) {
        const std::vector<std::string> found = find_dropped_rows(context, scope, part);
        out.insert(out.end(), found.begin(), found.end());
      }
      return out;
    case Function::kNotEqual:
    case Function::kNotMatches:
    case Function::kNotIn: break;
    default: return out;
  }
  for (const Expression& operand : condition.arguments) {
    const ScopeColumn* column = find_lacking(scope, operand);
    if (!column) continue;
    out.push_back(fmt::format(
        "`{}` is false for all rows of {}, without a column `{}`; to include them, write `not {}`",
        written_text(context, condition), column->lacking, stored_name(*column),
        positive_text(context, condition)));
    break;
  }
  return out;
}

void warn_of_letter_case(CheckContext& context, const Scope& scope, const ast::Expression& written,
                         const Expression& call) {
  if (!relation_of(call.function)) return;
  const bool mirrored = call.arguments[0].kind == Expression::Kind::kLiteral &&
                        (call.function == Function::kEqual || call.function == Function::kNotEqual);
  if (mirrored) {
    warn_of_constant_case(context, scope, written.arguments[1], call.function, call.arguments[0]);
  }
  for (size_t i = 1; i < call.arguments.size(); ++i) {
    warn_of_constant_case(context, scope, written.arguments[0], call.function, call.arguments[i]);
  }
}

void warn_of_if(CheckContext& context, const Scope& scope, const Expression& call) {
  const Expression& condition = call.arguments[0];
  if (condition.kind == Expression::Kind::kLiteral)
    return;  // such as a parameter, which others set
  for (std::string& warning : find_dropped_rows(context, scope, condition)) {
    context.warn_once(std::move(warning));
  }
  if (const auto why = find_contradiction(context, scope, condition)) {
    context.warn_once(fmt::format("the first value of this `if` is never used: {}", *why));
  }
}

bool is_never_null(const Scope& scope, const ast::Expression& written) {
  using WrittenKind = ast::Expression::Kind;
  const auto never_null = [&](const ast::Expression& part) { return is_never_null(scope, part); };
  const auto& arguments = written.arguments;
  switch (written.kind) {
    case WrittenKind::kLiteral: return !written.literal.is_null();
    case WrittenKind::kParameter: return true;
    case WrittenKind::kOperator:
      return written.operation == Function::kNegate && never_null(arguments[0]);
    case WrittenKind::kName: {
      const auto column = scope.find(written.name);
      return column && scope.at(*column).never_null;
    }
    case WrittenKind::kCall: break;
  }
  if (written.name == "coalesce") return std::ranges::any_of(arguments, never_null);
  return written.name == "if" && never_null(arguments[1]) && never_null(arguments[2]);
}

}  // namespace tocsin
