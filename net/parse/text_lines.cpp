#include "net/parse/text_lines.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "db/base/ascii.h"
#include "db/limits.h"
#include "net/parse/colours.h"
#include "net/parse/framer.h"
#include "net/parse/keys.h"
#include "net/parse/line_numbers.h"
#include "net/parse/nul_blocks.h"
#include "net/parse/row_appender.h"
#include "net/parse/text_time.h"

namespace tocsin {
namespace {

constexpr size_t kLevelWordsMax = 6;   // words that may be the level
constexpr size_t kLevelBytesMax = 96;  // and the bytes they are in
constexpr std::string_view kOpening = "[(<{\"'";
constexpr std::string_view kClosing = "])>}\"',:;";

constexpr std::array<std::string_view, 20> kLevels = {
    "trace", "debug",   "dbg",   "verbose",   "info",   "information", "notice",
    "warn",  "warning", "error", "err",       "severe", "critical",    "crit",
    "fatal", "alert",   "emerg", "emergency", "panic",  "fine"};
constexpr std::array<std::string_view, 4> kLevelKeys = {"level=", "lvl=", "severity=", "loglevel="};

bool is_level(std::string_view word) {
  return std::any_of(kLevels.begin(), kLevels.end(),
                     [&](std::string_view level) { return equals_ignoring_case(word, level); });
}

std::string_view without_brackets(std::string_view word) {
  const size_t start = word.find_first_not_of(kOpening);
  if (start == word.npos) return {};
  return word.substr(start, word.find_last_not_of(kClosing) + 1 - start);
}

struct TextLevel {
  std::string_view text;  ///< as it is written; empty: none found
  size_t rest = 0;        ///< where the text after it begins; 0 if other words come before it
};

// In lower case a word such as `error` is a level only if it is the first one, in brackets, or
// after `level=`.
TextLevel find_level(std::string_view text) {
  size_t at = 0;
  for (size_t i = 0; i < kLevelWordsMax; ++i) {
    while (at < text.size() && is_blank(text[at])) ++at;
    if (at >= std::min(text.size(), kLevelBytesMax)) break;
    const size_t end = std::min(text.find_first_of(" \t|", at), text.size());
    const std::string_view word = text.substr(at, end - at);
    at = end;
    for (const std::string_view key : kLevelKeys) {
      const std::string_view value =
          without_brackets(word.substr(std::min(key.size(), word.size())));
      if (word.starts_with(key) && is_level(value)) return {value, 0};
    }
    const std::string_view bare = without_brackets(word);
    const bool sure =
        i == 0 || word.starts_with('[') || std::none_of(bare.begin(), bare.end(), is_lower);
    if (sure && is_level(bare)) return {bare, i == 0 ? end : 0};
  }
  return {};
}

std::string_view first_line_of(std::string_view text) { return text.substr(0, text.find('\n')); }

// Removes what separates a time or a level from the text after it.
std::string_view without_separator(std::string_view text) {
  while (!text.empty() && kClosing.find(text.front()) != kClosing.npos) text.remove_prefix(1);
  text = trimmed_start(text);
  const bool separator = text.size() > 1 && (text[0] == '-' || text[0] == '|' || text[0] == ':');
  return separator && text[1] == ' ' ? trimmed_start(text.substr(1)) : text;
}

// The names of glog's levels, each of which is a letter before the time.
std::string_view glog_level(std::string_view line, const TextTime& time) {
  if (!is_upper(line[time.start])) return {};
  switch (is_digit(line[std::min(time.start + 1, line.size() - 1)]) ? line[time.start] : '\0') {
    case 'I': return "INFO";
    case 'W': return "WARNING";
    case 'E': return "ERROR";
    case 'F': return "FATAL";
    default: return {};
  }
}

class TextLineReader : public RowAppender {
 public:
  TextLineReader(const ParseOptions& options, std::optional<Timestamp> time_before, Batch& batch)
      : options_(options),
        batch_(batch),
        level_kind_(is_tag_key("level", options) ? ColumnKind::kTag : ColumnKind::kField),
        time_(time_before),
        static_tags_(options.static_tags, batch) {}

