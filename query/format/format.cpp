#include "query/format/format.h"

#include <charconv>
#include <cmath>

#include "db/base/json.h"
#include "db/base/time.h"

namespace tocsin {

std::string text_of(double value) {
  if (!std::isfinite(value)) return {};
  char buffer[32];
  const auto end = std::to_chars(buffer, buffer + sizeof buffer, value).ptr;
  return {buffer, end};
}

std::string plain_text(const Value& value, bool times_as_ns) {
  switch (value.type) {
    case ValueType::kNull: break;
    case ValueType::kBool: return std::get<bool>(value.data) ? "true" : "false";
    case ValueType::kI64: return std::to_string(std::get<int64_t>(value.data));
    case ValueType::kU64: return std::to_string(std::get<uint64_t>(value.data));
    case ValueType::kF64: return text_of(std::get<double>(value.data));
    case ValueType::kString: return std::get<std::string>(value.data);
    case ValueType::kTime: {
      const Timestamp time = std::get<int64_t>(value.data);
      return times_as_ns ? std::to_string(time) : format_time(time);
    }
    case ValueType::kDuration: {
      const Duration duration = std::get<int64_t>(value.data);
      return times_as_ns ? std::to_string(duration) : format_duration(duration);
    }
  }
  return {};
}

std::string json_of(const Value& value, bool times_as_ns) {
  if (value.is_null()) return "null";
  const bool is_time = value.type == ValueType::kTime || value.type == ValueType::kDuration;
  if (value.type == ValueType::kString || (is_time && !times_as_ns)) {
    return json_quote(plain_text(value, false));
  }
  std::string text = plain_text(value, times_as_ns);
  return text.empty() ? "null" : text;  // empty: a double that is not finite
}

}  // namespace tocsin
