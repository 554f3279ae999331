// Text to AST. The grammar is in grammar.cpp and, as EBNF, in query/README.md.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "db/base/time.h"
#include "query/parser/ast.h"
#include "query/parser/diagnostic.h"

namespace tocsin {

/// Parses a query; nothing with `diagnostic` set if it is invalid. A bare date is midnight in
/// `zone`.
std::optional<ast::Query> parse_query(std::string_view text, const TimeZone& zone,
                                      Diagnostic& diagnostic);
/// The same for a single expression.
std::optional<ast::Expression> parse_expression(std::string_view text, const TimeZone& zone,
                                                Diagnostic& diagnostic);

/// What may follow `text`, the start of a query: the phrases of `expected` (syntax_error.h), and
/// keywords and symbols in backticks. Empty if `text` is already invalid.
std::vector<std::string> expected_after(std::string_view text, const TimeZone& zone);

}  // namespace tocsin