  /// Appends the line's row to the batch, or returns false with reason() set.
  bool read(std::string_view line) {
    if (!check_measurement(options_.measurement,
                           "no measurement: the text names none, and neither does its source")) {
      return false;
    }
    const bool coloured = line.find('\x1b') != line.npos;
    const std::string_view text = coloured ? batch_.copy(without_colours(line, plain_)) : line;
    if (is_blank_line(text)) return true;
    std::string_view message = text;
    std::string_view level;
    if (const auto time = find_text_time(first_line_of(text), options_.now)) {
      time_ = time->time;
      const bool leads = text.substr(0, time->start).find_first_not_of(kOpening) == text.npos;
      if (leads) message = without_separator(text.substr(time->end));
      level = glog_level(text, *time);
      const TextLevel before = find_level(text.substr(0, time->start));
      const TextLevel after = find_level(first_line_of(leads ? message : text.substr(time->end)));
      if (level.empty()) level = before.text.empty() ? after.text : before.text;
      if (leads && !after.text.empty() && after.rest > 0) {
        message = without_separator(message.substr(after.rest));
      }
    }
    if (message.size() > kStringBytesMax) {
      return fail(fmt::format("text of {} bytes, at most {} are possible", message.size(),
                              kStringBytesMax));
    }
    RowBatch& rows = batch_.rows_of(options_.measurement);
    untimed_count_ += time_ ? 0 : 1;
    rows.begin_row(time_.value_or(options_.now), line);
    static_tags_.set(rows);
    if (!level.empty()) {
      rows.set_string(rows.lane("level", ColumnType::kString, level_kind_, 1), level);
    }
    rows.set_string(rows.lane("message", ColumnType::kString, ColumnKind::kField, 0), message);
    return true;
  }

  /// Rows before the first line with a time.
  uint64_t untimed_count() const { return untimed_count_; }

 private:
  const ParseOptions& options_;
  Batch& batch_;
  const ColumnKind level_kind_;
  std::optional<Timestamp> time_;
  uint64_t untimed_count_ = 0;
  std::string plain_;  // a line without its colours
  StaticTags static_tags_;
};

}  // namespace

void parse_text_lines(std::string_view buffer, const ParseOptions& options,
                      std::optional<Timestamp> time_before, Batch& batch, LineErrors& errors,
                      const MultiLine* multi_line) {
  TextLineReader reader(options, time_before, batch);
  LineNumbers numbers(buffer);
  for (std::string_view rest = buffer; !rest.empty();) {
    const std::string_view line =
        multi_line != nullptr ? multi_line->next_event(rest) : next_simple_line(rest);
    if (is_blank_line(line)) continue;
    read_around_nuls(line, numbers, errors, [&](std::string_view part) {
      if (part.size() > kLineBytesMax) return too_long("line", part.size());
      return reader.read(part) ? std::string() : reader.reason();
    });
  }
  errors.warnings().add(
      LineWarning::kTextWithoutTime, [] { return std::string(); }, reader.untimed_count());
}

std::string_view text_level(std::string_view text, Timestamp now) {
  text = first_line_of(text);
  const auto time = find_text_time(text, now);
  if (!time) return find_level(text).text;
  const std::string_view glog = glog_level(text, *time);
  if (!glog.empty()) return glog;
  const TextLevel before = find_level(text.substr(0, time->start));
  return before.text.empty() ? find_level(without_separator(text.substr(time->end))).text
                             : before.text;
}

std::optional<Timestamp> last_text_time(std::string_view lines, Timestamp now,
                                        bool has_json_lines) {
  std::string plain;
  while (!lines.empty()) {
    const size_t start = lines.substr(0, lines.size() - 1).rfind('\n') + 1;  // npos + 1 is 0
    const std::string_view line = trimmed_end(lines.substr(start));
    lines = lines.substr(0, start);
    if (has_json_lines && format_of_line(line) == LineFormat::kJson) continue;
    if (const auto time = find_text_time(without_colours(line, plain), now)) return time->time;
  }
  return std::nullopt;
}

}  // namespace tocsin
