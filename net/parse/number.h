// Numbers as text to values, exactly: integers that fit, and doubles rounded correctly.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <variant>

namespace tocsin {

/// All of `text` as a decimal integer with an optional sign; nothing when it is none or does not
/// fit.
std::optional<int64_t> parse_i64(std::string_view text);
std::optional<uint64_t> parse_u64(std::string_view text);

/// All of `text` as a decimal number, e.g. `-12.5`, `+1e9`, `.5`, `1.`; correctly rounded. Too
/// small a magnitude is 0; nothing when it is no number, too large, or a word like `nan` or `inf`.
std::optional<double> parse_f64(std::string_view text);

/// significand / 10^decimals, correctly rounded, where one division does that: where both are exact
/// doubles. Source: William Clinger, "How to Read Floating Point Numbers Accurately" (1990).
/// Requires: decimals <= 22.
inline std::optional<double> exact_quotient(uint64_t significand, size_t decimals) {
  constexpr std::array<double, 23> kPowersOfTen = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                                   1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                                   1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
  if (significand > uint64_t{1} << 53) return std::nullopt;
  return static_cast<double>(significand) / kPowersOfTen[decimals];
}

/// The same for decimals of few digits without an exponent or plus sign, quickly; nothing for
/// others. Requires: text is not empty.
std::optional<double> parse_plain_decimal(std::string_view text);

/// `t`, `true`, `True`, `TRUE`, and the same of false: the booleans of line protocol.
std::optional<bool> parse_bool(std::string_view text);

using JsonNumber = std::variant<int64_t, uint64_t, double>;
/// All of `text` as a number of RFC 8259, section 6: i64 if it is an integer that fits, else u64,
/// else a double. Nothing when the grammar or the range of a double is violated.
std::optional<JsonNumber> parse_json_number(std::string_view text);

}  // namespace tocsin
