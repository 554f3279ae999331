// Events become lines with absolute times, so that one parser of the server reads all of them.
#include "tools/rule_tests/events.h"

#include <algorithm>
#include <filesystem>
#include <memory>
#include <utility>

#include <fmt/format.h>
#include <re2/re2.h>

#include "db/base/ascii.h"
#include "net/parse/framer.h"
#include "net/parse/json_lines.h"
#include "net/parse/line_protocol.h"
#include "query/format/format.h"
#include "rules/rule_file.h"
#include "tools/rule_tests/point.h"

namespace tocsin::rule_tests {
namespace {

/// A relative time in a line of JSON, and at the end of one of line protocol.
const re2::RE2& json_point() {
  static const re2::RE2 pattern(R"re(("time"\s*:\s*)"([+-][0-9][0-9a-z]*)")re");
  return pattern;
}
const re2::RE2& line_point() {
  static const re2::RE2 pattern(R"(\s([+-][0-9][0-9a-z]*[a-z])\s*$)");
  return pattern;
}

bool is_json(std::string_view line) { return line.starts_with('{'); }

/// The line with an absolute time in place of a relative one.
Result<std::string> with_absolute_time(std::string line, Timestamp start) {
  std::string before, point;
  if (is_json(line)) {
    if (!re2::RE2::PartialMatch(line, json_point(), &before, &point)) return line;
    TOCSIN_TRY(const Timestamp time, parse_point(point, start));
    re2::RE2::Replace(&line, json_point(), fmt::format("{}\"{}\"", before, format_time(time)));
    return line;
  }
  if (!re2::RE2::PartialMatch(line, line_point(), &point)) return line;
  TOCSIN_TRY(const Timestamp time, parse_point(point, start));
  re2::RE2::Replace(&line, line_point(), fmt::format(" {}", time));
  return line;
}

/// The time of a line's only event. An event without a time is an error: it would get the time at
/// which the test runs.
Result<Timestamp> time_of(std::string_view line) {
  TOCSIN_TRY(const Batch batch, parse_events({line}));
  for (const RowBatch& rows : batch.measurements()) {
    if (rows.row_count() == 1) return rows.times().front();
  }
  return fail(ErrorCode::kInvalid, "expected one event");
}

/// One list of values of a generated tag or field, which its events take in turn.
struct GeneratedColumn {
  std::string name;
  std::vector<std::string> values;  ///< as in line protocol
};

std::string tag_value(const YamlNode& node) {
  std::string out;
  add_line_protocol_name(out, node.scalar, kEscapedInKey);
  return out;
}

/// Numbers are floats, so that a column does not depend on how its first value is written.
std::string field_value(const YamlNode& node) {
  const ValueType type = parse_parameter(node.scalar).type;
  if (!node.quoted && (is_number(type) || type == ValueType::kBool)) return node.scalar;
  std::string out;
  add_line_protocol_string(out, node.scalar);
  return out;
}

class EventReader {
 public:
  EventReader(const std::string& folder, Timestamp start, Problems& problems,
              std::vector<EventLine>& out)
      : folder_(folder), start_(start), problems_(problems), out_(out) {}

  void read(const YamlNode& events) {
    if (events.kind == YamlNode::Kind::kScalar) return add_lines(events.scalar, events, {});
    if (events.kind != YamlNode::Kind::kSequence) {
      problems_.add(events.position(),
                    fmt::format("events: expected lines, or a list of lines, files and `generate`; "
                                "found {}",
                                describe(events)));
      return;
    }
    for (const YamlNode& item : events.items) {
      if (item.kind == YamlNode::Kind::kScalar) {
        add_lines(item.scalar, item, {});
      } else {
        read_item(item);
      }
    }
  }

 private:
  void read_item(const YamlNode& item) {
    Section section(item, "events", problems_);
    const std::optional<Timestamp> arrives = read_point(section, "arrives");
    std::string text;
    if (const YamlNode* lines = section.text("lines", text)) add_lines(text, *lines, arrives);
    std::string path;
    if (const YamlNode* file = section.text("file", path)) add_file(path, *file, arrives);
    const YamlNode* generated = section.any("generate");
    if (generated) generate(*generated, arrives);
    if (!item.find("lines") && !item.find("file") && !generated) {
      problems_.add(item.position(), "events: expected one of the keys lines, file and generate");
    }
    section.finish();
  }

  std::optional<Timestamp> read_point(Section& section, const char* key) {
    std::string text;
    const YamlNode* node = section.text(key, text);
    if (!node) return std::nullopt;
    const Result<Timestamp> time = parse_point(text, start_);
    if (time) return *time;
    problems_.add(node->position(),
                  fmt::format("{}: {}", section.path_of(key), time.error().message));
    return std::nullopt;
  }

  void add_file(const std::string& path, const YamlNode& at, std::optional<Timestamp> arrives) {
    const std::filesystem::path whole = std::filesystem::path(folder_) / path;
    const Result<std::string> text = read_text_file(whole.string());
    if (!text) return problems_.add(at.position(), "events.file: " + text.error().message);
    add_lines(*text, at, arrives);
  }

  /// Reports only the first line with an error: the others are probably wrong in the same way.
  void add_lines(std::string_view text, const YamlNode& at, std::optional<Timestamp> arrives) {
    for (size_t number = 1; !text.empty(); ++number) {
      const std::string_view line = trimmed(next_simple_line(text));
      if (line.empty() || line.starts_with('#')) continue;
      if (const Status added = add_line(std::string(line), arrives); !added) {
        return problems_.add(at.position(),
                             fmt::format("events: line {}: {}", number, added.error().message));
      }
    }
  }

