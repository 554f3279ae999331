#include "net/parse/container_log.h"

#include <algorithm>

#include <fmt/format.h>

#include "db/base/ascii.h"
#include "db/base/json.h"
#include "net/parse/colours.h"
#include "net/parse/escapes.h"
#include "net/parse/event_rows.h"
#include "net/parse/event_time.h"
#include "net/parse/flat_object.h"
#include "net/parse/framer.h"
#include "net/parse/json_event.h"
#include "net/parse/line_numbers.h"
#include "net/parse/logfmt.h"
#include "net/parse/nul_blocks.h"
#include "net/parse/scan.h"
#include "net/parse/text_lines.h"

namespace tocsin {
namespace {

constexpr size_t kStreamBytesMax = 16;
constexpr size_t kStreamsMax = 4;  // of one file; more are rejected
constexpr size_t kDockerIdShown = 12;

bool skip_prefix(std::string_view& text, std::string_view prefix) {
  if (!text.starts_with(prefix)) return false;
  text.remove_prefix(prefix.size());
  return true;
}

// Removes the text up to the closing quote from `rest`. Returns nothing if there is none.
std::optional<std::string_view> cut_json_string(std::string_view& rest, bool& escaped) {
  const char* const start = rest.data();
  const char* const end = start + rest.size();
  const char* p = scan::find_any<'"', '\\'>(start, end);
  while (p != end && *p == '\\') {
    escaped = true;
    if (end - p < 2) return std::nullopt;
    p = scan::find_any<'"', '\\'>(p + 2, end);
  }
  if (p == end) return std::nullopt;
  const std::string_view text(start, static_cast<size_t>(p - start));
  rest.remove_prefix(text.size() + 1);
  return text;
}

// An object of texts, from its brace on.
std::optional<std::string_view> cut_attributes(std::string_view& rest) {
  const std::string_view all = rest;
  rest.remove_prefix(1);
  bool escaped = false;
  while (!rest.empty() && rest[0] != '}') {
    const bool quote = rest[0] == '"';
    rest.remove_prefix(1);
    if (quote && !cut_json_string(rest, escaped)) return std::nullopt;
  }
  if (!skip_prefix(rest, "}")) return std::nullopt;
  return all.substr(0, all.size() - rest.size());
}

std::optional<ContainerLine> read_container_line(InputFormat format, std::string_view line) {
  return format == InputFormat::kCri ? read_cri_line(line) : read_docker_line(line);
}

/// An event whose end is not known yet.
struct OpenEvent {
  std::string stream = {};
  bool active = false;
  bool partial = false;         // its last line is cut
  bool joined = false;          // it has several lines: its text is in `text`
  const char* start = nullptr;  // of its first line
  const char* end = nullptr;    // of its last line
  bool contiguous = true;       // no line of another stream is between its lines
  size_t lines = 0;             // of the program
  ContainerLine first = {};
  std::string text = {};
};

// Joins the lines of a container's log to events. `Sink` has:
//   append(std::string& text, const ContainerLine& line): the line's text, unescaped
//   text_of(const ContainerLine& line): the same as a view, for MultiLine::starts()
//   emit(OpenEvent& event)
template <class Sink>
class ContainerEvents {
 public:
  ContainerEvents(const MultiLine* multi_line, Sink& sink) : multi_line_(multi_line), sink_(sink) {}

  /// Returns false if the file has too many streams. `raw`: the line in the file.
  bool add(std::string_view raw, const ContainerLine& line) {
    OpenEvent* const event = event_of(line.stream);
    if (event == nullptr) return false;
    const char* const end = raw.data() + raw.size();
    if (multi_line_ != nullptr) end_others(*event);
    const bool too_long = event->active && end - event->start > ptrdiff_t{kEventBytesMax};
    if (too_long) {
      flush();  // of all streams, so that no event is open here
    } else if (event->active && !event->partial && !continues(*event, line)) {
      end_event(*event);
    }
    if (event->active) {
      join(*event, line);
    } else {
      begin(*event, raw.data(), line);
    }
    for (OpenEvent& other : events_) {
      if (other.active && &other != event) other.contiguous = false;
    }
    event->end = end;
    event->partial = line.partial;
    if (!line.partial && multi_line_ == nullptr) end_event(*event);
    return true;
  }

  /// Ends all open events, in the order of their first lines.
  void flush() {
    while (true) {
      OpenEvent* first = nullptr;
      for (OpenEvent& event : events_) {
        if (event.active && (first == nullptr || event.start < first->start)) first = &event;
      }
      if (first == nullptr) return;
      end_event(*first);
    }
  }

  /// The start of the only open event; null if none is open. `several`: if more are.
  const char* open_start(bool& several) const {
    const char* start = nullptr;
    several = false;
    for (const OpenEvent& event : events_) {
      if (!event.active) continue;
      several |= start != nullptr;
      start = event.start;
    }
    return start;
  }

