#include "db/encoding/text_template.h"

#include <algorithm>
#include <array>

#include "db/base/ascii.h"

namespace tocsin {
namespace {

constexpr int kNoDigit = 16;

int digit_value(char c, bool is_upper) {
  if (is_digit(c)) return c - '0';
  const char a = is_upper ? 'A' : 'a';
  return c >= a && c <= a + 5 ? c - a + 10 : kNoDigit;
}

bool may_be_variable(char c, bool has_hex) { return is_digit(c) || (has_hex && is_hex_digit(c)); }

}  // namespace

TextMatch TextTemplate::contains(std::string_view needle) const {
  if (needle.empty()) return TextMatch::kAlways;
  if (is_free) return TextMatch::kUnknown;
  for (std::string_view part : parts) {
    if (part.find(needle) != std::string_view::npos) return TextMatch::kAlways;
  }
  // A needle that no part contains must overlap a variable, which has at least one digit.
  const bool reaches = parts.size() > 1 && std::any_of(needle.begin(), needle.end(), [&](char c) {
                         return may_be_variable(c, has_hex);
                       });
  return reaches ? TextMatch::kUnknown : TextMatch::kNever;
}

std::string IdFormat::text(uint64_t id) const {
  constexpr size_t kDigitsMax = 20;
  const uint64_t base = is_hex ? 16 : 10;
  std::array<char, kDigitsMax> digits_of;
  size_t at = kDigitsMax;
  const size_t least = digits == 0 ? 1 : digits;
  while (at != 0 && (id != 0 || kDigitsMax - at < least)) {
    const auto digit = static_cast<char>(id % base);
    digits_of[--at] =
        static_cast<char>(digit < 10 ? '0' + digit : (is_upper ? 'A' : 'a') + digit - 10);
    id /= base;
  }
  return prefix + std::string(digits_of.data() + at, kDigitsMax - at);
}

std::optional<uint64_t> IdFormat::parse(std::string_view text) const {
  if (!text.starts_with(prefix)) return std::nullopt;
  text.remove_prefix(prefix.size());
  if (text.empty() || (digits != 0 && text.size() != digits)) return std::nullopt;
  if (digits == 0 && text.size() > 1 && text[0] == '0') return std::nullopt;
  const uint64_t base = is_hex ? 16 : 10;
  uint64_t id = 0;
  for (char c : text) {
    const auto digit = static_cast<uint64_t>(digit_value(c, is_upper));
    if (digit >= base) return std::nullopt;
    if (id > (UINT64_MAX - digit) / base) return std::nullopt;
    id = id * base + digit;
  }
  return id;
}

}  // namespace tocsin
