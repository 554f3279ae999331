#include "query/parser/lexer.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include <fmt/format.h>

#include "db/base/ascii.h"
#include "db/base/text.h"

namespace tocsin {
namespace {

bool begins_identifier(char c) { return is_letter(c) || c == '_'; }

size_t word_length(std::string_view text) {
  size_t n = 0;
  while (n < text.size() && is_word_character(text[n])) ++n;
  return n;
}

LexResult error_at(LexError& error, size_t offset, size_t length, std::string message,
                   std::string hint = "") {
  error = {std::move(message), std::move(hint), offset, length};
  return LexResult::kError;
}

void append_utf8(std::string& out, uint32_t code) {
  const auto put = [&](uint32_t byte) { out += static_cast<char>(static_cast<uint8_t>(byte)); };
  if (code < 0x80) {
    put(code);
  } else if (code < 0x800) {
    put(0xC0 | code >> 6);
    put(0x80 | (code & 0x3F));
  } else if (code < 0x10000) {
    put(0xE0 | code >> 12);
    put(0x80 | (code >> 6 & 0x3F));
    put(0x80 | (code & 0x3F));
  } else {
    put(0xF0 | code >> 18);
    put(0x80 | (code >> 12 & 0x3F));
    put(0x80 | (code >> 6 & 0x3F));
    put(0x80 | (code & 0x3F));
  }
}

// `{1F600}` at `pos`, after `\u`.
LexResult unicode_escape(std::string_view text, size_t& pos, std::string& value, LexError& error) {
  const size_t start = pos - 2;
  const size_t close = text.find('}', pos);
  uint32_t code = 0;
  if (pos < text.size() && text[pos] == '{' && close != std::string_view::npos) {
    const char* first = text.data() + pos + 1;
    const char* last = text.data() + close;
    const auto [end, status] = std::from_chars(first, last, code, 16);
    const bool surrogate = code >= 0xD800 && code <= 0xDFFF;
    if (status == std::errc() && end == last && last - first <= 6 && code <= 0x10FFFF &&
        !surrogate) {
      append_utf8(value, code);
      pos = close + 1;
      return LexResult::kFound;
    }
  }
  return error_at(error, start, 2,
                  "`\\u` needs a Unicode code point in braces, up to six hex digits",
                  "for example \"\\u{20AC}\"");
}

LexResult escape(std::string_view text, size_t& pos, std::string& value, LexError& error) {
  const size_t start = pos;
  const char c = pos + 1 < text.size() ? text[pos + 1] : '\0';
  pos += 2;
  switch (c) {
    case 'n': value += '\n'; return LexResult::kFound;
    case 't': value += '\t'; return LexResult::kFound;
    case 'r': value += '\r'; return LexResult::kFound;
    case '"': value += '"'; return LexResult::kFound;
    case '\\': value += '\\'; return LexResult::kFound;
    case 'u': return unicode_escape(text, pos, value, error);
    default: break;
  }
  const std::string shown = c >= 0x20 && c < 0x7F ? std::string("\\") + c : std::string("\\");
  return error_at(
      error, start, shown.size(),
      fmt::format("unknown escape `{}`; strings accept \\n \\t \\r \\\" \\\\ \\u{{…}}", shown),
      "write patterns as raw strings, like r\"\\d+\", and a literal backslash as \\\\");
}

LexResult unclosed_string(std::string_view text, size_t length, LexError& error) {
  const std::string_view line = text.substr(0, text.find('\n'));
  const bool curly = line.find("”") != std::string_view::npos;
  return error_at(error, 0, length, "this string has no closing `\"` on its line",
                  curly ? "it starts with a straight quote but ends with a curly one; write `\"`"
                        : "add the quote; a line break inside a string is written as \\n");
}

LexResult lex_raw_string(std::string_view text, std::string& value, size_t& length,
                         LexError& error) {
  const size_t close = text.find_first_of("\"\n", 2);
  if (close == std::string_view::npos || text[close] == '\n')
    return unclosed_string(text, 2, error);
  value.assign(text.substr(2, close - 2));
  length = close + 1;
  return LexResult::kFound;
}

LexResult lex_integer(std::string_view text, size_t length, Value& value, LexError& error) {
  uint64_t whole = 0;
  const auto status = std::from_chars(text.data(), text.data() + length, whole).ec;
  if (status != std::errc()) {
    return error_at(error, 0, length, "this integer does not fit in 64 bits",
                    "for a float, add a decimal point or write it like 1e20");
  }
  value = whole <= uint64_t{INT64_MAX} ? Value::of(static_cast<int64_t>(whole)) : Value::of(whole);
  return LexResult::kFound;
}

LexResult lex_float(std::string_view text, size_t length, Value& value, LexError& error) {
  double number = 0;
  const auto status = std::from_chars(text.data(), text.data() + length, number).ec;
  if (status != std::errc() || !std::isfinite(number)) {
    return error_at(error, 0, length, "this number is outside the range of a 64-bit float");
  }
  value = Value::of(number);
  return LexResult::kFound;
}

// Length of `12`, `1.5`, `1e6`, `1.5e-3`; sets `is_float` unless it is an integer.
size_t number_length(std::string_view text, bool& is_float) {
  size_t n = 0;
  const auto digits = [&] {
    while (n < text.size() && is_digit(text[n])) ++n;
  };
  digits();
  if (n + 1 < text.size() && text[n] == '.' && is_digit(text[n + 1])) {
    is_float = true;
    ++n;
    digits();
  }
  if (n < text.size() && (text[n] == 'e' || text[n] == 'E')) {
    const size_t sign = n + 1 < text.size() && (text[n + 1] == '+' || text[n + 1] == '-') ? 1 : 0;
    if (n + 1 + sign < text.size() && is_digit(text[n + 1 + sign])) {
      is_float = true;
      n += 1 + sign;
      digits();
    }
  }
  return n;
}

bool ends_word(std::string_view text, size_t length) {
  return length >= text.size() || !is_word_character(text[length]);
}

bool is_unit(std::string_view word) {
  static constexpr std::array<std::string_view, 8> kUnits = {"ns", "us", "ms", "s",
                                                             "m",  "h",  "d",  "w"};
  return std::find(kUnits.begin(), kUnits.end(), word) != kUnits.end();
}

bool looks_like_date(std::string_view text) {
  return text.size() >= 10 && std::all_of(text.begin(), text.begin() + 4, is_digit) &&
         text[4] == '-' && is_digit(text[5]) && is_digit(text[6]) && text[7] == '-' &&
         is_digit(text[8]) && is_digit(text[9]);
}

LexResult bad_time(std::string_view text, LexError& error) {
  size_t n = 10;
  if (const std::string time = completed_time(text, n); !time.empty()) {
    return error_at(error, 0, n, fmt::format("`{}` is not a valid time", text.substr(0, n)),
                    fmt::format("write `{}`, or another zone, like +01:00", time));
  }
  while (n < text.size() && (is_word_character(text[n]) || text[n] == ':' || text[n] == '.')) ++n;
  return error_at(error, 0, n, fmt::format("`{}` is not a valid time", text.substr(0, n)),
                  "write a date like 2026-11-24, or date, time and zone, like "
                  "2026-11-24T10:04:05Z or 2026-11-24T10:04:05.123+01:00");
}

}  // namespace

std::string_view unit_of_word(std::string_view word) {
  struct Entry {
    std::string_view word;
    std::string_view unit;
  };
  static constexpr std::array<Entry, 26> kWords = {{
      {"nanosecond", "ns"}, {"nanoseconds", "ns"}, {"microsecond", "us"},  {"microseconds", "us"},
      {"usec", "us"},       {"millisecond", "ms"}, {"milliseconds", "ms"}, {"millis", "ms"},
      {"msec", "ms"},       {"msecs", "ms"},       {"second", "s"},        {"seconds", "s"},
      {"sec", "s"},         {"secs", "s"},         {"minute", "m"},        {"minutes", "m"},
      {"min", "m"},         {"mins", "m"},         {"hour", "h"},          {"hours", "h"},
      {"hr", "h"},          {"hrs", "h"},          {"day", "d"},           {"days", "d"},
      {"week", "w"},        {"weeks", "w"},
  }};
  if (is_unit(word)) return word;
  const auto* const found = std::ranges::find(kWords, word, &Entry::word);
  return found == kWords.end() ? std::string_view() : found->unit;
}

std::string completed_time(std::string_view text, size_t& length) {
  constexpr size_t kDateBytes = 10;
  if (!looks_like_date(text) || text.size() == kDateBytes) return "";
  const std::string_view date = text.substr(0, kDateBytes);
  size_t n = kDateBytes;
  if (text[n] == 'T' || text[n] == 't') {
    ++n;
  } else {
    while (n < text.size() && text[n] == ' ') ++n;
  }
  const size_t start = n;
  while (n < text.size() && (is_digit(text[n]) || text[n] == ':' || text[n] == '.')) ++n;
  std::string clock(text.substr(start, n - start));
  if (start == kDateBytes || clock.find(':') == std::string::npos) return "";
  if (clock.find(':') == 1) clock.insert(0, "0");
  if (std::ranges::count(clock, ':') == 1) clock += ":00";
  const size_t zone_start = n;
  if (n < text.size() && (text[n] == 'Z' || text[n] == 'z')) {
    ++n;
  } else if (n < text.size() && (text[n] == '+' || text[n] == '-')) {
    ++n;
    while (n < text.size() && (is_digit(text[n]) || text[n] == ':')) ++n;
  }
  std::string time = std::string(date) + "T" + clock;
  time += n > zone_start ? text.substr(zone_start, n - zone_start) : "Z";
  if (!parse_time(time)) return "";
  length = n;
  return time;
}

size_t blank_length(std::string_view text) {
  size_t n = 0;
  while (n < text.size()) {
    const char c = text[n];
    if (c == '#') {
      n = std::min(text.find('\n', n), text.size());
    } else if (is_space(c)) {
      ++n;
    } else {
      break;
    }
  }
  return n;
}

size_t identifier_length(std::string_view text) {
  if (text.empty() || !begins_identifier(text[0])) return 0;
  size_t n = word_length(text);
  while (n + 1 < text.size() && text[n] == '.' && is_word_character(text[n + 1])) {
    n += 1 + word_length(text.substr(n + 1));
  }
  return n;
}

size_t measurement_length(std::string_view text) {
  size_t n = identifier_length(text);
  while (n > 0 && n < text.size()) {
    const char c = text[n];
    const bool joins = c == '-' || c == '/' || c == ':' || is_word_character(c) ||
                       (c == '.' && n + 1 < text.size() && is_word_character(text[n + 1]));
    if (!joins) break;
    ++n;
  }
  return n;
}

bool starts_with_word(std::string_view text, std::string_view word) {
  return identifier_length(text) == word.size() && text.starts_with(word);
}

bool is_reserved_word(std::string_view word) {
  static constexpr std::array<std::string_view, 11> kReserved = {
      "and", "or", "not", "in", "contains", "true", "false", "null", "now", "by", "where"};
  return std::find(kReserved.begin(), kReserved.end(), word) != kReserved.end();
}

size_t too_deep_offset(std::string_view text, size_t depth_max) {
  size_t depth = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    std::string ignored;
    LexError error;
    size_t length = 0;
    const std::string_view rest = text.substr(i);
    const size_t blanks = blank_length(rest);
    if (blanks > 0) {
      i += blanks - 1;
    } else if (lex_string(rest, ignored, length, error) == LexResult::kFound ||
               lex_quoted_name(rest, ignored, length, error) == LexResult::kFound) {
      i += length - 1;
    } else if (rest[0] == '(' && ++depth > depth_max) {
      return i;
    } else if (rest[0] == ')' && depth > 0) {
      --depth;
    }
  }
  return text.size();
}

