// Recognises idioms of other query languages where the parse failed, and suggests what to write
// instead. To add one, add a function here, a line to kIdioms in syntax_error.cpp, and an example
// to tests/query/testdata/wrong_queries.txt.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tocsin {

/// The place where the parse failed, with its context.
struct Place {
  std::string_view text;
  size_t offset;
  std::string_view rest;                    ///< the text from offset on
  std::string_view word;                    ///< the identifier at offset; may be empty
  std::string lower_word;                   ///< `word` with A to Z in lower case
  std::string_view before;                  ///< the text before offset, without trailing blanks
  const std::vector<std::string>& choices;  ///< what was expected

  bool expects(std::string_view choice) const;
  /// Whether `before` ends with that word.
  bool follows(std::string_view word) const;
  /// The name, number or keyword at the end of `before`; may be empty.
  std::string_view last_word() const;
  /// The name of the stage; empty in the source. Wrong if a string before offset contains `|`.
  std::string_view stage() const;
};
Place make_place(std::string_view text, size_t offset, const std::vector<std::string>& choices);

/// The advice for a place: the message, what to write, and the bytes to mark.
struct Advice {
  std::string message;
  std::string hint;
  size_t length = 1;
  size_t back = 0;  ///< how far before the place the mark starts
};
using Idiom = std::optional<Advice>(const Place&);

// idiom_sql.cpp
Idiom sql_query, sql_condition, alias, count_distinct, case_when, sort_direction, row_offset;
// idiom_time.cpp
Idiom foreign_range, whole_unit, blank_in_duration, blank_in_time, bucket_key, bare_bucket;

}  // namespace tocsin
