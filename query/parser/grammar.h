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

/// The query that `text` is, or nothing, with what is wrong in `diagnostic`. A bare date is
/// midnight in `zone`.
std::optional<ast::Query> parse_query(std::string_view text, const TimeZone& zone,
                                      Diagnostic& diagnostic);
/// The same for a single expression.
std::optional<ast::Expression> parse_expression(std::string_view text, const TimeZone& zone,
                                                Diagnostic& diagnostic);

/// What may follow `text`, the beginning of a query: choices of `expected` (syntax_error.h), and
/// words and signs in backticks. Empty when the text is wrong before its end.
std::vector<std::string> expected_after(std::string_view text, const TimeZone& zone);

}  // namespace tocsin
