// Loki's PushRequest in protobuf, and its labels.
#include "net/parse/loki.h"

#include <charconv>

#include <fmt/format.h>
#include <protozero/pbf_message.hpp>

#include "db/base/ascii.h"

namespace tocsin {
namespace {

using protozero::pbf_reader;
using protozero::pbf_wire_type;
using protozero::tag_and_type;

// PushRequest, Stream, Entry, Timestamp, LabelPair: field number and wire type.
constexpr auto kStreams = tag_and_type(1, pbf_wire_type::length_delimited);
constexpr auto kStreamLabels = tag_and_type(1, pbf_wire_type::length_delimited);
constexpr auto kStreamEntries = tag_and_type(2, pbf_wire_type::length_delimited);
constexpr auto kEntryTime = tag_and_type(1, pbf_wire_type::length_delimited);
constexpr auto kEntryLine = tag_and_type(2, pbf_wire_type::length_delimited);
constexpr auto kEntryMetadata = tag_and_type(3, pbf_wire_type::length_delimited);
constexpr auto kSeconds = tag_and_type(1, pbf_wire_type::varint);
constexpr auto kNanos = tag_and_type(2, pbf_wire_type::varint);
constexpr auto kPairName = tag_and_type(1, pbf_wire_type::length_delimited);
constexpr auto kPairValue = tag_and_type(2, pbf_wire_type::length_delimited);

std::string_view view_of(pbf_reader& reader) {
  const protozero::data_view view = reader.get_view();
  return {view.data(), view.size()};
}

struct LokiTime {
  int64_t seconds = 0;
  int64_t nanos = 0;

  bool is_set() const { return seconds != 0 || nanos != 0; }
  std::optional<Timestamp> time() const {
    Timestamp out = 0;
    if (__builtin_mul_overflow(seconds, kSecond, &out)) return std::nullopt;
    if (__builtin_add_overflow(out, nanos, &out)) return std::nullopt;
    return out;
  }
};

LokiTime read_time(pbf_reader reader) {
  LokiTime time;
  while (reader.next()) {
    switch (reader.tag_and_type()) {
      case kSeconds: time.seconds = reader.get_int64(); break;
      case kNanos: time.nanos = reader.get_int32(); break;
      default: reader.skip();
    }
  }
  return time;
}

RecordValue read_metadata(pbf_reader reader) {
  RecordValue value = text_value(RecordPart::kMetadata, "", "");
  while (reader.next()) {
    switch (reader.tag_and_type()) {
      case kPairName: value.name = view_of(reader); break;
      case kPairValue: value.text = view_of(reader); break;
      default: reader.skip();
    }
  }
  return value;
}

class LokiReader {
 public:
  explicit LokiReader(RecordRows& rows) : rows_(rows) {}

  void read(pbf_reader request) {
    while (request.next()) {
      if (request.tag_and_type() == kStreams) {
        read_stream(request.get_message());
      } else {
        request.skip();
      }
    }
  }

 private:
  void read_stream(const pbf_reader& stream) {
    read_labels(stream);
    for (pbf_reader entries = stream; entries.next();) {
      if (entries.tag_and_type() == kStreamEntries) {
        read_entry(entries.get_message());
      } else {
        entries.skip();
      }
    }
  }

  // First, because fields may come in any order.
  void read_labels(pbf_reader stream) {
    std::string_view text;
    while (stream.next()) {
      if (stream.tag_and_type() == kStreamLabels) {
        text = view_of(stream);
      } else {
        stream.skip();
      }
    }
    labels_.clear();
    const auto labels = parse_labels(text);
    valid_labels_ = labels.has_value();
    if (!labels) labels_.push_back(text_value(RecordPart::kLabel, "labels", text));
    for (const auto& [name, value] : labels.value_or(Labels())) {
      labels_.push_back(
          tag_value(RecordPart::kLabel, rows_.batch().copy(name), rows_.batch().copy(value)));
    }
  }

  void read_entry(pbf_reader entry) {
    LokiTime time;
    values_.assign(1, text_value(RecordPart::kRecord, "message", ""));
    while (entry.next()) {
      switch (entry.tag_and_type()) {
        case kEntryTime: time = read_time(entry.get_message()); break;
        case kEntryLine: values_[0].text = view_of(entry); break;
        case kEntryMetadata: values_.push_back(read_metadata(entry.get_message())); break;
        default: entry.skip();
      }
    }
    values_.insert(values_.end(), labels_.begin(), labels_.end());
    append(time);
  }

  void append(const LokiTime& time) {
    const auto at = time.time();
    const std::string shown = fmt::format("{} s and {} ns", time.seconds, time.nanos);
    if (!at) return rows_.reject("the time is out of range", shown, values_);
    if (!valid_labels_) {
      return rows_.reject("the labels of its stream are not of the form {name=\"value\", ...}",
                          shown, values_);
    }
    rows_.append(time.is_set() ? at : std::nullopt, values_);
  }

