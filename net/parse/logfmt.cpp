#include "net/parse/logfmt.h"

#include <optional>

#include <fmt/format.h>

#include "db/base/ascii.h"
#include "net/parse/event_rows.h"
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

// UTF-8 of the four hexadecimal digits at `p`; half of a surrogate pair becomes U+FFFD.
bool add_character(const char*& p, const char* end, std::string& out) {
  const auto four = [&](const char* at, uint32_t& code) {
    if (end - at < 4) return false;
    code = 0;
    for (int i = 0; i < 4; ++i) {
      const int digit = hex_value(at[i]);
      if (digit < 0) return false;
      code = code * 16 + static_cast<uint32_t>(digit);
    }
    return true;
  };
  uint32_t code = 0;
  if (!four(p, code)) return false;
  p += 4;
  if (code >= 0xD800 && code < 0xE000) {
    uint32_t low = 0;
    const bool pair = code < 0xDC00 && end - p >= 6 && p[0] == '\\' && p[1] == 'u' &&
                      four(p + 2, low) && low >= 0xDC00 && low < 0xE000;
    if (pair) p += 6;
    code = pair ? 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00) : 0xFFFD;
  }
  const auto add = [&](uint32_t byte) { out += static_cast<char>(byte); };
  if (code < 0x80) {
    add(code);
    return true;
  }
  if (code < 0x800) {
    add(0xC0 | code >> 6);
  } else {
    if (code < 0x10000) {
      add(0xE0 | code >> 12);
    } else {
      add(0xF0 | code >> 18);
      add(0x80 | (code >> 12 & 0x3F));
    }
    add(0x80 | (code >> 6 & 0x3F));
  }
  add(0x80 | (code & 0x3F));
  return true;
}

// An escape that is not known stays as it is written.
void add_escape(const char*& p, const char* end, std::string& out) {
  const char c = *p++;
  switch (c) {
    case 'n': out += '\n'; return;
    case 't': out += '\t'; return;
    case 'r': out += '\r'; return;
    case 'b': out += '\b'; return;
    case 'f': out += '\f'; return;
    case '"':
    case '\\':
    case '/':
    case '\'': out += c; return;
    case 'u':
      if (add_character(p, end, out)) return;
      break;
    default: break;
  }
  out += '\\';
  out += c;
}

// Reads the value after the opening quote at `p`; leaves `p` after the closing one.
std::optional<std::string_view> read_quoted(const char*& p, const char* end, Batch& batch) {
  const char* const start = ++p;
  p = scan::find_any<'"', '\\'>(p, end);
  if (p == end) return std::nullopt;
  if (*p == '"') return logfmt_text(start, p++);
  std::string unescaped(start, p);
  while (p != end && *p != '"') {
    if (*p != '\\') {
      const char* const next = scan::find_any<'"', '\\'>(p, end);
      unescaped.append(p, next);
      p = next;
      continue;
    }
    if (++p == end) return std::nullopt;
    add_escape(p, end, unescaped);
  }
  if (p == end) return std::nullopt;
  ++p;
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

struct LogfmtRows::Impl {
  Impl(const ParseOptions& options, Batch& target, LineErrors& errors)
      : batch(target),
        time_keys(options.time),
        rows(options, time_keys, target, errors.warnings(), "line of logfmt") {}

  Batch& batch;
  TimeKeys time_keys;
  EventRows rows;
  std::vector<JsonValue> values;
};

LogfmtRows::LogfmtRows(const ParseOptions& options, Batch& batch, LineErrors& errors)
    : impl_(std::make_unique<Impl>(options, batch, errors)) {}
LogfmtRows::~LogfmtRows() = default;

std::string LogfmtRows::read(std::string_view line) {
  impl_->values.clear();
  std::string reason = read_logfmt(line, impl_->batch, impl_->values);
  if (!reason.empty()) return reason;
  EventRows::Facts facts;
  facts.line = line;
  return impl_->rows.append(impl_->values, std::move(facts)) ? std::string() : impl_->rows.reason();
}

}  // namespace tocsin
