#include "net/parse/json_repair.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <optional>

#include "db/base/text.h"

namespace tocsin {
namespace {

// The code unit of the escape `\uXXXX` at the start of `text`, if it is one.
std::optional<uint32_t> escaped_unit(std::string_view text) {
  if (text.size() < 6 || !text.starts_with("\\u")) return std::nullopt;
  uint32_t unit = 0;
  const char* const end = text.data() + 6;
  const auto [stop, error] = std::from_chars(text.data() + 2, end, unit, 16);
  if (error != std::errc() || stop != end) return std::nullopt;
  return unit;
}

bool is_high_surrogate(std::optional<uint32_t> unit) { return unit && *unit >> 10 == 0xD800 >> 10; }
bool is_low_surrogate(std::optional<uint32_t> unit) { return unit && *unit >> 10 == 0xDC00 >> 10; }

// Replaces escapes of half a surrogate pair by U+FFFD. In valid JSON only strings have backslashes.
std::string without_lone_surrogates(std::string_view json) {
  std::string out;
  out.reserve(json.size());
  while (!json.empty()) {
    const size_t plain = std::min(json.find('\\'), json.size());
    out += json.substr(0, plain);
    json.remove_prefix(plain);
    const auto unit = escaped_unit(json);
    const bool high = is_high_surrogate(unit);
    const bool pair = high && is_low_surrogate(escaped_unit(json.substr(6)));
    const bool lone = !pair && (high || is_low_surrogate(unit));
    const size_t size = std::min<size_t>(json.size(), pair ? 12 : unit ? 6 : 2);
    out += lone ? "\\ufffd" : json.substr(0, size);
    json.remove_prefix(size);
  }
  return out;
}

}  // namespace

std::string repaired_json(std::string_view json) {
  size_t replaced = 0;
  return without_lone_surrogates(valid_utf8(json, replaced));
}

}  // namespace tocsin