  Status add_line(std::string line, std::optional<Timestamp> arrives) {
    TOCSIN_TRY(std::string text, with_absolute_time(std::move(line), start_));
    TOCSIN_TRY(const Timestamp time, time_of(text));
    return add({time, arrives.value_or(time), std::move(text)});
  }

  Status add(EventLine line) {
    if (line.arrives < line.time)
      return fail(ErrorCode::kInvalid, "an event arrives before its time");
    if (out_.size() >= kEventsMax) {
      return fail(ErrorCode::kLimit, fmt::format("a test has at most {} events", kEventsMax));
    }
    out_.push_back(std::move(line));
    return {};
  }

  void generate(const YamlNode& node, std::optional<Timestamp> arrives) {
    Section section(node, "events.generate", problems_);
    const size_t problems_before = problems_.lines().size();
    std::string measurement;
    section.require("measurement");
    section.text("measurement", measurement);
    const std::vector<GeneratedColumn> tags = columns(section, "tags", tag_value);
    const std::vector<GeneratedColumn> fields = columns(section, "fields", field_value);
    const Timestamp from = read_point(section, "from").value_or(start_);
    Duration every = kSecond;
    section.duration("every", every, kMicrosecond, 366 * kDay);
    Duration length = 0;
    section.duration("for", length, 1, 3'660 * kDay);
    uint64_t count = static_cast<uint64_t>((length + every - 1) / every);
    section.count("count", count, 1, kEventsMax);
    if (count == 0) problems_.add(node.position(), "events.generate: expected `for` or `count`");
    Timestamp last = 0;
    if (__builtin_mul_overflow(static_cast<Duration>(count), every, &last) ||
        __builtin_add_overflow(from, last, &last)) {
      problems_.add(node.position(), "events.generate: the last event is after the year 2262");
    }
    section.finish();
    if (problems_.lines().size() != problems_before) return;

    std::string prefix;
    add_line_protocol_name(prefix, measurement, kEscapedInMeasurement);
    for (uint64_t i = 0; i < count; ++i) {
      const Timestamp time = from + static_cast<Duration>(i) * every;
      const Status added =
          add({time, arrives.value_or(time), generated_line(prefix, tags, fields, i, time)});
      if (!added)
        return problems_.add(node.position(), "events.generate: " + added.error().message);
    }
  }

  static std::string generated_line(const std::string& measurement,
                                    const std::vector<GeneratedColumn>& tags,
                                    const std::vector<GeneratedColumn>& fields, uint64_t number,
                                    Timestamp time) {
    std::string line = measurement;
    for (const GeneratedColumn& tag : tags) {
      line += ',' + tag.name + '=' + tag.values[number % tag.values.size()];
    }
    line += ' ';
    for (const GeneratedColumn& field : fields) {
      line += field.name + '=' + field.values[number % field.values.size()] + ',';
    }
    if (fields.empty()) {
      line += "_=t";  // a row without fields
    } else {
      line.pop_back();
    }
    return line + fmt::format(" {}", time);
  }

  /// A map from names to a value or a list of values.
  std::vector<GeneratedColumn> columns(Section& section, const char* key,
                                       std::string (*text_of)(const YamlNode&)) {
    std::vector<GeneratedColumn> out;
    const YamlNode* map = section.any(key);
    if (!map) return out;
    if (map->kind != YamlNode::Kind::kMap) {
      section.wrong(*map, key, "a map from names to values");
      return out;
    }
    for (const YamlEntry& entry : map->entries) {
      GeneratedColumn column;
      add_line_protocol_name(column.name, entry.key.scalar, kEscapedInKey);
      const bool is_list = entry.value.kind == YamlNode::Kind::kSequence;
      const size_t value_count = is_list ? entry.value.items.size() : 1;
      for (size_t i = 0; i < value_count; ++i) {
        const YamlNode& value = is_list ? entry.value.items[i] : entry.value;
        if (value.kind != YamlNode::Kind::kScalar) {
          section.wrong(value, key, "a value or a list of values");
          return out;
        }
        column.values.push_back(text_of(value));
      }
      if (column.values.empty()) {
        section.wrong(entry.value, key, "at least one value");
      } else {
        out.push_back(std::move(column));
      }
    }
    return out;
  }

  const std::string& folder_;
  Timestamp start_;
  Problems& problems_;
  std::vector<EventLine>& out_;
};

}  // namespace

void read_events(Section& test, const std::string& folder, Timestamp start, Problems& problems,
                 std::vector<EventLine>& out) {
  const YamlNode* events = test.any("events");
  if (!events || events->kind == YamlNode::Kind::kNull) return;
  EventReader(folder, start, problems, out).read(*events);
  std::stable_sort(out.begin(), out.end(),
                   [](const EventLine& a, const EventLine& b) { return a.arrives < b.arrives; });
}

Result<Batch> parse_events(const std::vector<std::string_view>& lines) {
  const bool any_json = std::any_of(lines.begin(), lines.end(), is_json);
  Batch batch(any_json ? ConflictPolicy::kKeepInRest : ConflictPolicy::kRejectRow);
  JsonLinesParser json;
  ParseOptions options;
  options.measurement = "logs";
  for (const std::string_view line : lines) {
    LineErrors errors;
    if (is_json(line)) {
      json.parse(line, options, batch, errors);
    } else {
      parse_line_protocol(line, options, batch, errors);
    }
    if (!errors.empty()) return fail(ErrorCode::kInvalid, errors[0].reason);
    if (errors.warnings().untimed_count() > 0) {
      return fail(
          ErrorCode::kInvalid,
          "the event has no time; write `\"time\": \"+5m\"` in JSON or ` +5m` at the end of "
          "line protocol");
    }
  }
  return batch;
}

}  // namespace tocsin::rule_tests