size_t invalid_utf8_offset(std::string_view text) {
  if (is_valid_utf8(text)) return text.size();
  // Binary search for the longest valid prefix: once a prefix that ends at a character boundary is
  // invalid, all longer ones are.
  size_t valid = 0;
  size_t invalid = text.size();
  while (invalid - valid > 1) {
    const size_t middle = valid + (invalid - valid) / 2;
    size_t boundary = middle;
    while (boundary > valid && continues_character(text[boundary])) --boundary;
    if (boundary == valid) break;
    (is_valid_utf8(text.substr(valid, boundary - valid)) ? valid : invalid) = boundary;
  }
  return valid;
}

LexResult lex_quoted_name(std::string_view text, std::string& name, size_t& length,
                          LexError& error) {
  if (text.empty() || text[0] != '`') return LexResult::kNone;
  name.clear();
  for (size_t i = 1; i < text.size() && text[i] != '\n'; ++i) {
    if (text[i] != '`') {
      name += text[i];
      continue;
    }
    if (i + 1 < text.size() && text[i + 1] == '`') {
      name += '`';
      ++i;
      continue;
    }
    if (name.empty()) return error_at(error, 0, 2, "a name in backticks cannot be empty");
    length = i + 1;
    return LexResult::kFound;
  }
  return error_at(error, 0, 1, "this name has no closing backtick on its line",
                  "add the backtick; one inside a name is doubled");
}

