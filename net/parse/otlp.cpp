// OTLP's ExportLogsServiceRequest in protobuf.
#include "net/parse/otlp.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>
#include <protozero/pbf_reader.hpp>

#include "db/base/binary_text.h"
#include "db/base/json.h"
#include "net/parse/keys.h"
#include "net/parse/otlp_fields.h"

namespace tocsin {
namespace {

using protozero::pbf_reader;

/// Thrown within this file: a record has too many values, or too deep ones, and is rejected.
struct OtlpLimit {
  std::string reason;
};

OtlpLimit too_deep() {
  return {fmt::format("a value is nested deeper than {} levels", kRecordDepthMax)};
}

std::string_view otlp_view(pbf_reader& reader) {
  const protozero::data_view view = reader.get_view();
  return {view.data(), view.size()};
}

// As JSON, for values within arrays.
std::string otlp_json(pbf_reader value, size_t depth);

std::string otlp_array_json(pbf_reader array, size_t depth) {
  std::string out;
  while (array.next()) {
    if (array.tag_and_type() != otlp::kListValues) {
      array.skip();
      continue;
    }
    out += out.empty() ? "[" : ",";
    out += otlp_json(array.get_message(), depth + 1);
  }
  return out.empty() ? "[]" : out + "]";
}

struct OtlpPair {
  std::string_view key;
  pbf_reader value;  // an AnyValue, perhaps empty
};

OtlpPair read_pair(pbf_reader pair) {
  OtlpPair out;
  while (pair.next()) {
    switch (pair.tag_and_type()) {
      case otlp::kPairKey: out.key = otlp_view(pair); break;
      case otlp::kPairValue: out.value = pair.get_message(); break;
      default: pair.skip();
    }
  }
  return out;
}

std::string otlp_list_json(pbf_reader list, size_t depth) {
  std::string out;
  while (list.next()) {
    if (list.tag_and_type() != otlp::kListValues) {
      list.skip();
      continue;
    }
    const OtlpPair pair = read_pair(list.get_message());
    out += out.empty() ? "{" : ",";
    out += json_quote(pair.key) + ':' + otlp_json(pair.value, depth + 1);
  }
  return out.empty() ? "{}" : out + "}";
}

std::string otlp_json(pbf_reader value, size_t depth) {
  if (depth > kRecordDepthMax) throw too_deep();
  std::string out = "null";
  while (value.next()) {
    switch (value.tag_and_type()) {
      case otlp::kAnyString: out = json_quote(otlp_view(value)); break;
      case otlp::kAnyBool: out = value.get_bool() ? "true" : "false"; break;
      case otlp::kAnyInt: out = fmt::format("{}", value.get_int64()); break;
      case otlp::kAnyDouble: out = json_number(value.get_double()); break;
      case otlp::kAnyArray: out = otlp_array_json(value.get_message(), depth); break;
      case otlp::kAnyList: out = otlp_list_json(value.get_message(), depth); break;
      case otlp::kAnyBytes: out = json_quote(base64_text(otlp_view(value))); break;
      default: value.skip();
    }
  }
  return out;
}

// `level` for a severity number without a text; empty if it has none.
std::string_view level_of(int32_t severity) {
  constexpr std::array<std::string_view, 6> kLevels = {"TRACE", "DEBUG", "INFO",
                                                       "WARN",  "ERROR", "FATAL"};
  if (severity < 1 || severity > 24) return {};
  return kLevels[static_cast<size_t>(severity - 1) / 4];
}

bool is_id(std::string_view bytes, size_t size) {
  return bytes.size() == size && bytes.find_first_not_of('\0') != bytes.npos;
}

class OtlpReader {
 public:
  explicit OtlpReader(RecordRows& rows) : rows_(rows) {}

  void read(pbf_reader request) {
    while (request.next()) {
      if (request.tag_and_type() == otlp::kResources) {
        read_resource_logs(request.get_message());
      } else {
        request.skip();
      }
    }
  }

 private:
  // The fields of a message may come in any order, so the resource is looked for first.
  void read_resource_logs(const pbf_reader& logs) {
    resource_.clear();
    shared_fault_.clear();
    for (pbf_reader fields = logs; fields.next();) {
      if (fields.tag_and_type() == otlp::kResource) {
        read_resource(fields.get_message());
      } else {
        fields.skip();
      }
    }
    for (pbf_reader fields = logs; fields.next();) {
      if (fields.tag_and_type() == otlp::kScopes) {
        read_scope_logs(fields.get_message());
      } else {
        fields.skip();
      }
    }
  }

