// Completion of unfinished queries, for the shell, the web page and editors.
//
// The grammar determines what may follow (expected_after), the registry lists stages, functions and
// aggregates, the checker determines the columns in scope, and the store provides values.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "db/database.h"
#include "db/schema/schema.h"
#include "query/base/options.h"

namespace tocsin {

enum class SuggestionKind : uint8_t {
  kKeyword,
  kStage,
  kMeasurement,
  kColumn,
  kValue,
  kFunction,
  kAggregate,
  kOperator,
  kConstant,
  kParameter,
};
const char* name_of(SuggestionKind kind);  ///< `keyword`, `stage`, ...

struct Suggestion {
  SuggestionKind kind = SuggestionKind::kKeyword;
  std::string text;    ///< replaces the word at the cursor; a function includes its `(`
  std::string detail;  ///< shown to users: a type, a signature with help; may be empty
};

struct Completion {
  /// The bytes that a suggestion replaces: the word at the cursor; empty if there is none.
  size_t start = 0, end = 0;
  std::vector<Suggestion> suggestions;  ///< most likely first; no text occurs twice
};

/// Returns values of a string column of these measurements, most frequent first.
using ValueSource = std::function<std::vector<std::string>(
    const std::vector<std::string>& measurements, const std::string& column)>;

/// The suggestions for byte `cursor` of `text`. After the cursor, only the rest of the word is
/// read. Only zone and parameters of the options are used. `values` may be empty.
Completion complete(std::string_view text, size_t cursor, const Catalog& catalog,
                    const QueryOptions& options, const ValueSource& values);

/// The same for an open database, with recent_values.
Completion complete(std::string_view text, size_t cursor, const Database& database,
                    const QueryOptions& options);

/// Values of a column from the newest segments, with bounded work. Returns none for columns with
/// many distinct values, and ignores segments that cannot be read.
std::vector<std::string> recent_values(const Database& database,
                                       const std::vector<std::string>& measurements,
                                       const std::string& column);

}  // namespace tocsin
