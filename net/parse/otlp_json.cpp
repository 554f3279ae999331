// OTLP's JSON form, turned into protobuf: field names in lowerCamelCase, 64-bit integers as strings
// or numbers, ids in hexadecimal digits, bytes in base64, enums as integers. Unknown keys are
// ignored.
#include <fmt/format.h>
#include <protozero/pbf_writer.hpp>

#include "db/base/binary_text.h"
#include "net/parse/json_body.h"
#include "net/parse/number.h"
#include "net/parse/otlp.h"
#include "net/parse/otlp_fields.h"

namespace tocsin {
namespace {

using simdjson::dom::array;
using simdjson::dom::element;
using simdjson::dom::object;

class OtlpMessage : public protozero::pbf_writer {
 public:
  explicit OtlpMessage(std::string& buffer) : protozero::pbf_writer(buffer), buffer_(buffer) {}
  OtlpMessage(OtlpMessage& parent, protozero::pbf_tag_type tag)
      : protozero::pbf_writer(parent, tag), buffer_(parent.buffer_) {}

  /// Adds a message that is also written if it is empty; protozero leaves those out.
  template <class Write>
  void add_item(protozero::pbf_tag_type tag, Write write) {
    const size_t size = buffer_.size();
    {
      OtlpMessage item(*this, tag);
      write(item);
    }
    if (buffer_.size() == size) add_message(tag, nullptr, 0);
  }

