// Parses numbers exactly: integers that fit, and correctly rounded doubles.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <variant>

namespace tocsin {

/// Parses all of `text` as a decimal integer with an optional sign. Returns nothing if it is not
/// one or does not fit.
std::optional<int64_t> parse_i64(std::string_view text);
std::optional<uint64_t> parse_u64(std::string_view text);

/// Parses all of `text` as a decimal number like `-12.5`, `+1e9`, `.5` or `1.`, correctly rounded.
/// Magnitudes that are too small become 0. Returns nothing if `text` is not a number, is too large,
/// or is a word like `nan` or `inf`.
std::optional<double> parse_f64(std::string_view text);

/// The booleans of line protocol: `t`, `T`, `true`, `True`, `TRUE`, and the same forms of false.
std::optional<bool> parse_bool(std::string_view text);

using JsonNumber = std::variant<int64_t, uint64_t, double>;
/// Parses all of `text` as a JSON number (RFC 8259, section 6): i64 for an integer that fits, else
/// u64, else double. Returns nothing if it violates the grammar or exceeds the range of a double.
std::optional<JsonNumber> parse_json_number(std::string_view text);

}  // namespace tocsin