  void read_resource(pbf_reader resource) {
    while (resource.next()) {
      if (resource.tag_and_type() == otlp::kResourceAttributes) {
        add_shared(resource_, RecordPart::kResource, resource.get_message());
      } else {
        resource.skip();
      }
    }
    for (RecordValue& value : resource_) {
      if (value.type == ColumnType::kString) value.kind = ColumnKind::kTag;
      if (value.name == "service.name") value.name = "service";
      if (value.name == "host.name") value.name = "host";
    }
  }

  void read_scope_logs(const pbf_reader& logs) {
    scope_.clear();
    for (pbf_reader fields = logs; fields.next();) {
      if (fields.tag_and_type() == otlp::kScope) {
        read_scope(fields.get_message());
      } else {
        fields.skip();
      }
    }
    for (pbf_reader fields = logs; fields.next();) {
      if (fields.tag_and_type() == otlp::kRecords) {
        read_record(fields.get_message());
      } else {
        fields.skip();
      }
    }
  }

  void read_scope(pbf_reader scope) {
    while (scope.next()) {
      switch (scope.tag_and_type()) {
        case otlp::kScopeName:
          scope_.push_back(text_value(RecordPart::kScope, "scope", otlp_view(scope)));
          break;
        case otlp::kScopeVersion:
          scope_.push_back(text_value(RecordPart::kScope, "scope.version", otlp_view(scope)));
          break;
        case otlp::kScopeAttributes:
          add_shared(scope_, RecordPart::kScope, scope.get_message());
          break;
        default: scope.skip();
      }
    }
  }

  // An attribute of many records. If it is nested too deeply, all of them are rejected.
  void add_shared(std::vector<RecordValue>& out, RecordPart part, const pbf_reader& pair) {
    try {
      add_pair(out, part, "", pair, 1);
    } catch (const OtlpLimit& limit) {
      shared_fault_ = limit.reason;
    }
  }

  void read_record(const pbf_reader& record) {
    values_.clear();
    body_.clear();
    attributes_.clear();
    time_ = observed_ = 0;
    std::string fault = shared_fault_;
    try {
      read_fields(record);
    } catch (const OtlpLimit& limit) {
      fault = limit.reason;
    }
    for (const auto* part : {&body_, &attributes_, &scope_, &resource_})
      values_.insert(values_.end(), part->begin(), part->end());
    const uint64_t time = time_ != 0 ? time_ : observed_;
    if (time > static_cast<uint64_t>(kTimeMax) && fault.empty()) fault = "the time is out of range";
    if (!fault.empty()) return rows_.reject(fault, fmt::format("{} ({})", time, fault), values_);
    rows_.append(time == 0 ? std::nullopt : std::optional(static_cast<Timestamp>(time)), values_);
  }

  void read_fields(pbf_reader record) {
    std::string_view level;
    int32_t severity = 0;
    while (record.next()) {
      switch (record.tag_and_type()) {
        case otlp::kTime: time_ = record.get_fixed64(); break;
        case otlp::kObservedTime: observed_ = record.get_fixed64(); break;
        case otlp::kSeverityNumber: severity = record.get_enum(); break;
        case otlp::kSeverityText: level = otlp_view(record); break;
        case otlp::kBody: read_body(record.get_message()); break;
        case otlp::kAttributes:
          add_pair(attributes_, RecordPart::kAttribute, "", record.get_message(), 1);
          break;
        case otlp::kDropped: add_number("dropped_attributes_count", record.get_uint32()); break;
        case otlp::kFlags: add_number("flags", record.get_fixed32() & 0xFF); break;
        case otlp::kTraceId: add_id("trace_id", otlp_view(record), 16); break;
        case otlp::kSpanId: add_id("span_id", otlp_view(record), 8); break;
        case otlp::kEventName: add_text("event_name", otlp_view(record)); break;
        default: record.skip();
      }
    }
    add_number("severity_number", severity);
    if (level.empty()) level = level_of(severity);
    if (!level.empty()) values_.push_back(tag_value(RecordPart::kRecord, "level", level));
  }

  void read_body(const pbf_reader& body) {
    body_.clear();
    add_value(body_, RecordPart::kBody, "", body, 1);
    if (body_.size() == 1 && body_[0].name.empty()) return name_message(body_[0]);
    for (const std::string_view key : {"message", "msg", "body"}) {
      const auto named = std::find_if(body_.begin(), body_.end(),
                                      [&](const RecordValue& value) { return value.name == key; });
      if (named == body_.end()) continue;
      named->name = "message";
      return;
    }
  }

