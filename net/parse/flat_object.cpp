#include "net/parse/flat_object.h"

#include <cstdint>

#include "db/base/ascii.h"
#include "net/parse/scan.h"
#include "net/parse/word_value.h"

namespace tocsin {
namespace {

bool has_only_plain_bytes(std::string_view text) {
  uint8_t odd = 0;
  for (const char c : text) {
    const auto byte = static_cast<signed char>(c);
    odd |= static_cast<uint8_t>(byte < 0x20) | static_cast<uint8_t>(byte == '\\');
  }
  return odd == 0;
}

class FlatObject {
 public:
  explicit FlatObject(std::string_view text) : p_(text.data()), end_(p_ + text.size()) {}

  bool read(std::vector<JsonValue>& values) {
    skip_spaces();
    for (char separator = '{'; skip(separator); separator = ',') {
      JsonValue value;
      skip_spaces();
      if (!string(value.path) || value.path.empty()) return false;
      value.keys = value.path;
      skip_spaces();
      if (!skip(':')) return false;
      skip_spaces();
      if (p_ != end_ && *p_ == '"') {
        if (!string(value.text)) return false;
        values.push_back(value);
      } else if (!word(value, values)) {
        return false;
      }
      skip_spaces();
      if (!skip('}')) continue;
      skip_spaces();
      return p_ == end_;
    }
    return false;
  }

 private:
  void skip_spaces() {
    while (p_ != end_ && *p_ == ' ') ++p_;
  }
  bool skip(char c) {
    if (p_ == end_ || *p_ != c) return false;
    ++p_;
    return true;
  }
  bool string(std::string_view& out) {
    if (!skip('"')) return false;
    const char* const start = p_;
    p_ = scan::find_any<'"'>(p_, end_);
    if (p_ == end_) return false;
    out = {start, static_cast<size_t>(p_++ - start)};
    return true;
  }
  bool word(JsonValue& value, std::vector<JsonValue>& values) {
    const char* const start = p_;
    while (p_ != end_ && *p_ != ',' && *p_ != '}' && *p_ != ' ') ++p_;
    const std::string_view text(start, static_cast<size_t>(p_ - start));
    if (text == "null") return true;
    read_word(text, value);
    if (value.kind == JsonValue::Kind::kString) return false;
    values.push_back(value);
    return true;
  }

  const char* p_;
  const char* const end_;
};

}  // namespace

bool read_flat_object(std::string_view text, std::vector<JsonValue>& values) {
  return has_only_plain_bytes(text) && FlatObject(text).read(values);
}

}  // namespace tocsin