  RecordRows& rows_;
  std::vector<RecordValue> labels_;  // of the current stream
  bool valid_labels_ = false;
  std::vector<RecordValue> values_;  // of the current entry
};

void append_utf8(std::string& out, uint32_t code) {
  const auto add = [&](uint32_t byte) { out += static_cast<char>(byte); };
  const auto tail = [&](unsigned shift) { add(0x80 | (code >> shift & 0x3F)); };
  if (code < 0x80) return add(code);
  if (code < 0x800) return add(0xC0 | code >> 6), tail(0);
  if (code < 0x10000) return add(0xE0 | code >> 12), tail(6), tail(0);
  add(0xF0 | code >> 18), tail(12), tail(6), tail(0);
}

// Go's escapes in quoted texts (strconv.Unquote). Each returns the text after it, or nothing.
class LabelText {
 public:
  explicit LabelText(std::string_view text) : rest_(text) {}

  bool at_end() const { return rest_.empty(); }
  bool consume(char c) {
    skip_spaces();
    if (!rest_.starts_with(c)) return false;
    rest_.remove_prefix(1);
    return true;
  }
  std::string_view name() {
    skip_spaces();
    size_t size = 0;
    while (size < rest_.size() && is_name_character(rest_[size])) ++size;
    const std::string_view name = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return name;
  }
  bool quoted(std::string& out) {
    if (consume('`')) {
      const size_t end = rest_.find('`');
      if (end == rest_.npos) return false;
      out = rest_.substr(0, end);
      rest_.remove_prefix(end + 1);
      return true;
    }
    if (!consume('"')) return false;
    while (!rest_.empty()) {
      const char c = rest_.front();
      rest_.remove_prefix(1);
      if (c == '"') return true;
      if (c != '\\') {
        out += c;
      } else if (!escape(out)) {
        return false;
      }
    }
    return false;
  }

 private:
  static bool is_name_character(char c) {
    return c == '_' || c == ':' || c == '.' || c == '-' || (c >= '0' && c <= '9') ||
           (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || static_cast<signed char>(c) < 0;
  }

  void skip_spaces() {
    while (!rest_.empty() && (rest_.front() == ' ' || rest_.front() == '\t'))
      rest_.remove_prefix(1);
  }

  bool escape(std::string& out) {
    if (rest_.empty()) return false;
    const char c = rest_.front();
    rest_.remove_prefix(1);
    switch (c) {
      case 'a': out += '\a'; return true;
      case 'b': out += '\b'; return true;
      case 'f': out += '\f'; return true;
      case 'n': out += '\n'; return true;
      case 'r': out += '\r'; return true;
      case 't': out += '\t'; return true;
      case 'v': out += '\v'; return true;
      case '\\':
      case '\'':
      case '"': out += c; return true;
      case 'x': return byte(2, 16, 0xFF, out);
      case 'u': return character(4, out);
      case 'U': return character(8, out);
      default:
        if (c < '0' || c > '7') return false;
        rest_ = {rest_.data() - 1, rest_.size() + 1};
        return byte(3, 8, 0xFF, out);
    }
  }

  bool number(size_t digits, int base, uint32_t max, uint32_t& value) {
    if (rest_.size() < digits) return false;
    const char* const end = rest_.data() + digits;
    const auto [stop, error] = std::from_chars(rest_.data(), end, value, base);
    rest_.remove_prefix(digits);
    return error == std::errc() && stop == end && value <= max;
  }

  bool byte(size_t digits, int base, uint32_t max, std::string& out) {
    uint32_t value = 0;
    if (!number(digits, base, max, value)) return false;
    out += static_cast<char>(value);
    return true;
  }

  bool character(size_t digits, std::string& out) {
    uint32_t code = 0;
    if (!number(digits, 16, 0x10FFFF, code)) return false;
    if (code >> 11 == 0xD800 >> 11) return false;
    append_utf8(out, code);
    return true;
  }

  std::string_view rest_;
};

}  // namespace

std::optional<Labels> parse_labels(std::string_view text) {
  LabelText rest(trimmed(text));
  Labels labels;
  if (!rest.consume('{')) return std::nullopt;
  while (!rest.consume('}')) {
    if (!labels.empty() && !rest.consume(',')) return std::nullopt;
    if (!labels.empty() && rest.consume('}')) break;
    auto& [name, value] = labels.emplace_back();
    name = rest.name();
    if (name.empty() && !rest.quoted(name)) return std::nullopt;  // `{"odd name"="value"}`
    if (!rest.consume('=') || !rest.quoted(value)) return std::nullopt;
  }
  if (!rest.at_end()) return std::nullopt;
  return labels;
}

Status parse_loki_protobuf(std::string_view body, RecordRows& rows) {
  try {
    LokiReader(rows).read(pbf_reader(protozero::data_view(body.data(), body.size())));
  } catch (const protozero::exception& error) {
    return fail(
        ErrorCode::kInvalid,
        fmt::format("the body is not a push request of Loki in protobuf ({})", error.what()));
  }
  return {};
}

}  // namespace tocsin
