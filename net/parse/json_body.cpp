#include "net/parse/json_body.h"

#include <fmt/format.h>

#include "db/base/text.h"
#include "net/parse/json_repair.h"
#include "net/parse/line_errors.h"

namespace tocsin {
namespace {

constexpr size_t kShownJsonBytesMax = 1024;

}  // namespace

Status JsonBody::parse(std::string_view body) {
  constexpr bool kCopy = true;  // simdjson reads a few bytes more
  simdjson::error_code code = parser_.parse(body.data(), body.size(), kCopy).get(root_);
  if (code == simdjson::UTF8_ERROR || code == simdjson::STRING_ERROR) {
    const std::string repaired = repaired_json(body);
    code = parser_.parse(repaired.data(), repaired.size(), kCopy).get(root_);
  }
  if (code == simdjson::SUCCESS) return {};
  if (code == simdjson::MEMALLOC) return fail(ErrorCode::kBusy, "not enough memory for the body");
  return fail(ErrorCode::kInvalid,
              fmt::format("the body is not valid JSON: {}", simdjson::error_message(code)));
}

std::string shown_json(const simdjson::dom::element& value) {
  std::string text = simdjson::minify(value);
  if (text.size() > kShownJsonBytesMax) text.resize(kShownJsonBytesMax);
  return text;
}

std::string first_key(const simdjson::dom::object& object) {
  return std::string(object.begin().key().substr(0, kShownBytesMax));
}

RecordValue scalar_value(RecordPart part, std::string_view name,
                         const simdjson::dom::element& value, Batch& batch) {
  using simdjson::dom::element_type;
  switch (value.type()) {
    case element_type::INT64: return i64_value(part, name, int64_t{value});
    case element_type::UINT64: return u64_value(part, name, uint64_t{value});
    case element_type::DOUBLE: return f64_value(part, name, double{value});
    case element_type::BOOL: return bool_value(part, name, bool{value});
    case element_type::STRING: return text_value(part, name, batch.copy(std::string_view{value}));
    case element_type::ARRAY:
    case element_type::OBJECT:
    case element_type::NULL_VALUE: break;
  }
  return text_value(part, name, batch.copy(simdjson::minify(value)));
}

}  // namespace tocsin