 private:
  OpenEvent* event_of(std::string_view stream) {
    for (OpenEvent& event : events_) {
      if (event.stream == stream) return &event;
    }
    if (events_.size() == kStreamsMax || stream.size() > kStreamBytesMax) return nullptr;
    events_.reserve(kStreamsMax);
    return &events_.emplace_back(OpenEvent{.stream = std::string(stream)});
  }

  // A whole line of another stream ends an event of several lines.
  void end_others(const OpenEvent& event) {
    for (OpenEvent& other : events_) {
      if (&other != &event && other.active && !other.partial) end_event(other);
    }
  }

  bool continues(const OpenEvent& event, const ContainerLine& line) {
    return multi_line_ != nullptr && event.lines < multi_line_->lines_max() &&
           !multi_line_->starts(sink_.text_of(line));
  }

  void begin(OpenEvent& event, const char* start, const ContainerLine& line) {
    event.active = true;
    event.joined = false;
    event.contiguous = true;
    event.start = start;
    event.lines = 1;
    event.first = line;
  }

  void join(OpenEvent& event, const ContainerLine& line) {
    if (!event.joined) {
      event.text.clear();
      sink_.append(event.text, event.first);
      event.joined = true;
    }
    if (!event.partial) {
      event.text += '\n';
      ++event.lines;
    }
    sink_.append(event.text, line);
  }

  void end_event(OpenEvent& event) {
    event.active = false;
    event.partial = false;
    sink_.emit(event);
  }

  const MultiLine* const multi_line_;
  Sink& sink_;
  std::vector<OpenEvent> events_;  // by stream; references stay valid
};

/// Finds borders only.
struct BorderSink {
  void append(std::string&, const ContainerLine&) {}
  std::string_view text_of(const ContainerLine& line) {
    if (!line.escaped) return line.text;
    text.clear();
    append_unescaped(line.text, text);
    return text;
  }
  void emit(OpenEvent&) {}

  std::string text;
};

}  // namespace

std::optional<ContainerLine> read_cri_line(std::string_view line) {
  ContainerLine out;
  const size_t time_end = line.find(' ');
  if (time_end == line.npos || time_end < 10) return std::nullopt;
  out.time = line.substr(0, time_end);
  std::string_view rest = line.substr(time_end + 1);
  const size_t stream_end = rest.find(' ');
  if (stream_end == rest.npos) return std::nullopt;
  out.stream = rest.substr(0, stream_end);
  if (out.stream != "stdout" && out.stream != "stderr") return std::nullopt;
  rest.remove_prefix(stream_end + 1);
  // Further flags may follow after a colon.
  const std::string_view flags = rest.substr(0, rest.find(' '));
  if (flags.empty() || (flags[0] != 'F' && flags[0] != 'P')) return std::nullopt;
  if (flags.size() > 1 && flags[1] != ':') return std::nullopt;
  out.partial = flags[0] == 'P';
  out.text = rest.substr(std::min(flags.size() + 1, rest.size()));
  return out;
}

std::optional<ContainerLine> read_docker_line(std::string_view line) {
  ContainerLine out;
  std::string_view rest = trimmed(line);
  if (!skip_prefix(rest, "{\"log\":\"")) return std::nullopt;
  const auto text = cut_json_string(rest, out.escaped);
  if (!text) return std::nullopt;
  out.text = *text;
  bool escaped = false;
  while (skip_prefix(rest, ",\"")) {
    const auto key = cut_json_string(rest, escaped);
    if (!key || !skip_prefix(rest, ":")) return std::nullopt;
    if (*key == "attrs" && rest.starts_with('{')) {
      const auto attributes = cut_attributes(rest);
      if (!attributes) return std::nullopt;
      out.attributes = *attributes;
      continue;
    }
    if (!skip_prefix(rest, "\"")) return std::nullopt;
    const auto value = cut_json_string(rest, escaped);
    if (!value || escaped) return std::nullopt;
    if (*key == "stream") {
      out.stream = *value;
    } else if (*key == "time") {
      out.time = *value;
    } else {
      return std::nullopt;
    }
  }
  if (rest != "}" || out.time.empty()) return std::nullopt;
  out.partial = !out.text.ends_with("\\n");
  if (!out.partial) {
    out.text.remove_suffix(2);
    // The text may end with a backslash and the letter `n`.
    size_t backslashes = 0;
    while (backslashes < out.text.size() && out.text[out.text.size() - 1 - backslashes] == '\\') {
      ++backslashes;
    }
    if (backslashes % 2 == 1) {
      out.text = {out.text.data(), out.text.size() + 2};
      out.partial = true;
    }
    out.escaped = out.text.find('\\') != out.text.npos;
  }
  return out;
}

size_t whole_container_events(InputFormat format, const MultiLine* multi_line,
                              std::string_view lines) {
  BorderSink sink;
  ContainerEvents<BorderSink> events(multi_line, sink);
  size_t whole = 0;
  for (std::string_view rest = lines; !rest.empty();) {
    const std::string_view raw = next_simple_line(rest);
    const std::string_view line = without_leading_nuls(raw);
    if (const auto read = read_container_line(format, line)) events.add(line, *read);
    bool several = false;
    const char* const open = events.open_start(several);
    if (open == nullptr) {
      whole = lines.size() - rest.size();
    } else if (!several && open == line.data()) {
      whole = static_cast<size_t>(raw.data() - lines.data());
    }
  }
  return whole;
}

struct ContainerLog::Impl {
  Impl(InputFormat how, const MultiLine* multi, const ParseOptions& parse_options, Batch& target,
       LineErrors& line_errors)
      : format(how),
        multi_line(multi),
        options(parse_options),
        batch(target),
        errors(line_errors),
        time_keys(parse_options.time),
        rows(parse_options, time_keys, target, line_errors.warnings(), "event of a container") {}