 private:
  std::string& buffer_;
};

/// Thrown within this file.
struct OtlpJsonFault {
  std::string reason;
};

[[noreturn]] void wrong_value(std::string_view key, std::string_view expected,
                              const element& found) {
  throw OtlpJsonFault{fmt::format("`{}`: expected {}, found {}", key, expected,
                                  shown_json(found).substr(0, kShownBytesMax))};
}

constexpr protozero::pbf_tag_type number_of(uint32_t field) { return field >> 3; }

object object_of(std::string_view key, const element& value) {
  object out;
  if (value.get(out) != simdjson::SUCCESS) wrong_value(key, "an object", value);
  return out;
}

std::string_view string_of(std::string_view key, const element& value) {
  std::string_view out;
  if (value.get(out) != simdjson::SUCCESS) wrong_value(key, "a string", value);
  return out;
}

int64_t integer_of(std::string_view key, const element& value) {
  int64_t out = 0;
  if (value.get(out) == simdjson::SUCCESS) return out;
  std::string_view text;
  if (value.get(text) == simdjson::SUCCESS) {
    if (const auto number = parse_i64(text)) return *number;
  }
  wrong_value(key, "an integer", value);
}

uint64_t unsigned_of(std::string_view key, const element& value) {
  uint64_t out = 0;
  if (value.get(out) == simdjson::SUCCESS) return out;
  std::string_view text;
  if (value.get(text) == simdjson::SUCCESS) {
    if (const auto number = parse_u64(text)) return *number;
  }
  wrong_value(key, "an integer without a sign", value);
}

double double_of(std::string_view key, const element& value) {
  double out = 0;
  if (value.get(out) == simdjson::SUCCESS) return out;
  std::string_view text;
  if (value.get(text) == simdjson::SUCCESS) {
    if (text == "NaN") return std::numeric_limits<double>::quiet_NaN();
    if (text == "Infinity") return std::numeric_limits<double>::infinity();
    if (text == "-Infinity") return -std::numeric_limits<double>::infinity();
    if (const auto number = parse_f64(text)) return *number;
  }
  wrong_value(key, "a number", value);
}

std::string id_of(std::string_view key, const element& value) {
  const auto bytes = parse_hex(string_of(key, value));
  if (!bytes) wrong_value(key, "hexadecimal digits", value);
  return *bytes;
}

/// Calls `write` for each element of an array; null counts as an empty one.
template <class Write>
void each_of(std::string_view key, const element& value, Write write) {
  array list;
  if (value.get(list) != simdjson::SUCCESS) wrong_value(key, "an array", value);
  for (const element item : list) write(object_of(key, item));
}

/// Calls `write(key, value)` for each value that is not null.
template <class Write>
void each_field(const object& message, Write write) {
  for (const auto [key, value] : message) {
    if (!value.is_null()) write(key, value);
  }
}

void write_any(const object& any, OtlpMessage& out, size_t depth);

void write_pair(const object& pair, OtlpMessage& out, size_t depth) {
  each_field(pair, [&](std::string_view key, const element& value) {
    if (key == "key") {
      out.add_string(number_of(otlp::kPairKey), std::string(string_of(key, value)));
    } else if (key == "value") {
      OtlpMessage any(out, number_of(otlp::kPairValue));
      write_any(object_of(key, value), any, depth);
    }
  });
}

// `{"values": [...]}`, of pairs or of values.
template <class Write>
void write_list(const object& list, OtlpMessage& out, Write write) {
  each_field(list, [&](std::string_view key, const element& value) {
    if (key != "values") return;
    each_of(key, value, [&](const object& item) {
      out.add_item(number_of(otlp::kListValues),
                   [&](OtlpMessage& message) { write(item, message); });
    });
  });
}

std::string bytes_of(std::string_view key, const element& value) {
  const auto bytes = parse_base64(string_of(key, value));
  if (!bytes) wrong_value(key, "base64", value);
  return *bytes;
}

// Deeper values are left to the parser of the message, which rejects their record.
void write_any(const object& any, OtlpMessage& out, size_t depth) {
  if (depth > kRecordDepthMax + 1) return;
  each_field(any, [&](std::string_view key, const element& value) {
    if (key == "stringValue") {
      out.add_string(number_of(otlp::kAnyString), std::string(string_of(key, value)));
    } else if (key == "boolValue") {
      bool truth = false;
      if (value.get(truth) != simdjson::SUCCESS) wrong_value(key, "true or false", value);
      out.add_bool(number_of(otlp::kAnyBool), truth);
    } else if (key == "intValue") {
      out.add_int64(number_of(otlp::kAnyInt), integer_of(key, value));
    } else if (key == "doubleValue") {
      out.add_double(number_of(otlp::kAnyDouble), double_of(key, value));
    } else if (key == "bytesValue") {
      out.add_bytes(number_of(otlp::kAnyBytes), bytes_of(key, value));
    } else if (key == "arrayValue") {
      OtlpMessage list(out, number_of(otlp::kAnyArray));
      write_list(object_of(key, value), list, [&](const object& item, OtlpMessage& message) {
        write_any(item, message, depth + 1);
      });
    } else if (key == "kvlistValue") {
      OtlpMessage list(out, number_of(otlp::kAnyList));
      write_list(object_of(key, value), list, [&](const object& item, OtlpMessage& message) {
        write_pair(item, message, depth + 1);
      });
    }
  });
}

void write_attributes(std::string_view key, const element& value, uint32_t field,
                      OtlpMessage& out) {
  each_of(key, value, [&](const object& pair) {
    OtlpMessage message(out, number_of(field));
    write_pair(pair, message, 1);
  });
}

void write_record(const object& record, OtlpMessage& out) {
  each_field(record, [&](std::string_view key, const element& value) {
    if (key == "timeUnixNano") {
      out.add_fixed64(number_of(otlp::kTime), unsigned_of(key, value));
    } else if (key == "observedTimeUnixNano") {
      out.add_fixed64(number_of(otlp::kObservedTime), unsigned_of(key, value));
    } else if (key == "severityNumber") {
      out.add_enum(number_of(otlp::kSeverityNumber), static_cast<int32_t>(integer_of(key, value)));
    } else if (key == "severityText") {
      out.add_string(number_of(otlp::kSeverityText), std::string(string_of(key, value)));
    } else if (key == "body") {
      OtlpMessage body(out, number_of(otlp::kBody));
      write_any(object_of(key, value), body, 1);
    } else if (key == "attributes") {
      write_attributes(key, value, otlp::kAttributes, out);
    } else if (key == "droppedAttributesCount") {
      out.add_uint32(number_of(otlp::kDropped), static_cast<uint32_t>(unsigned_of(key, value)));
    } else if (key == "flags") {
      out.add_fixed32(number_of(otlp::kFlags), static_cast<uint32_t>(unsigned_of(key, value)));
    } else if (key == "traceId") {
      out.add_bytes(number_of(otlp::kTraceId), id_of(key, value));
    } else if (key == "spanId") {
      out.add_bytes(number_of(otlp::kSpanId), id_of(key, value));
    } else if (key == "eventName") {
      out.add_string(number_of(otlp::kEventName), std::string(string_of(key, value)));
    }
  });
}

void write_scope(const object& scope, OtlpMessage& out) {
  each_field(scope, [&](std::string_view key, const element& value) {
    if (key == "name") {
      out.add_string(number_of(otlp::kScopeName), std::string(string_of(key, value)));
    } else if (key == "version") {
      out.add_string(number_of(otlp::kScopeVersion), std::string(string_of(key, value)));
    } else if (key == "attributes") {
      write_attributes(key, value, otlp::kScopeAttributes, out);
    }
  });
}

void write_scope_logs(const object& logs, OtlpMessage& out) {
  each_field(logs, [&](std::string_view key, const element& value) {
    if (key == "scope") {
      OtlpMessage scope(out, number_of(otlp::kScope));
      write_scope(object_of(key, value), scope);
    } else if (key == "logRecords") {
      each_of(key, value, [&](const object& item) {
        out.add_item(number_of(otlp::kRecords),
                     [&](OtlpMessage& record) { write_record(item, record); });
      });
    }
  });
}

void write_resource_logs(const object& logs, OtlpMessage& out) {
  each_field(logs, [&](std::string_view key, const element& value) {
    if (key == "resource") {
      OtlpMessage resource(out, number_of(otlp::kResource));
      each_field(object_of(key, value), [&](std::string_view name, const element& attributes) {
        if (name == "attributes")
          write_attributes(name, attributes, otlp::kResourceAttributes, resource);
      });
    } else if (key == "scopeLogs") {
      each_of(key, value, [&](const object& item) {
        OtlpMessage scope(out, number_of(otlp::kScopes));
        write_scope_logs(item, scope);
      });
    }
  });
}

void write_request(const element& root, OtlpMessage& out) {
  const object request = object_of("the body", root);
  if (request.size() == 0) return;
  element resources;
  // An empty answer would hide that such a sender speaks another protocol.
  if (request["resourceLogs"].get(resources) != simdjson::SUCCESS) {
    throw OtlpJsonFault{
        fmt::format("there is no key `resourceLogs`, but `{}`", first_key(request))};
  }
  if (resources.is_null()) return;
  each_of("resourceLogs", resources, [&](const object& item) {
    OtlpMessage logs(out, number_of(otlp::kResources));
    write_resource_logs(item, logs);
  });
}

}  // namespace

Result<std::string> otlp_json_to_protobuf(std::string_view body) {
  JsonBody json;
  TOCSIN_RETURN_IF_ERROR(json.parse(body));
  std::string message;
  try {
    OtlpMessage out(message);
    write_request(json.root(), out);
  } catch (const OtlpJsonFault& fault) {
    return fail(ErrorCode::kInvalid, fault.reason);
  }
  return message;
}

}  // namespace tocsin
