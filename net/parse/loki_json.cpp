// Loki's push request in JSON.
#include <fmt/format.h>

#include "net/parse/event_time.h"
#include "net/parse/json_body.h"
#include "net/parse/loki.h"

namespace tocsin {
namespace {

namespace dom = simdjson::dom;

class LokiJsonReader {
 public:
  explicit LokiJsonReader(RecordRows& rows) : rows_(rows) {}

  Status read(const dom::element& root) {
    dom::object request;
    dom::element streams;
    if (root.get(request) != simdjson::SUCCESS) return wrong("a JSON object", root);
    if (request["streams"].get(streams) != simdjson::SUCCESS) {
      if (request.size() == 0) return {};
      return fail(ErrorCode::kInvalid,
                  fmt::format("the object has no key `streams`, but `{}`", first_key(request)));
    }
    dom::array list;
    if (streams.get(list) != simdjson::SUCCESS) return wrong("an array under `streams`", streams);
    for (const dom::element stream : list) TOCSIN_RETURN_IF_ERROR(read_stream(stream));
    return {};
  }

 private:
  static Status wrong(std::string_view expected, const dom::element& found) {
    return fail(ErrorCode::kInvalid,
                fmt::format("expected {}, found {}", expected, shown_json(found)));
  }

  Status read_stream(const dom::element& stream) {
    dom::object object;
    if (stream.get(object) != simdjson::SUCCESS) return wrong("an object in `streams`", stream);
    labels_.clear();
    dom::array entries;
    bool has_entries = false;
    for (const auto [key, value] : object) {
      if (key == "stream") {
        TOCSIN_RETURN_IF_ERROR(read_labels(value));
      } else if (key == "values") {
        if (value.get(entries) != simdjson::SUCCESS) return wrong("an array in `values`", value);
        has_entries = true;
      } else if (key == "entries") {
        return fail(ErrorCode::kInvalid,
                    "a stream has `entries`, the form of Loki before 1.0; expected `values`");
      }
    }
    if (!has_entries) return wrong("a stream with `values`", stream);
    for (const dom::element entry : entries) read_entry(entry);
    return {};
  }

  Status read_labels(const dom::element& labels) {
    dom::object object;
    if (labels.get(object) != simdjson::SUCCESS) return wrong("an object in `stream`", labels);
    for (const auto [name, value] : object) {
      if (value.is_null()) continue;
      const RecordValue label = scalar_value(RecordPart::kLabel, name, value, rows_.batch());
      labels_.push_back(label.type == ColumnType::kString
                            ? tag_value(RecordPart::kLabel, name, label.text)
                            : label);
    }
    return {};
  }

  void read_entry(const dom::element& entry) {
    values_.assign(1, text_value(RecordPart::kRecord, "message", ""));
    std::optional<Timestamp> time;
    const std::string fault = read_parts(entry, time);
    values_.insert(values_.end(), labels_.begin(), labels_.end());
    if (fault.empty()) return rows_.append(time, values_);
    rows_.reject(fault, shown_json(entry), values_);
  }

  // Returns why the entry is not valid.
  std::string read_parts(const dom::element& entry, std::optional<Timestamp>& time) {
    dom::array parts;
    std::string_view line;
    if (entry.get(parts) != simdjson::SUCCESS || parts.size() < 2 || parts.size() > 3)
      return "expected an array of time, line and, if there is any, metadata";
    if (parts.at(1).get(line) != simdjson::SUCCESS) return "the line is not a string";
    values_[0].text = rows_.batch().copy(line);
    if (parts.size() == 3) {
      dom::object metadata;
      if (parts.at(2).get(metadata) != simdjson::SUCCESS) return "the metadata is not an object";
      for (const auto [name, value] : metadata) {
        if (value.is_null()) continue;
        values_.push_back(scalar_value(RecordPart::kMetadata, name, value, rows_.batch()));
      }
    }
    return read_time(parts.at(0).value_unsafe(), time);
  }

  static std::string read_time(const dom::element& value, std::optional<Timestamp>& time) {
    std::string_view text;
    std::string number;
    if (value.get(text) != simdjson::SUCCESS) {
      number = shown_json(value);
      text = number;
    }
    time = parse_text_time(text);
    if (!time) return "the time is not a number of ns since 1970";
    if (*time == 0) time.reset();
    return {};
  }

  RecordRows& rows_;
  std::vector<RecordValue> labels_;  // of the current stream
  std::vector<RecordValue> values_;  // of the current entry
};

}  // namespace

Status parse_loki_json(std::string_view body, RecordRows& rows) {
  JsonBody json;
  TOCSIN_RETURN_IF_ERROR(json.parse(body));
  return LokiJsonReader(rows).read(json.root());
}

}  // namespace tocsin