  // A body that is one value: always a text, so that `message` has one type.
  void name_message(RecordValue& value) {
    std::string text;
    switch (value.type) {
      case ColumnType::kI64: text = fmt::format("{}", value.i64); break;
      case ColumnType::kU64: text = fmt::format("{}", value.u64); break;
      case ColumnType::kF64: text = fmt::format("{}", value.f64); break;
      case ColumnType::kBool: text = value.i64 != 0 ? "true" : "false"; break;
      case ColumnType::kString: break;
    }
    if (value.type != ColumnType::kString) value.text = rows_.batch().copy(text);
    value = text_value(RecordPart::kBody, "message", value.text);
  }

  void add_pair(std::vector<RecordValue>& out, RecordPart part, std::string_view prefix,
                const pbf_reader& message, size_t depth) {
    const OtlpPair pair = read_pair(message);
    std::string_view name = pair.key;
    if (!prefix.empty() || name.size() > kNameBytesMax) name = joined(prefix, pair.key);
    add_value(out, part, name, pair.value, depth);
  }

  // Bounded, because each value of a list has the names of all lists around it.
  std::string_view joined(std::string_view prefix, std::string_view key) {
    std::string name = prefix.empty() ? std::string(key) : fmt::format("{}.{}", prefix, key);
    return rows_.keep_name(name.size() > kNameBytesMax ? shortened_name(name) : std::move(name));
  }

  // An AnyValue. Nothing for an empty one, several values for a list of pairs.
  void add_value(std::vector<RecordValue>& out, RecordPart part, std::string_view name,
                 pbf_reader value, size_t depth) {
    if (depth > kRecordDepthMax) throw too_deep();
    if (out.size() > kRecordValuesMax) {
      throw OtlpLimit{fmt::format("a record has more than {} values", kRecordValuesMax)};
    }
    Batch& batch = rows_.batch();
    const size_t first = out.size();
    const auto set = [&](const RecordValue& only) {
      out.resize(first);  // the last of several kinds counts
      out.push_back(only);
    };
    while (value.next()) {
      switch (value.tag_and_type()) {
        case otlp::kAnyString: set(text_value(part, name, otlp_view(value))); break;
        case otlp::kAnyBool: set(bool_value(part, name, value.get_bool())); break;
        case otlp::kAnyInt: set(i64_value(part, name, value.get_int64())); break;
        case otlp::kAnyDouble: set(f64_value(part, name, value.get_double())); break;
        case otlp::kAnyArray:
          set(text_value(part, name, batch.copy(otlp_array_json(value.get_message(), depth))));
          break;
        case otlp::kAnyList:
          out.resize(first);
          add_list(out, part, name, value.get_message(), depth);
          break;
        case otlp::kAnyBytes:
          set(text_value(part, name, batch.copy(base64_text(otlp_view(value)))));
          break;
        default: value.skip();
      }
    }
  }

  void add_list(std::vector<RecordValue>& out, RecordPart part, std::string_view name,
                pbf_reader list, size_t depth) {
    while (list.next()) {
      if (list.tag_and_type() == otlp::kListValues) {
        add_pair(out, part, name, list.get_message(), depth + 1);
      } else {
        list.skip();
      }
    }
  }

  void add_text(std::string_view name, std::string_view text) {
    if (!text.empty()) values_.push_back(text_value(RecordPart::kRecord, name, text));
  }
  void add_number(std::string_view name, int64_t number) {
    if (number != 0) values_.push_back(i64_value(RecordPart::kRecord, name, number));
  }
  void add_id(std::string_view name, std::string_view bytes, size_t size) {
    if (is_id(bytes, size)) add_text(name, rows_.batch().copy(hex_text(bytes)));
  }

  RecordRows& rows_;
  // Of the current resource, scope and record.
  std::vector<RecordValue> resource_;
  std::string shared_fault_;
  std::vector<RecordValue> scope_;
  std::vector<RecordValue> body_;
  std::vector<RecordValue> attributes_;
  std::vector<RecordValue> values_;
  uint64_t time_ = 0;
  uint64_t observed_ = 0;
};

}  // namespace

Status parse_otlp_protobuf(std::string_view body, RecordRows& rows) {
  try {
    OtlpReader(rows).read(pbf_reader(protozero::data_view(body.data(), body.size())));
  } catch (const protozero::exception& error) {
    return fail(
        ErrorCode::kInvalid,
        fmt::format("the body is not an ExportLogsServiceRequest in protobuf ({})", error.what()));
  }
  return {};
}

Status parse_otlp_json(std::string_view body, RecordRows& rows) {
  TOCSIN_TRY(std::string message, otlp_json_to_protobuf(body));
  return parse_otlp_protobuf(rows.batch().keep(std::move(message)), rows);
}

}  // namespace tocsin
