// The terminals of the grammar, and the state of a parse: the farthest position reached, what was
// expected there, and the fault that ended it. grammar.cpp wraps the terminals for X3.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "db/base/time.h"
#include "query/parser/ast.h"
#include "query/parser/diagnostic.h"

namespace tocsin {

class ParseState {
 public:
  /// `text` must outlive the state.
  ParseState(std::string_view text, const TimeZone& zone) : text_(text), zone_(zone) {}

  const TimeZone& zone() const { return zone_; }
  std::string_view rest(const char* position) const { return text_.substr(offset(position)); }
  size_t offset(const char* position) const { return static_cast<size_t>(position - text_.data()); }
  TextSpan span(const char* position, size_t length) const {
    const size_t start = offset(position);
    return {static_cast<uint32_t>(start), static_cast<uint32_t>(start + length)};
  }

  /// Records that `choice` was expected at `position`; only the farthest position counts.
  void expect(const char* position, std::string_view choice);
  /// Ends the parse with an error, without trying other alternatives. Later faults are ignored.
  void fault(size_t offset, size_t length, std::string message, std::string hint = "");
  bool faulty() const { return fault_.has_value(); }

  /// What was expected at `offset`; empty if the parse ended before it or with a fault.
  std::vector<std::string> expected_at(size_t offset) const;
  /// Requires: the parse has failed.
  Diagnostic diagnostic() const;

 private:
  std::string_view text_;
  TimeZone zone_;
  std::optional<Diagnostic> fault_;
  size_t farthest_ = 0;
  std::vector<std::string> expected_;  // at farthest_, in order of attempts
};

/// An operator in the text.
struct OperatorToken {
  Function operation = Function::kAnd;
  TextSpan span;
};

/// Terminals: return whether the text at `position` (never a blank) starts with one, and set its
/// value and length if so. `word` is the symbol or keyword to match; other terminals ignore it.
struct NoValue {};
template <class V>
using Terminal = bool (*)(ParseState&, const char* position, std::string_view word, V& value,
                          size_t& length);

bool match_symbol(ParseState&, const char*, std::string_view, NoValue&, size_t&);
bool match_keyword(ParseState&, const char*, std::string_view, NoValue&, size_t&);
bool match_end(ParseState&, const char*, std::string_view, NoValue&, size_t&);
bool match_here(ParseState&, const char*, std::string_view, TextSpan&, size_t&);
bool match_column(ParseState&, const char*, std::string_view, ast::Name&, size_t&);
bool match_measurement(ParseState&, const char*, std::string_view, ast::Name&, size_t&);
bool match_function(ParseState&, const char*, std::string_view, ast::Name&, size_t&);
bool match_value(ParseState&, const char*, std::string_view, ast::Expression&, size_t&);
bool match_constant(ParseState&, const char*, std::string_view, ast::Expression&, size_t&);
bool match_now(ParseState&, const char*, std::string_view, ast::Expression&, size_t&);
bool match_word_operator(ParseState&, const char*, std::string_view, OperatorToken&, size_t&);
bool match_sum_operator(ParseState&, const char*, std::string_view, OperatorToken&, size_t&);
bool match_product_operator(ParseState&, const char*, std::string_view, OperatorToken&, size_t&);
bool match_comparison(ParseState&, const char*, std::string_view, OperatorToken&, size_t&);
bool match_membership(ParseState&, const char*, std::string_view, OperatorToken&, size_t&);

/// Build expressions; too deep a tree is a fault in the state.
ast::Expression make_binary(ParseState&, const OperatorToken&, ast::Expression left,
                            ast::Expression right);
ast::Expression make_prefixed(ParseState&, const std::vector<OperatorToken>& prefixes,
                              ast::Expression operand);
ast::Expression make_membership(ParseState&, const OperatorToken&, ast::Expression operand,
                                std::vector<ast::Expression> list, uint32_t end);
ast::Expression make_call(ParseState&, ast::Name function, std::vector<ast::Expression> arguments,
                          uint32_t end);
/// The fault for `a < b < c`.
void fault_chain(ParseState&, const OperatorToken&);

}  // namespace tocsin
