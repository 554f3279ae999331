// What is known of a string column's texts without building them: templates and id formats.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tocsin {

/// Whether a predicate holds for the texts of a template.
enum class TextMatch : uint8_t {
  kNever,
  kAlways,
  kUnknown,  ///< the text itself must be checked
};

/// The constant text of some rows, with places for numbers: between two parts there is one variable
/// of 1 to 18 digits, decimal or hexadecimal. Plain data.
struct TextTemplate {
  std::vector<std::string_view> parts;  ///< one more than variables; may be empty texts
  std::string masked;                   ///< message_template() of each of these texts
  bool has_hex = false;                 ///< some variable may contain a-f or A-F
  /// For rows without a template: nothing is known of their texts, `parts` and `masked` are empty.
  bool is_free = false;

  /// Whether the texts contain `needle`, byte by byte.
  TextMatch contains(std::string_view needle) const;
};

/// How the strings of a column spell 64-bit numbers: a prefix, then digits.
struct IdFormat {
  std::string prefix;
  bool is_hex = false;
  bool is_upper = false;  ///< hexadecimal digits are A-F
  uint8_t digits = 0;     ///< the count with leading zeros; 0: only those that the number needs

  bool operator==(const IdFormat&) const = default;

  std::string text(uint64_t id) const;
  /// Returns nothing if no row can have that text.
  std::optional<uint64_t> parse(std::string_view text) const;
};

}  // namespace tocsin
