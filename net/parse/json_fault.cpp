// A strict scanner (RFC 8259) that stops at the first fault.
#include "net/parse/json_fault.h"

#include <algorithm>

#include <fmt/format.h>

#include "db/base/ascii.h"
#include "net/parse/json_lines.h"
#include "net/parse/line_errors.h"
#include "net/parse/number.h"

namespace tocsin {
namespace {

constexpr std::string_view kTornEnd =
    "the line was cut, or the event is spread over several lines; write each event on one line";

std::string_view first_word(std::string_view text) {
  const auto ends = [](char c) {
    return is_space(c) || c == ',' || c == ':' || c == '{' || c == '}' || c == '[' || c == ']' ||
           c == '"';
  };
  const auto* const end = std::find_if(text.begin(), text.end(), ends);
  const auto size = static_cast<size_t>(end - text.begin());
  return text.substr(0, std::min(size, kShownBytesMax));
}

bool is_any_of(std::string_view word, std::initializer_list<std::string_view> words) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

class FaultScanner {
 public:
  explicit FaultScanner(std::string_view text) : text_(text) {}

  std::string run() {
    skip_space();
    if (at_end() || text_[at_] != '{') {
      fail("expected an object, so `{`");
    } else if (value(1)) {
      skip_space();
      if (!at_end()) after_object();
    }
    return fault_;
  }

 private:
  bool at_end() const { return at_ == text_.size(); }
  char here() const { return text_[at_]; }
  std::string_view rest() const { return text_.substr(at_); }
  void skip_space() {
    while (!at_end() && is_space(here())) ++at_;
  }

  /// Describes the fault at `place`; always returns false.
  bool fail_at(size_t place, std::string_view what, std::string_view advice = {}) {
    fault_ = fmt::format("{} at byte {}", what, place + 1);
    if (!advice.empty()) fault_ += fmt::format(": {}", advice);
    return false;
  }
  bool fail(std::string_view what, std::string_view advice = {}) {
    return fail_at(at_, what, advice);
  }

  bool after_object() {
    if (here() == ',') {
      return fail("a comma after the object", "JSON lines have no commas between the objects");
    }
    if (here() == '{') return fail("a second object", "write each event on one line");
    return fail(fmt::format("text after the object: `{}`", rest().substr(0, kShownBytesMax)));
  }

  bool value(size_t depth) {
    if (depth > kJsonDepthMax) return false;  // the parser has said so
    skip_space();
    if (at_end()) return fail("the line ends before a value", kTornEnd);
    switch (here()) {
      case '{': return members(depth);
      case '[': return elements(depth);
      case '"': return string();
      default: return word();
    }
  }

  bool members(size_t depth) {
    const size_t start = at_++;
    skip_space();
    if (!at_end() && here() == '}') return ++at_, true;
    for (;;) {
      skip_space();
      if (at_end()) return ends_inside("object", start);
      if (here() == '}') return fail("a comma before `}`");
      if (here() != '"') return bad_key();
      if (!string()) return false;
      skip_space();
      if (at_end()) return ends_inside("object", start);
      if (here() != ':') return fail("expected `:` after the key");
      ++at_;
      if (!value(depth + 1)) return false;
      if (!next_of('}', "object", start)) return false;
      if (text_[at_ - 1] == '}') return true;
    }
  }

  bool elements(size_t depth) {
    const size_t start = at_++;
    skip_space();
    if (!at_end() && here() == ']') return ++at_, true;
    for (;;) {
      skip_space();
      if (!at_end() && here() == ']') return fail("a comma before `]`");
      if (!value(depth + 1)) return false;
      if (!next_of(']', "array", start)) return false;
      if (text_[at_ - 1] == ']') return true;
    }
  }

  // Moves past the comma or the closing bracket after a value.
  bool next_of(char close, const char* what, size_t start) {
    skip_space();
    if (at_end()) return ends_inside(what, start);
    if (here() == ',' || here() == close) return ++at_, true;
    return fail(fmt::format("expected `,` or `{}`", close));
  }

  bool ends_inside(const char* what, size_t start) {
    return fail_at(start, fmt::format("the line ends inside the {} that begins", what), kTornEnd);
  }

