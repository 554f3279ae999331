// Explains why a query does not parse: what was expected, and for idioms of other languages what to
// write instead.
#pragma once

#include <string_view>
#include <vector>

#include "query/parser/diagnostic.h"

namespace tocsin {

/// What the grammar expected where the parse failed, as in `expected an operator or |`.
namespace expected {
inline constexpr const char* kStage = "a stage";
inline constexpr const char* kSource = "`from`";
inline constexpr const char* kExpression = "an expression";
inline constexpr const char* kOperator = "an operator";
inline constexpr const char* kAggregate = "an aggregate";
inline constexpr const char* kColumn = "a column";
inline constexpr const char* kMeasurement = "a measurement";
inline constexpr const char* kConstant = "a number, duration or $parameter";
inline constexpr const char* kPipe = "`|`";
inline constexpr const char* kEnd = "the end of the query";
}  // namespace expected

/// The diagnostic for a parse that failed at `offset`, where one of `choices` was expected.
Diagnostic explain_syntax_error(std::string_view text, size_t offset,
                                const std::vector<std::string>& choices);

}  // namespace tocsin
