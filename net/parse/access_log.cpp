#include "net/parse/access_log.h"

#include <algorithm>
#include <optional>

#include <fmt/format.h>

#include "db/base/ascii.h"
#include "net/parse/line_errors.h"
#include "net/parse/scan.h"
#include "net/parse/word_value.h"

namespace tocsin {
namespace {

constexpr std::string_view kNothing = "-";

class AccessLine {
 public:
  AccessLine(std::string_view line, Batch& batch, std::vector<JsonValue>& values)
      : line_(line), batch_(batch), values_(values) {}

  std::string read() {
    if (!read_client()) return wrong("`REMOTE IDENT USER [`");
    if (!read_time()) return wrong("`]` after the time");
    std::string_view request;
    if (!quoted(request)) return wrong("the request in quotes");
    add_request(request);
    if (!number("status")) return wrong("the status");
    if (!number("bytes")) return wrong("the number of bytes");
    std::string_view text;
    if (peek() == '"') {
      if (!quoted(text)) return wrong("the end of the quote");
      add("referer", text);
      if (!quoted(text)) return wrong("the user agent in quotes");
      add("user_agent", text);
    }
    add_rest();
    return {};
  }

 private:
  char peek() {
    while (at_ < line_.size() && line_[at_] == ' ') ++at_;
    return at_ < line_.size() ? line_[at_] : '\0';
  }

  std::string wrong(const char* expected) const {
    return fmt::format("not a line of an access log: expected {} at byte {}", expected, at_ + 1);
  }

  std::string_view word() {
    if (peek() == '\0') return {};
    const size_t end = std::min(line_.find(' ', at_), line_.size());
    const std::string_view text = line_.substr(at_, end - at_);
    at_ = end;
    return text;
  }

  // The name of a user may have spaces.
  bool read_client() {
    const std::string_view remote = word();
    const std::string_view ident = word();
    if (remote.empty() || ident.empty() || peek() == '[') return false;
    const size_t bracket = line_.find(" [", at_);
    if (bracket == line_.npos) return false;
    add("remote", remote);
    add("ident", ident);
    add("user", line_.substr(at_, bracket - at_));
    at_ = bracket + 2;
    return true;
  }

  bool read_time() {
    const size_t end = line_.find(']', at_);
    if (end == line_.npos) return false;
    add("time", line_.substr(at_, end - at_));
    at_ = end + 1;
    return true;
  }

  bool quoted(std::string_view& out) {
    if (peek() != '"') return false;
    const char* const start = line_.data() + at_ + 1;
    const char* const end = line_.data() + line_.size();
    bool escaped = false;
    const char* p = scan::find_any<'"', '\\'>(start, end);
    while (p != end && *p == '\\') {
      escaped = true;
      if (end - p < 2) return false;
      p = scan::find_any<'"', '\\'>(p + 2, end);
    }
    if (p == end) return false;
    at_ = static_cast<size_t>(p - line_.data()) + 1;
    out = {start, static_cast<size_t>(p - start)};
    if (escaped) out = batch_.copy(unescaped(out));
    return true;
  }

  // Apache writes \" and \\, nginx \x22; an escape that is not known stays as it is written.
  static std::string unescaped(std::string_view text) {
    std::string out;
    for (size_t i = 0; i < text.size(); ++i) {
      if (text[i] != '\\' || i + 1 == text.size()) {
        out += text[i];
        continue;
      }
      const char c = text[++i];
      if (c == '"' || c == '\\') {
        out += c;
      } else if (c == 'n' || c == 't' || c == 'r') {
        out += c == 'n' ? '\n' : c == 't' ? '\t' : '\r';
      } else if (c == 'x' && i + 2 < text.size() && is_hex_digit(text[i + 1]) &&
                 is_hex_digit(text[i + 2])) {
        out += static_cast<char>(hex_value(text[i + 1]) * 16 + hex_value(text[i + 2]));
        i += 2;
      } else {
        out += '\\';
        out += c;
      }
    }
    return out;
  }

  void add_request(std::string_view request) {
    const size_t first = request.find(' ');
    const size_t last = request.rfind(' ');
    const std::string_view method = request.substr(0, first);
    const bool is_method = first != request.npos && !method.empty() &&
                           std::all_of(method.begin(), method.end(),
                                       [](char c) { return is_upper(c) || c == '-' || c == '_'; });
    if (!is_method) return add("request", request);
    add("method", method);
    const bool has_protocol = last != first && request.substr(last + 1).starts_with("HTTP/");
    add("path", request.substr(first + 1, has_protocol ? last - first - 1 : request.npos));
    if (has_protocol) add("protocol", request.substr(last + 1));
  }

  bool number(std::string_view name) {
    const std::string_view text = word();
    if (text == kNothing) return true;
    JsonValue value;
    value.path = name;
    read_word(text, value);
    if (value.kind != JsonValue::Kind::kI64) {
      at_ -= text.size();
      return false;
    }
    values_.push_back(value);
    return true;
  }

  void add_rest() {
    if (peek() == '\0') return;
    std::string_view text;
    if (peek() == '"' && quoted(text)) add("forwarded_for", text);
    if (peek() == '\0') return;
    JsonValue value;
    value.path = "request_time";
    const size_t start = at_;
    read_word(word(), value);
    const bool is_number =
        value.kind == JsonValue::Kind::kI64 || value.kind == JsonValue::Kind::kF64;
    if (is_number) values_.push_back(value);
    if (!is_number) at_ = start;
    if (peek() != '\0') add("rest", trimmed_end(line_.substr(at_)));
  }

  void add(std::string_view name, std::string_view text) {
    if (text == kNothing || text.empty()) return;
    JsonValue value;
    value.path = name;
    value.text = text;
    values_.push_back(value);
  }

  const std::string_view line_;
  Batch& batch_;
  std::vector<JsonValue>& values_;
  size_t at_ = 0;
};

}  // namespace

bool begins_as_access_log(std::string_view line) {
  const size_t bracket = line.find(" [");
  if (bracket == line.npos || line.size() - bracket < 14) return false;
  const std::string_view before = line.substr(0, bracket);
  const std::string_view time = line.substr(bracket + 2);
  return std::count(before.begin(), before.end(), ' ') >= 2 && before.front() != ' ' &&
         is_digit(time[0]) && is_digit(time[1]) && time[2] == '/' && is_upper(time[3]) &&
         time[6] == '/' && is_digit(time[7]);
}

std::string read_access_log(std::string_view line, Batch& batch, std::vector<JsonValue>& values) {
  return AccessLine(line, batch, values).read();
}

}  // namespace tocsin