LexResult lex_string(std::string_view text, std::string& value, size_t& length, LexError& error) {
  if (text.starts_with("r\"")) return lex_raw_string(text, value, length, error);
  if (text.empty() || text[0] != '"') return LexResult::kNone;
  value.clear();
  for (size_t pos = 1; pos < text.size() && text[pos] != '\n';) {
    if (text[pos] == '"') {
      length = pos + 1;
      return LexResult::kFound;
    }
    if (text[pos] != '\\') {
      value += text[pos++];
    } else if (escape(text, pos, value, error) == LexResult::kError) {
      return LexResult::kError;
    }
  }
  return unclosed_string(text, 1, error);
}

LexResult lex_number(std::string_view text, const TimeZone& zone, Value& value, size_t& length,
                     LexError& error) {
  if (text.empty() || !is_digit(text[0])) return LexResult::kNone;
  if (const auto time = parse_time_prefix(text, zone, length); time && ends_word(text, length)) {
    value = Value::time(*time);
    return LexResult::kFound;
  }
  if (looks_like_date(text)) return bad_time(text, error);
  if (const auto span = parse_duration_prefix(text, length); span && ends_word(text, length)) {
    value = Value::duration(*span);
    return LexResult::kFound;
  }
  bool is_float = false;
  length = number_length(text, is_float);
  if (!ends_word(text, length)) {
    const size_t whole = length + word_length(text.substr(length));
    if (is_unit(text.substr(length, whole - length))) {
      return error_at(error, 0, whole,
                      fmt::format("`{}` is too long for a duration", text.substr(0, whole)),
                      "a duration is at most 292 years; to query all time, leave the range out");
    }
    const std::string_view unit = unit_of_word(text.substr(length, whole - length));
    return error_at(error, 0, whole,
                    fmt::format("`{}` is neither a number nor a duration", text.substr(0, whole)),
                    unit.empty() ? "the units of durations are ns us ms s m h d w, as in 1h30m"
                                 : fmt::format("write `{}{}`", text.substr(0, length), unit));
  }
  return is_float ? lex_float(text, length, value, error) : lex_integer(text, length, value, error);
}

std::string quote_string(std::string_view value) {
  std::string out = "\"";
  for (const char c : value) {
    switch (c) {
      case '\n': out += "\\n"; break;
      case '\t': out += "\\t"; break;
      case '\r': out += "\\r"; break;
      case '"': out += "\\\""; break;
      case '\\': out += "\\\\"; break;
      default:
        if (is_control(c)) {
          out += fmt::format("\\u{{{:X}}}", static_cast<uint8_t>(c));
        } else {
          out += c;
        }
    }
  }
  return out + '"';
}

}  // namespace tocsin
