// The terminals of the grammar, and what a parse knows about itself: how far it came, what it
// waited for there, and a fault after which no other way needs to be tried. grammar.cpp wraps these
// for X3.
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

  /// Notes that `choice` would have been welcome at `position`; only the farthest position counts.
  void expect(const char* position, std::string_view choice);
  /// Ends the parse: the first fault is reported, whatever else was tried.
  void fault(size_t offset, size_t length, std::string message, std::string hint = "");
  bool faulty() const { return fault_.has_value(); }

  /// What would have been welcome at `offset`; nothing when the parse ended before it, or with a
  /// fault.
  std::vector<std::string> expected_at(size_t offset) const;
  /// What is wrong. Requires: the parse has failed.
  Diagnostic diagnostic() const;

 private:
  std::string_view text_;
  TimeZone zone_;
  std::optional<Diagnostic> fault_;
  size_t farthest_ = 0;
  std::vector<std::string> expected_;  // at farthest_, in the order of asking
};

/// An operator as it stands in the text.
struct OperatorToken {
  Function operation = Function::kAnd;
  TextSpan span;
};

/// Terminals: whether `position` (never a blank) begins with one; if so, its value and its length.
/// `word` is what a symbol or keyword consists of; the others ignore it.
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

/// Building of expressions, with the depth of the tree bounded (a fault of the state).
ast::Expression make_binary(ParseState&, const OperatorToken&, ast::Expression left,
                            ast::Expression right);
ast::Expression make_prefixed(ParseState&, const std::vector<OperatorToken>& prefixes,
                              ast::Expression operand);
ast::Expression make_membership(ParseState&, const OperatorToken&, ast::Expression operand,
                                std::vector<ast::Expression> list, uint32_t end);
ast::Expression make_call(ParseState&, ast::Name function, std::vector<ast::Expression> arguments,
                          uint32_t end);
/// `a < b < c`: comparisons do not chain.
void fault_chain(ParseState&, const OperatorToken&);

}  // namespace tocsin
