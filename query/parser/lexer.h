// The tokens of the language: their length, value and errors. Plain functions over characters,
// without a grammar.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "db/base/time.h"
#include "query/base/value.h"

namespace tocsin {

/// An error in a token. `offset` is relative to the start of the token.
struct LexError {
  std::string message;
  std::string hint;
  size_t offset = 0;
  size_t length = 1;
};

/// Length of the blanks and comments (`#` to the end of the line) at the start of `text`.
size_t blank_length(std::string_view text);

/// Length of the identifier (words joined by single dots) at the start of `text`, or 0.
size_t identifier_length(std::string_view text);
/// The same for a name in `from`, which may also contain `-`, `/` and `:`.
size_t measurement_length(std::string_view text);
/// Whether `text` starts with `word` as a whole identifier.
bool starts_with_word(std::string_view text, std::string_view word);
/// `and or not in contains true false null now by where`: columns need backticks for these names.
bool is_reserved_word(std::string_view word);

/// Offset of the first parenthesis nested more than `depth_max` deep, or text.size().
size_t too_deep_offset(std::string_view text, size_t depth_max);
/// Offset of the first byte that is not valid UTF-8, or text.size().
size_t invalid_utf8_offset(std::string_view text);

enum class LexResult : uint8_t { kNone, kFound, kError };

/// The name in backticks (a backtick inside is doubled) at the start of `text`.
LexResult lex_quoted_name(std::string_view text, std::string& name, size_t& length,
                          LexError& error);
/// The string at the start of `text`: `"…"` with escapes or `r"…"` without.
LexResult lex_string(std::string_view text, std::string& value, size_t& length, LexError& error);
/// The time, duration or number at the start of `text`, tried in this order. A bare date is
/// midnight in `zone`. kError if it starts with a digit but is not valid.
LexResult lex_number(std::string_view text, const TimeZone& zone, Value& value, size_t& length,
                     LexError& error);

/// The unit that a word stands for, `m` for `minutes` and for `m`; empty if none.
std::string_view unit_of_word(std::string_view word);
/// If `text` starts with a date and a time of day, joined by `T` or spaces, possibly without
/// seconds or zone: the valid time literal, like 2026-11-24T10:00:00Z, with `length` set to the
/// bytes of `text` that it replaces. Else empty.
std::string completed_time(std::string_view text, size_t& length);

/// `value` as a literal; lex_string returns `value` for it.
std::string quote_string(std::string_view value);

}  // namespace tocsin
