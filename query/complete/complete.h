// What may be written at a place in an unfinished query: the one completer that shell, page and
// editors share.
//
// The grammar says what it would take there (expected_after), the registry what stages, functions
// and aggregates there are, the checker which columns the stages before leave, the store which
// values.
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
  std::string text;    ///< what takes the place of the word; a function ends with its `(`
  std::string detail;  ///< for people: a type, a signature with its help; may be empty
};

struct Completion {
  /// The bytes of the text that a suggestion replaces: the word at the cursor, or nothing.
  size_t start = 0, end = 0;
  std::vector<Suggestion> suggestions;  ///< the likeliest first, each text once
};

/// Values that a string column of these measurements has, the most frequent first.
using ValueSource = std::function<std::vector<std::string>(
    const std::vector<std::string>& measurements, const std::string& column)>;

/// What may stand at byte `cursor` of `text`; what follows the cursor is not looked at, but for the
/// rest of a word. Of the options, zone and parameters matter. `values` may be empty.
Completion complete(std::string_view text, size_t cursor, const Catalog& catalog,
                    const QueryOptions& options, const ValueSource& values);

/// The same for an open database, with recent_values.
Completion complete(std::string_view text, size_t cursor, const Database& database,
                    const QueryOptions& options);

/// Values from the dictionaries of the newest segments: of columns with few different ones only,
/// and with bounded work. No error: what cannot be read has no values.
std::vector<std::string> recent_values(const Database& database,
                                       const std::vector<std::string>& measurements,
                                       const std::string& column);

}  // namespace tocsin
