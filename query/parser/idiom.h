// What people write who come from other languages, recognised where the parse stopped. A new idiom
// is a function here, its line in syntax_error.cpp, and an example in the test of wrong queries.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tocsin {

/// Where the parse stopped, and what stands around there.
struct Place {
  std::string_view text;
  size_t offset;
  std::string_view rest;    ///< from offset on
  std::string_view word;    ///< the identifier at offset; may be empty
  std::string lower_word;   ///< with A to Z as a to z
  std::string_view before;  ///< what stands in front of offset, without blanks at its end
  const std::vector<std::string>& choices;  ///< what was expected

  bool awaits(std::string_view choice) const;
  /// Whether `before` ends with that word.
  bool behind(std::string_view word) const;
  /// The name, number or reserved word that `before` ends with; may be empty.
  std::string_view last_word() const;
  /// The name of the stage, empty in the source. Not for stages with strings that contain `|`.
  std::string_view stage() const;
};
Place make_place(std::string_view text, size_t offset, const std::vector<std::string>& choices);

/// The advice for a place: the message, what to write, and how many bytes it is about.
struct Advice {
  std::string message;
  std::string hint;
  size_t length = 1;
  size_t back = 0;  ///< bytes in front of the place with which they begin
};
using Idiom = std::optional<Advice>(const Place&);

std::string lower(std::string_view text);

// idiom_sql.cpp
Idiom sql_query, sql_condition, alias, count_distinct, case_when, sort_direction, row_offset;
// idiom_time.cpp
Idiom foreign_range, whole_unit, blank_in_duration, blank_in_time, bucket_key, bare_bucket;

}  // namespace tocsin
