#include "net/parse/logfmt.h"

#include <optional>

#include <fmt/format.h>

#include "db/base/ascii.h"
#include "net/parse/escapes.h"
#include "net/parse/scan.h"
#include "net/parse/word_value.h"

namespace tocsin {
namespace {

// White space and control characters separate pairs; they need quotes within a value.
bool separates(char c) { return static_cast<unsigned char>(c) <= ' '; }

bool begins_key(char c) { return is_word_character(c) || c == '@' || c == '.' || c == '-'; }

const char* end_of_key(const char* p, const char* end) {
  while (p != end && !separates(*p) && *p != '=' && *p != '"') ++p;
  return p;
}

std::string_view logfmt_text(const char* start, const char* end) {
  return {start, static_cast<size_t>(end - start)};
}

// Reads the value after the opening quote at `p`; leaves `p` after the closing one.
std::optional<std::string_view> read_quoted(const char*& p, const char* end, Batch& batch) {
  const char* const start = ++p;
  p = scan::find_any<'"', '\\'>(p, end);
  if (p == end) return std::nullopt;
  if (*p == '"') return logfmt_text(start, p++);
  while (p != end && *p == '\\') {
    if (end - p < 2) return std::nullopt;
    p = scan::find_any<'"', '\\'>(p + 2, end);
  }
  if (p == end) return std::nullopt;
  std::string unescaped;
  append_unescaped(logfmt_text(start, p++), unescaped);
  return batch.copy(unescaped);
}

}  // namespace

bool begins_as_logfmt(std::string_view line) {
  line = trimmed_start(line);
  if (line.empty() || !begins_key(line[0])) return false;
  const char* const end = line.data() + line.size();
  const char* const key_end = end_of_key(line.data(), end);
  return key_end != end && *key_end == '=';
}

std::string read_logfmt(std::string_view line, Batch& batch, std::vector<JsonValue>& values) {
  const char* p = line.data();
  const char* const end = p + line.size();
  const auto at = [&](const char* place) { return place - line.data() + 1; };
  bool any_pair = false;
  while (true) {
    while (p != end && separates(*p)) ++p;
    if (p == end) break;
    const char* const start = p;
    p = end_of_key(p, end);
    if (p == start) {
      return fmt::format("not logfmt: expected a key before `{}` at byte {}", *p, at(p));
    }
    if (p != end && *p == '"') {
      return fmt::format("not logfmt: a quote within the key at byte {}", at(p));
    }
    if (values.size() == kLogfmtKeysMax) {
      return fmt::format("more than {} keys in one line", kLogfmtKeysMax);
    }
    JsonValue value;
    value.path = logfmt_text(start, p);
    if (p == end || *p != '=') {
      value.kind = JsonValue::Kind::kBool;
      value.boolean = true;
      value.text = "true";
      values.push_back(value);
      continue;
    }
    ++p;
    any_pair = true;
    if (p != end && *p == '"') {
      const char* const quote = p;
      const auto text = read_quoted(p, end, batch);
      if (!text) return fmt::format("not logfmt: the quote at byte {} is not closed", at(quote));
      if (p != end && !separates(*p)) {
        return fmt::format("not logfmt: expected a space after the quote at byte {}", at(p) - 1);
      }
      value.text = *text;
      values.push_back(value);
      continue;
    }
    const char* const word = p;
    while (p != end && !separates(*p)) ++p;
    read_word(logfmt_text(word, p), value);
    if (value.text != "null" && value.text != "nil") values.push_back(value);
  }
  return any_pair ? std::string() : "not logfmt: no `key=value` is found";
}

}  // namespace tocsin