  void append(std::string& text, const ContainerLine& line) {
    if (line.escaped) {
      append_unescaped(line.text, text);
    } else {
      text += line.text;
    }
  }

  std::string_view text_of(const ContainerLine& line) {
    if (!line.escaped) return line.text;
    unescaped.clear();
    append_unescaped(line.text, unescaped);
    return unescaped;
  }

  // The text with kJsonPadding readable bytes after it, valid as long as the batch.
  std::string_view padded_text(OpenEvent& event) {
    std::string& text = event.joined ? event.text : unescaped;
    if (!event.joined && !event.first.escaped) {
      return padded_line(event.first.text, lines, batch);
    }
    if (!event.joined) {
      text.clear();
      append(text, event.first);
    }
    const size_t size = text.size();
    text.append(kJsonPadding, ' ');
    return batch.copy(text).substr(0, size);
  }

  void emit(OpenEvent& event) {
    const std::string_view line = line_of(event);
    const auto time = parse_text_time(event.first.time);
    if (!time) {
      return errors.add({number_of(event.start),
                         fmt::format("not a line of a container's log: `{}` is not a time",
                                     event.first.time.substr(0, kShownBytesMax)),
                         line});
    }
    const std::string_view text = trimmed_end(padded_text(event));
    if (text.empty()) return;
    values.clear();
    add_text("stream", event.first.stream, JsonValue::Role::kTag);
    add_attributes(event.first.attributes);
    const size_t own = values.size();
    EventRows::Facts facts;
    facts.line = line;
    facts.time = time;
    if (!unpack(text, own, facts.oddity)) {
      values.resize(own);
      const bool coloured = text.find('\x1b') != text.npos;
      const std::string_view message =
          coloured ? batch.copy(without_colours(text, unescaped)) : text;
      const std::string_view level = text_level(message, options.now);
      if (!level.empty()) add_text("level", level, JsonValue::Role::kGuess);
      add_text("message", message, JsonValue::Role::kField);
    }
    if (rows.append(values, std::move(facts))) return;
    errors.add({number_of(event.start), rows.reason(), line});
  }

  uint64_t number_of(const char* place) const { return LineNumbers(lines).at(place); }

  // For `rejected`: the lines as they are in the file, or one that has the text of all.
  std::string_view line_of(OpenEvent& event) {
    if (event.contiguous) {
      return {event.start, static_cast<size_t>(event.end - event.start)};
    }
    std::string line;
    if (format == InputFormat::kCri) {
      std::string text = event.text;
      std::replace(text.begin(), text.end(), '\n', ' ');
      line = fmt::format("{} {} F {}", event.first.time, event.first.stream, text);
    } else {
      line = fmt::format(R"({{"log":{},"stream":"{}","time":"{}"}})", json_quote(event.text + '\n'),
                         event.first.stream, event.first.time);
    }
    return batch.keep(std::move(line));
  }

  void add_text(std::string_view name, std::string_view text, JsonValue::Role role) {
    JsonValue value;
    value.path = name;
    value.text = text;
    value.role = role;
    values.push_back(value);
  }

  // Labels and variables of the container, which Docker adds to each line if it is configured so.
  void add_attributes(std::string_view attributes) {
    if (attributes.empty() ||
        !flattener.flatten(batch.copy(std::string(attributes) + std::string(kJsonPadding, ' '))
                               .substr(0, attributes.size())))
      return;
    for (JsonValue value : flattener.values()) {
      value.path = batch.copy(value.path);
      if (value.escaped) value.text = batch.copy(value.text);
      value.escaped = false;
      value.role =
          value.kind == JsonValue::Kind::kString ? JsonValue::Role::kTag : JsonValue::Role::kField;
      values.push_back(value);
    }
  }

