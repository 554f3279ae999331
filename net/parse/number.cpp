#include "net/parse/number.h"

#include <charconv>
#include <cstddef>

#include "db/base/ascii.h"

namespace tocsin {
namespace {

// All of `text` without a sign, or with a minus where T has one.
template <class T>
std::optional<T> parse_whole(std::string_view text) {
  T value{};
  const char* const end = text.data() + text.size();
  const auto result = std::from_chars(text.data(), end, value);
  if (result.ec != std::errc() || result.ptr != end) return std::nullopt;
  return value;
}

std::string_view without_plus(std::string_view text) {
  return text.substr(text.starts_with('+') && !text.starts_with("+-") ? 1 : 0);
}

// std::from_chars reports both overflow and underflow as "out of range"; only overflow is an error
// here.
bool is_underflow(std::string_view text) {
  if (const size_t e = text.find_first_of("eE"); e != text.npos)
    return text.substr(e + 1, 1) == "-";
  for (const char c : text) {
    if (c == '.') return true;
    if (c != '0' && c != '-') return false;
  }
  return true;
}

// The length of the JSON number (RFC 8259) at the start of `text`, or 0; sets `integer`.
size_t json_number_length(std::string_view text, bool& integer) {
  size_t i = 0;
  const auto digits = [&] {
    const size_t first = i;
    while (i < text.size() && is_digit(text[i])) ++i;
    return i > first;
  };
  integer = true;
  if (i < text.size() && text[i] == '-') ++i;
  if (i < text.size() && text[i] == '0') {
    ++i;
  } else if (!digits()) {
    return 0;
  }
  if (i < text.size() && text[i] == '.') {
    integer = false;
    ++i;
    if (!digits()) return 0;
  }
  if (i < text.size() && (text[i] == 'e' || text[i] == 'E')) {
    integer = false;
    ++i;
    if (i < text.size() && (text[i] == '+' || text[i] == '-')) ++i;
    if (!digits()) return 0;
  }
  return i;
}

}  // namespace

std::optional<uint64_t> parse_u64(std::string_view text) {
  return parse_whole<uint64_t>(without_plus(text));
}

std::optional<int64_t> parse_i64(std::string_view text) {
  return parse_whole<int64_t>(without_plus(text));
}

std::optional<double> parse_f64(std::string_view text) {
  text = without_plus(text);
  const size_t sign = text.starts_with('-') ? 1 : 0;
  if (text.size() <= sign || !(is_digit(text[sign]) || text[sign] == '.')) return std::nullopt;
  double value = 0;
  const char* const end = text.data() + text.size();
  const auto result = std::from_chars(text.data(), end, value);
  if (result.ptr != end) return std::nullopt;
  if (result.ec == std::errc()) return value;
  if (result.ec == std::errc::result_out_of_range && is_underflow(text)) return sign ? -0.0 : 0.0;
  return std::nullopt;
}

std::optional<bool> parse_bool(std::string_view text) {
  if (text == "t" || text == "T" || text == "true" || text == "True" || text == "TRUE") return true;
  if (text == "f" || text == "F" || text == "false" || text == "False" || text == "FALSE") {
    return false;
  }
  return std::nullopt;
}

std::optional<JsonNumber> parse_json_number(std::string_view text) {
  bool integer = false;
  if (text.empty() || json_number_length(text, integer) != text.size()) return std::nullopt;
  if (integer && text != "-0") {
    if (const auto value = parse_i64(text)) return *value;
    if (const auto value = parse_u64(text)) return *value;
  }
  if (const auto value = parse_f64(text)) return *value;
  return std::nullopt;
}

}  // namespace tocsin