  bool bad_key() {
    const char* const why = here() == '\'' ? "a key in single quotes" : "a key without quotes";
    return fail(why, "JSON needs double quotes");
  }

  bool string() {
    const size_t start = at_++;
    for (; !at_end() && here() != '"'; ++at_) {
      const char c = here();
      if (c == '\0') return fail("a NUL byte in a string", "send UTF-8, not UTF-16");
      if (static_cast<unsigned char>(c) < 0x20) {
        return fail(
            fmt::format("a raw control character (0x{:02x}) in a string", static_cast<unsigned>(c)),
            "write it as an escape, such as \\n or \\t");
      }
      if (c == '\\' && !escape()) return false;
    }
    if (at_end()) {
      return fail_at(start, "the line ends inside the string that begins",
                     "the line was cut, or the string has a raw newline, which must be written as "
                     "\\n");
    }
    ++at_;
    return true;
  }

  // Moves to the last byte of the escape.
  bool escape() {
    const size_t start = at_++;
    if (at_end()) return fail_at(start, "the line ends inside an escape", kTornEnd);
    if (here() == 'u') {
      const std::string_view digits = text_.substr(at_ + 1, 4);
      at_ += digits.size();
      return (digits.size() == 4 && std::all_of(digits.begin(), digits.end(), is_hex_digit)) ||
             fail_at(start, fmt::format("invalid escape `{}`", text_.substr(start, 6)),
                     "`\\u` needs four hexadecimal digits");
    }
    if (std::string_view("\"\\/bfnrt").find(here()) != std::string_view::npos) return true;
    const bool hex = here() == 'x';
    return fail_at(start, fmt::format("invalid escape `{}`", text_.substr(start, hex ? 4 : 2)),
                   hex ? "JSON writes it as \\u00XX; nginx does with `log_format NAME "
                         "escape=json`"
                       : "JSON knows \\\" \\\\ \\/ \\b \\f \\n \\r \\t and \\uXXXX; a backslash "
                         "itself is written as \\\\");
  }

  // A number, true, false, null, or anything else.
  bool word() {
    const std::string_view word = first_word(rest());
    if (is_any_of(word, {"true", "false", "null"}) || (!word.empty() && parse_json_number(word))) {
      at_ += word.size();
      return true;
    }
    const std::string what = fmt::format("`{}`", word);
    const std::string lower = lower_case(word);
    if (is_any_of(lower,
                  {"nan", "infinity", "+infinity", "-infinity", "inf", "+inf", "-inf", "-nan"})) {
      return fail(what, "JSON has no such number; write null, or a string");
    }
    if (is_any_of(word, {"True", "False", "None"})) {
      return fail(what, "Python's spelling; JSON has true, false and null");
    }
    if (here() == '\'') return fail("a string in single quotes", "JSON needs double quotes");
    if (here() == '/') return fail("a comment", "JSON has none");
    if (here() == ',' || here() == ']' || here() == '}') return fail("a value is missing");
    if (is_digit(here()) || here() == '-' || here() == '+' || here() == '.') {
      return fail(fmt::format("invalid number {}", what),
                  "a number has no leading zeros or `+`, digits on both sides of its point, and is "
                  "at most 1.8e308; write anything else as a string");
    }
    if (here() == '\0') return fail("a NUL byte", "send UTF-8, not UTF-16");
    return fail(fmt::format("text without quotes: {}", what));
  }

  const std::string_view text_;
  size_t at_ = 0;
  std::string fault_;
};

}  // namespace

bool is_part_of_pretty_json(std::string_view line) {
  line = trimmed_end(trimmed_start(line));
  if (line.ends_with(',')) line = trimmed_end(line.substr(0, line.size() - 1));
  if (is_any_of(line, {"{", "}", "[", "]"})) return true;
  // `"key": value` or, in an array, `"value"`
  const size_t close = line.starts_with('"') ? line.find('"', 1) : line.npos;
  if (close == line.npos) return false;
  const std::string_view after = trimmed_start(line.substr(close + 1));
  return after.empty() || after.front() == ':';
}

std::string json_fault(std::string_view line) {
  if (is_part_of_pretty_json(line)) return kPrettyJson;
  return FaultScanner(line).run();
}

}  // namespace tocsin
