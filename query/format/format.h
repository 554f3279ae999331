// The text of single values in results.
#pragma once

#include <string>
#include <string_view>

#include "query/base/value.h"
#include "query/format/result.h"

namespace tocsin {

/// A value as JSON: 64-bit integers exact, doubles in the shortest form that reads back the same,
/// times as RFC 3339 with nine digits (or nanoseconds), durations as their text (or nanoseconds),
/// NaN and infinities as null.
std::string json_of(const Value& value, bool times_as_ns = false);
/// The shortest decimal form that reads back the same; empty if `value` is not finite.
std::string text_of(double value);
/// A value as plain text, for CSV and tables. Null is empty.
std::string plain_text(const Value& value, bool times_as_ns);

/// A text for a spreadsheet: after an apostrophe if it begins with a character that could make it a
/// formula (`=`, `+`, `-`, `@`, tab or carriage return).
std::string spreadsheet_text(std::string text);
/// Appends a CSV field, in quotes if it needs them or if `quoted` is true.
void add_csv_field(std::string& out, std::string_view text, bool quoted);

// Names and strings of line protocol.
inline constexpr std::string_view kEscapedInMeasurement = ", =";
inline constexpr std::string_view kEscapedInKey = ",= ";  ///< also in the values of tags
/// Appends a name, with a backslash before each character that is in `escaped`. Line protocol does
/// not allow a newline in names; it is written as `\n`.
void add_line_protocol_name(std::string& out, std::string_view text, std::string_view escaped);
/// Appends the value of a string field, in quotes.
void add_line_protocol_string(std::string& out, std::string_view text);

}  // namespace tocsin
