// The words of the language: where one ends, what it means, what is wrong with it. Plain functions
// over characters, without a grammar.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "db/base/time.h"
#include "query/base/value.h"

namespace tocsin {

/// What is wrong with a word, `offset` and `length` counted from where it begins.
struct LexError {
  std::string message;
  std::string hint;
  size_t offset = 0;
  size_t length = 1;
};

/// Length of the blanks and comments (`#` to the end of the line) that `text` begins with.
size_t blank_length(std::string_view text);

/// `[A-Za-z0-9_]`.
bool is_word_character(char c);
/// Length of the identifier that `text` begins with, or 0: words joined by single dots.
size_t identifier_length(std::string_view text);
/// The same for a name in `from`, which may also contain `-`, `/` and `:`.
size_t measurement_length(std::string_view text);
/// Whether `text` begins with that word and the word ends there.
bool starts_with_word(std::string_view text, std::string_view word);
/// `and or not in contains true false null now by where`: never a bare column.
bool is_reserved_word(std::string_view word);

/// Where parentheses first stand more than `depth_max` deep inside each other, or text.size().
size_t too_deep_offset(std::string_view text, size_t depth_max);
/// Where the text first is not UTF-8, or text.size().
size_t invalid_utf8_offset(std::string_view text);

enum class LexResult : uint8_t { kNone, kFound, kError };

/// The name in backticks (a backtick doubled) that `text` begins with.
LexResult lex_quoted_name(std::string_view text, std::string& name, size_t& length,
                          LexError& error);
/// The string that `text` begins with: `"…"` with escapes or `r"…"` without.
LexResult lex_string(std::string_view text, std::string& value, size_t& length, LexError& error);
/// The time, duration or number that `text` begins with, tried in this order. A bare date is
/// midnight in `zone`. An error when something begins like one and is none.
LexResult lex_number(std::string_view text, const TimeZone& zone, Value& value, size_t& length,
                     LexError& error);

/// The unit that a word means, `m` for `minutes` and for `m`; empty if it means none.
std::string_view unit_of_word(std::string_view word);
/// What `text` probably begins with: a date and a time of day, joined by `T` or blanks, perhaps
/// without seconds or a zone. Then a time literal, 2026-11-24T10:00:00Z, and how many bytes of
/// `text` it stands for; else empty.
std::string completed_time(std::string_view text, size_t& length);

/// `value` as a literal that lex_string reads back.
std::string quote_string(std::string_view value);

}  // namespace tocsin
