// Parses numbers exactly: integers that fit, and correctly rounded doubles.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <variant>

#include "db/base/exact_integer.h"

namespace tocsin {

/// Parses all of `text` as a decimal integer with an optional sign. Returns nothing if it is not
/// one or does not fit.
std::optional<int64_t> parse_i64(std::string_view text);
std::optional<uint64_t> parse_u64(std::string_view text);

/// Parses all of `text` as a decimal number like `-12.5`, `+1e9`, `.5` or `1.`, correctly rounded.
/// Magnitudes that are too small become 0. Returns nothing if `text` is not a number, is too large,
/// or is a word like `nan` or `inf`.
std::optional<double> parse_f64(std::string_view text);

/// significand / 10^decimals, correctly rounded, or nothing if a single division of exact doubles
/// cannot compute it. Source: William Clinger, "How to Read Floating Point Numbers Accurately"
/// (1990). Requires: decimals <= 22.
inline std::optional<double> exact_quotient(uint64_t significand, size_t decimals) {
  constexpr std::array<double, 23> kPowersOfTen = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                                   1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                                   1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
  if (significand > static_cast<uint64_t>(kExactIntegerMax)) return std::nullopt;
  return static_cast<double>(significand) / kPowersOfTen[decimals];
}

/// Like parse_f64(), but only for numbers with few digits and without exponent or plus sign;
/// returns nothing for others. Requires: !text.empty().
std::optional<double> parse_plain_decimal(std::string_view text);

/// The booleans of line protocol: `t`, `T`, `true`, `True`, `TRUE`, and the same forms of false.
std::optional<bool> parse_bool(std::string_view text);

/// A number that no type holds: an integer of more than 64 bits, or one beyond the range of a
/// double. Its text is kept.
struct HugeNumber {
  bool operator==(const HugeNumber&) const = default;
};
using JsonNumber = std::variant<int64_t, uint64_t, double, HugeNumber>;
/// Parses all of `text` as a JSON number (RFC 8259, section 6): i64 for an integer that fits, else
/// u64; double for one with decimals or an exponent. Returns nothing if it violates the grammar.
std::optional<JsonNumber> parse_json_number(std::string_view text);

}  // namespace tocsin
