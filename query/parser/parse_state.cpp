#include "query/parser/parse_state.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "db/base/ascii.h"
#include "query/base/limits.h"
#include "query/parser/lexer.h"
#include "query/parser/syntax_error.h"

namespace tocsin {
namespace {

struct OperatorText {
  std::string_view text;
  Function operation;
};

bool is_word(std::string_view text) { return is_word_character(text[0]); }

// The first operator of `table` at the position; longer ones come first in the table.
template <size_t N>
bool match_table(const std::array<OperatorText, N>& table, ParseState& state, const char* position,
                 OperatorToken& value, size_t& length) {
  const std::string_view rest = state.rest(position);
  for (const OperatorText& entry : table) {
    const bool found =
        is_word(entry.text) ? starts_with_word(rest, entry.text) : rest.starts_with(entry.text);
    if (!found) continue;
    length = entry.text.size();
    value = {entry.operation, state.span(position, length)};
    return true;
  }
  return false;
}

bool found_or_fault(ParseState& state, const char* position, LexResult result,
                    const LexError& error) {
  if (result == LexResult::kError) {
    state.fault(state.offset(position) + error.offset, error.length, error.message, error.hint);
  }
  return result == LexResult::kFound;
}

// A bare name of `bare_length` bytes if that is not 0, else one in backticks.
bool match_name(ParseState& state, const char* position, size_t bare_length, ast::Name& value,
                size_t& length) {
  const std::string_view rest = state.rest(position);
  if (bare_length > 0) {
    length = bare_length;
    value.text = rest.substr(0, length);
  } else {
    LexError error;
    const LexResult result = lex_quoted_name(rest, value.text, length, error);
    if (!found_or_fault(state, position, result, error)) return false;
  }
  value.span = state.span(position, length);
  return true;
}

bool is_call(std::string_view rest, size_t name_length) {
  const std::string_view after = rest.substr(name_length);
  return after.substr(blank_length(after)).starts_with("(");
}

ast::Expression literal(Value value, TextSpan span) {
  ast::Expression expression;
  expression.kind = ast::Expression::Kind::kLiteral;
  expression.literal = std::move(value);
  expression.span = expression.head = span;
  return expression;
}

bool match_number(ParseState& state, const char* position, ast::Expression& value, size_t& length) {
  Value number;
  LexError error;
  const LexResult result = lex_number(state.rest(position), state.zone(), number, length, error);
  if (!found_or_fault(state, position, result, error)) return false;
  value = literal(std::move(number), state.span(position, length));
  value.in_days = value.literal.type == ValueType::kDuration &&
                  state.rest(position).substr(0, length).find_first_not_of("0123456789.dw") ==
                      std::string_view::npos;
  return true;
}

bool match_string(ParseState& state, const char* position, ast::Expression& value, size_t& length) {
  std::string text;
  LexError error;
  const LexResult result = lex_string(state.rest(position), text, length, error);
  if (!found_or_fault(state, position, result, error)) return false;
  value = literal(Value::of(std::move(text)), state.span(position, length));
  return true;
}

bool match_parameter(ParseState& state, const char* position, ast::Expression& value,
                     size_t& length) {
  const std::string_view rest = state.rest(position);
  if (!rest.starts_with("$")) return false;
  const size_t name_length = identifier_length(rest.substr(1));
  if (name_length == 0) {
    state.fault(state.offset(position), 1, "a parameter needs a name after `$`, like $threshold");
    return false;
  }
  length = 1 + name_length;
  value = {};
  value.kind = ast::Expression::Kind::kParameter;
  value.name = rest.substr(1, name_length);
  value.span = value.head = state.span(position, length);
  return true;
}

bool match_word_value(ParseState& state, const char* position, ast::Expression& value,
                      size_t& length) {
  const std::string_view rest = state.rest(position);
  const auto accept = [&](std::string_view word, Value constant) {
    if (!starts_with_word(rest, word)) return false;
    length = word.size();
    value = literal(std::move(constant), state.span(position, length));
    return true;
  };
  return accept("true", Value::of(true)) || accept("false", Value::of(false)) ||
         accept("null", Value::null());
}

// Sets the depth, and faults if the tree is too deep to recurse on.
void bound_depth(ParseState& state, ast::Expression& expression) {
  uint32_t depth = 0;
  for (const ast::Expression& argument : expression.arguments) {
    depth = std::max(depth, argument.depth);
  }
  expression.depth = depth + 1;
  if (expression.depth <= kExpressionDepthMax) return;
  state.fault(expression.head.start, expression.head.end - expression.head.start,
              fmt::format("this expression nests more than {} operators", kExpressionDepthMax),
              "replace many `==` joined by `or` with `x in (…)`; split others with `let`");
}

ast::Expression make_operator(const OperatorToken& token) {
  ast::Expression expression;
  expression.kind = ast::Expression::Kind::kOperator;
  expression.operation = token.operation;
  expression.head = expression.span = token.span;
  return expression;
}

}  // namespace

void ParseState::expect(const char* position, std::string_view choice) {
  if (choice.empty()) return;
  const size_t place = offset(position);
  if (place < farthest_) return;
  if (place > farthest_) expected_.clear();
  farthest_ = place;
  if (std::find(expected_.begin(), expected_.end(), choice) == expected_.end()) {
    expected_.emplace_back(choice);
  }
}

void ParseState::fault(size_t offset, size_t length, std::string message, std::string hint) {
  if (fault_) return;
  fault_.emplace();
  fault_->message = std::move(message);
  fault_->hint = std::move(hint);
  fault_->locate(text_, offset, length);
}

std::vector<std::string> ParseState::expected_at(size_t offset) const {
  return fault_ || farthest_ != offset ? std::vector<std::string>() : expected_;
}

Diagnostic ParseState::diagnostic() const {
  return fault_ ? *fault_ : explain_syntax_error(text_, farthest_, expected_);
}

bool match_symbol(ParseState& state, const char* position, std::string_view word, NoValue&,
                  size_t& length) {
  const std::string_view rest = state.rest(position);
  if (!rest.starts_with(word)) return false;
  // `=` must not match half of `==`, nor `|` half of another language's `|=` or `||`.
  const char next = rest.size() > word.size() ? rest[word.size()] : '\0';
  if (word == "=" && (next == '=' || next == '~')) return false;
  if (word == "|" && (next == '|' || next == '=' || next == '~')) return false;
  length = word.size();
  return true;
}

bool match_keyword(ParseState& state, const char* position, std::string_view word, NoValue&,
                   size_t& length) {
  length = word.size();
  return starts_with_word(state.rest(position), word);
}

bool match_end(ParseState& state, const char* position, std::string_view, NoValue&,
               size_t& length) {
  length = 0;
  return state.rest(position).empty();
}

bool match_here(ParseState& state, const char* position, std::string_view, TextSpan& value,
                size_t& length) {
  length = 0;
  value = state.span(position, 0);
  return true;
}

bool match_column(ParseState& state, const char* position, std::string_view, ast::Name& value,
                  size_t& length) {
  const std::string_view rest = state.rest(position);
  const size_t bare = identifier_length(rest);
  if (bare > 0 && is_reserved_word(rest.substr(0, bare))) return false;
  return match_name(state, position, bare, value, length);
}

bool match_measurement(ParseState& state, const char* position, std::string_view, ast::Name& value,
                       size_t& length) {
  return match_name(state, position, measurement_length(state.rest(position)), value, length);
}

bool match_function(ParseState& state, const char* position, std::string_view, ast::Name& value,
                    size_t& length) {
  const std::string_view rest = state.rest(position);
  const size_t bare = identifier_length(rest);
  if (bare == 0 || is_reserved_word(rest.substr(0, bare)) || !is_call(rest, bare)) return false;
  return match_name(state, position, bare, value, length);
}

bool match_value(ParseState& state, const char* position, std::string_view word,
                 ast::Expression& value, size_t& length) {
  return match_constant(state, position, word, value, length) ||
         match_word_value(state, position, value, length);
}

bool match_constant(ParseState& state, const char* position, std::string_view,
                    ast::Expression& value, size_t& length) {
  return match_number(state, position, value, length) ||
         match_string(state, position, value, length) ||
         match_parameter(state, position, value, length);
}

bool match_now(ParseState& state, const char* position, std::string_view, ast::Expression& value,
               size_t& length) {
  const std::string_view rest = state.rest(position);
  if (!starts_with_word(rest, "now")) return false;
  length = 3;
  size_t n = 3 + blank_length(rest.substr(3));
  if (rest.substr(n).starts_with("(")) {
    n += 1 + blank_length(rest.substr(n + 1));
    if (rest.substr(n).starts_with(")")) length = n + 1;
  }
  value = {};
  value.kind = ast::Expression::Kind::kCall;
  value.name = "now";
  value.span = state.span(position, length);
  value.head = state.span(position, 3);
  return true;
}

bool match_word_operator(ParseState& state, const char* position, std::string_view word,
                         OperatorToken& value, size_t& length) {
  const Function operation = word == "or"    ? Function::kOr
                             : word == "and" ? Function::kAnd
                                             : Function::kNot;
  const std::array<OperatorText, 1> table = {{{word, operation}}};
  return match_table(table, state, position, value, length);
}

bool match_sum_operator(ParseState& state, const char* position, std::string_view,
                        OperatorToken& value, size_t& length) {
  static constexpr std::array<OperatorText, 2> kTable = {
      {{"+", Function::kAdd}, {"-", Function::kSubtract}}};
  return match_table(kTable, state, position, value, length);
}

bool match_product_operator(ParseState& state, const char* position, std::string_view,
                            OperatorToken& value, size_t& length) {
  static constexpr std::array<OperatorText, 4> kTable = {{{"*", Function::kMultiply},
                                                          {"/", Function::kDivide},
                                                          {"div", Function::kIntegerDivide},
                                                          {"%", Function::kModulo}}};
  return match_table(kTable, state, position, value, length);
}

bool match_comparison(ParseState& state, const char* position, std::string_view,
                      OperatorToken& value, size_t& length) {
  static constexpr std::array<OperatorText, 10> kTable = {{{"==", Function::kEqual},
                                                           {"!=", Function::kNotEqual},
                                                           {"=~", Function::kMatches},
                                                           {"!~", Function::kNotMatches},
                                                           {"<=", Function::kLessEqual},
                                                           {">=", Function::kGreaterEqual},
                                                           {"<", Function::kLess},
                                                           {">", Function::kGreater},
                                                           {"contains", Function::kContains},
                                                           {"icontains", Function::kIcontains}}};
  const std::string_view rest = state.rest(position);
  if (rest.starts_with("<>")) {
    state.fault(state.offset(position), 2, "`<>` is SQL; write `!=`");
    return false;
  }
  if (match_table(kTable, state, position, value, length)) return true;
  if (rest.starts_with("=")) {
    state.fault(state.offset(position), 1,
                "a single `=` only names a result; to compare, write `==`");
  }
  return false;
}

bool match_membership(ParseState& state, const char* position, std::string_view,
                      OperatorToken& value, size_t& length) {
  const std::string_view rest = state.rest(position);
  size_t n = 0;
  Function operation = Function::kIn;
  if (starts_with_word(rest, "not")) {
    operation = Function::kNotIn;
    n = 3 + blank_length(rest.substr(3));
  }
  if (!starts_with_word(rest.substr(n), "in")) return false;
  length = n + 2;
  value = {operation, state.span(position, length)};
  return true;
}

ast::Expression make_binary(ParseState& state, const OperatorToken& token, ast::Expression left,
                            ast::Expression right) {
  ast::Expression expression = make_operator(token);
  expression.span = {left.span.start, right.span.end};
  expression.arguments.push_back(std::move(left));
  expression.arguments.push_back(std::move(right));
  bound_depth(state, expression);
  return expression;
}

ast::Expression make_prefixed(ParseState& state, const std::vector<OperatorToken>& prefixes,
                              ast::Expression operand) {
  for (auto prefix = prefixes.rbegin(); prefix != prefixes.rend() && !state.faulty(); ++prefix) {
    ast::Expression expression = make_operator(*prefix);
    expression.span.end = operand.span.end;
    expression.arguments.push_back(std::move(operand));
    bound_depth(state, expression);
    operand = std::move(expression);
  }
  return operand;
}

ast::Expression make_membership(ParseState& state, const OperatorToken& token,
                                ast::Expression operand, std::vector<ast::Expression> list,
                                uint32_t end) {
  ast::Expression expression = make_operator(token);
  expression.span = {operand.span.start, end};
  if (list.size() > kInListCountMax) {
    state.fault(token.span.start, token.span.end - token.span.start,
                fmt::format("`in` accepts at most {} values", kInListCountMax));
  }
  expression.arguments.push_back(std::move(operand));
  std::move(list.begin(), list.end(), std::back_inserter(expression.arguments));
  bound_depth(state, expression);
  return expression;
}

ast::Expression make_call(ParseState& state, ast::Name function,
                          std::vector<ast::Expression> arguments, uint32_t end) {
  ast::Expression expression;
  expression.kind = ast::Expression::Kind::kCall;
  expression.name = std::move(function.text);
  expression.head = function.span;
  expression.span = {function.span.start, end};
  if (arguments.size() > kListCountMax) {
    state.fault(function.span.start, function.span.end - function.span.start,
                fmt::format("a function accepts at most {} arguments", kListCountMax));
  }
  expression.arguments = std::move(arguments);
  bound_depth(state, expression);
  return expression;
}

void fault_chain(ParseState& state, const OperatorToken& token) {
  state.fault(token.span.start, token.span.end - token.span.start, "comparisons cannot be chained",
              "write `1 < x and x < 5` instead of `1 < x < 5`, or add parentheses");
}

}  // namespace tocsin