  // Appends the values of a text that is a JSON object or logfmt.
  bool unpack(std::string_view text, size_t own, std::string& oddity) {
    if (text[0] == '{') {
      if (read_flat_object(text, values)) return values.size() > own;
      values.resize(own);
      if (!flattener.flatten(text)) return false;
      values.insert(values.end(), flattener.values().begin(), flattener.values().end());
      oddity = flattener.oddity();
      return values.size() > own;
    }
    if (!begins_as_logfmt(text) || text.find('\n') != text.npos) return false;
    return read_logfmt(text, batch, values).empty() && values.size() > own + 1;
  }

  const InputFormat format;
  const MultiLine* const multi_line;
  const ParseOptions& options;
  Batch& batch;
  LineErrors& errors;
  TimeKeys time_keys;
  EventRows rows;
  JsonFlattener flattener;
  std::vector<JsonValue> values;
  std::string unescaped;
  std::string_view lines;  // being parsed
};

ContainerLog::ContainerLog(InputFormat format, const MultiLine* multi_line,
                           const ParseOptions& options, Batch& batch, LineErrors& errors)
    : impl_(std::make_unique<Impl>(format, multi_line, options, batch, errors)) {}
ContainerLog::~ContainerLog() = default;

void ContainerLog::parse(std::string_view lines) {
  Impl& impl = *impl_;
  impl.lines = lines;
  ContainerEvents<Impl> events(impl.multi_line, impl);
  LineNumbers numbers(lines);
  const auto reject = [&](std::string_view line, std::string reason) {
    impl.errors.add({numbers.at(line.data()), std::move(reason), line});
  };
  for (std::string_view rest = lines; !rest.empty();) {
    const std::string_view line = without_leading_nuls(next_simple_line(rest));
    if (is_blank_line(line)) continue;
    const auto read = read_container_line(impl.format, line);
    if (line.size() > kLineBytesMax) {
      reject(line, too_long("line", line.size()));
    } else if (!read) {
      reject(line, impl.format == InputFormat::kCri
                       ? "not a line of a container's log (CRI): expected `TIME stdout F text`"
                       : "not a line of a container's log (Docker): expected "
                         "`{\"log\":\"...\",\"stream\":\"stdout\",\"time\":\"...\"}`");
    } else if (!events.add(line, *read)) {
      reject(line, "a container's log has too many different streams");
    }
  }
  events.flush();
}

TagList with_container_tags(InputFormat format, std::string_view path, const TagList& tags) {
  if (format != InputFormat::kCri && format != InputFormat::kDocker) return tags;
  TagList out = container_tags(path);
  out.insert(out.end(), tags.begin(), tags.end());
  return out;
}

TagList container_tags(std::string_view path) {
  const auto cut_last = [](std::string_view& text, char separator) {
    const size_t at = text.rfind(separator);
    const std::string_view last = text.substr(at + 1);  // npos + 1 is 0
    text = text.substr(0, at == text.npos ? 0 : at);
    return last;
  };
  using Text = std::string;
  std::string_view rest = path;
  const std::string_view file = cut_last(rest, '/');
  const std::string_view folder = cut_last(rest, '/');
  if (folder == "containers") {
    const size_t dot = file.find(".log");
    if (dot == file.npos) return {};
    std::string_view name = file.substr(0, dot);
    const size_t pod_end = name.find('_');
    const size_t namespace_end = name.find('_', pod_end + 1);
    const size_t id = name.rfind('-');
    if (pod_end == name.npos || namespace_end == name.npos || id == name.npos ||
        id < namespace_end) {
      return {};
    }
    return {{"namespace", Text(name.substr(pod_end + 1, namespace_end - pod_end - 1))},
            {"pod", Text(name.substr(0, pod_end))},
            {"container", Text(name.substr(namespace_end + 1, id - namespace_end - 1))}};
  }
  const std::string_view above = cut_last(rest, '/');
  const std::string_view root = cut_last(rest, '/');
  if (root == "pods") {
    const size_t namespace_end = above.find('_');
    const size_t pod_end = above.rfind('_');
    if (namespace_end == above.npos || pod_end == namespace_end) return {};
    return {{"namespace", Text(above.substr(0, namespace_end))},
            {"pod", Text(above.substr(namespace_end + 1, pod_end - namespace_end - 1))},
            {"container", Text(folder)}};
  }
  if (above == "containers" && file.starts_with(folder) && folder.size() >= kDockerIdShown) {
    return {{"container", Text(folder.substr(0, kDockerIdShown))}};
  }
  return {};
}

}  // namespace tocsin
