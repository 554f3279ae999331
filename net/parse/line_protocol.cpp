// The grammar of a line: measurement[,tag=value]* field=value[,field=value]* [timestamp].
// This is the hot path of ingestion: values are views into the buffer, nothing is allocated per
// row, and error messages are formatted out of line.
#include "net/parse/line_protocol.h"

#include <optional>

#include <fmt/format.h>

#include "db/base/ascii.h"
#include "db/limits.h"
#include "net/parse/event_time.h"
#include "net/parse/framer.h"
#include "net/parse/json_fault.h"
#include "net/parse/line_numbers.h"
#include "net/parse/nul_blocks.h"
#include "net/parse/number.h"
#include "net/parse/odd_names.h"
#include "net/parse/plain_lines.h"
#include "net/parse/scan.h"
#include "net/parse/text_time.h"

namespace tocsin {
namespace {

std::string quoted(std::string_view text) {
  const bool cut = text.size() > kShownBytesMax;
  return fmt::format("\"{}{}\"", text.substr(0, kShownBytesMax), cut ? "..." : "");
}

template <char... kEscaped>
void unescape(std::string_view text, std::string& out) {
  out.clear();
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 1 < text.size() && ((text[i + 1] == kEscaped) || ...)) ++i;
    out.push_back(text[i]);
  }
}

class RowParser {
 public:
  RowParser(const ParseOptions& options, Batch& batch, LineWarnings& warnings)
      : options_(options), batch_(batch), warnings_(warnings) {}

  /// Appends the line's row to the batch, or returns false and leaves the batch unchanged.
  bool parse(std::string_view line) {
    begin_ = p_ = line.data();
    end_ = begin_ + line.size();
    skip_blanks();
    if (!read_measurement()) return false;
    rows_->begin_row(options_.now, line);
    column_ = 0;
    has_time_ = false;
    const bool good = read_tags() && read_fields() && read_time() &&
                      (!options_.odd_names_with_time || check_odd_name());
    if (!good) rows_->abandon_row();
    if (!good) return false;
    if (const std::string* key = rows_->replaced()) {
      warnings_.add(LineWarning::kOddKey, [&] { return duplicate_key(*key); });
    }
    return true;
  }

  /// Whether the line just parsed states its time.
  bool has_time() const { return has_time_; }
  std::string take_reason() { return std::move(reason_); }

 private:
  bool fail(std::string reason) { return fail_at(p_, std::move(reason)); }
  bool fail_at(const char* place, std::string reason) {
    const bool json = begin_ != end_ && (*begin_ == '{' || *begin_ == '[');
    reason_ =
        json ? "this is JSON, not line protocol: send it to /insert/jsonline, or as the format json"
             : fmt::format("{} at byte {}", reason, place - begin_ + 1);
    return false;
  }

  void skip_blanks() {
    while (p_ != end_ && (*p_ == ' ' || *p_ == '\t')) ++p_;
  }

  // The text up to the first stop without a backslash before it, or to the end of the line.
  template <char... kStops>
  std::string_view read_token() {
    const char* const start = p_;
    const char* stop = p_;
    escaped_ = false;
    for (;;) {
      stop = scan::find_any<kStops...>(stop, end_);
      if (stop == end_ || stop == start || stop[-1] != '\\') break;
      escaped_ = true;
      ++stop;
    }
    p_ = stop;
    return {start, static_cast<size_t>(stop - start)};
  }

  // A key without its escapes; the view may point into `name_`.
  std::string_view unescaped_key(std::string_view key) {
    if (!escaped_) return key;
    unescape<',', '=', ' '>(key, name_);
    return name_;
  }

  bool check_name(std::string_view name, const char* what, const char* place) {
    if (name.size() <= kNameBytesMax && !name.empty()) [[likely]]
      return true;
    if (name.empty()) return fail_at(place, fmt::format("missing {}", what));
    return fail_at(place, fmt::format("{} of {} bytes, at most {} are possible: {}", what,
                                      name.size(), kNameBytesMax, quoted(name)));
  }

  bool read_measurement() {
    const char* const start = p_;
    const std::string_view raw = read_token<',', ' '>();
    std::string_view name = raw;
    if (raw.find('\\') != raw.npos) {
      unescape<',', ' ', '='>(raw, name_);
      name = name_;
    }
    if (!check_name(name, "measurement", start)) return false;
    odd_ = is_odd_measurement(name);
    if (odd_) {
      odd_name_ = name;
      odd_escaped_ = !starts_with_time(name) && !has_bare_equals(raw);
      if (!options_.odd_names_with_time && !check_odd_name()) return false;
    }
    rows_ = &batch_.rows_of(name);
    return true;
  }

  static bool has_bare_equals(std::string_view raw) {
    for (size_t at = raw.find('='); at != raw.npos; at = raw.find('=', at + 1)) {
      if (at == 0 || raw[at - 1] != '\\') return true;
    }
    return false;
  }

  // With odd_names_with_time, call it once the time has been read.
  bool check_odd_name() {
    if (!odd_) [[likely]]
      return true;
    if (!odd_escaped_ && !(options_.odd_names_with_time && has_time_)) {
      reason_ = odd_measurement_reason(odd_name_);
      return false;
    }
    if (!options_.admit_odd_name || options_.admit_odd_name(odd_name_)) return true;
    reason_ = odd_names_limit_reason(odd_name_);
    return false;
  }

  bool read_tags() {
    while (p_ != end_ && *p_ == ',') {
      ++p_;
      const char* const start = p_;
      const std::string_view key = unescaped_key(read_token<',', '=', ' '>());
      if (!check_name(key, "tag key", start)) return false;
      if (p_ == end_ || *p_ != '=') {
        return fail(fmt::format("missing tag value after tag key {}", quoted(key)));
      }
      ++p_;
      // Look up the lane before reading the value, which may overwrite `key` in name_.
      const size_t lane = rows_->lane(key, ColumnType::kString, ColumnKind::kTag, column_++);
      if (!read_tag_value(lane)) return false;
    }
    return true;
  }

  bool read_tag_value(size_t lane) {
    std::string_view value = read_token<',', '=', ' '>();
    if (value.empty() && (p_ == end_ || *p_ != '=')) return fail("missing tag value");
    if (p_ != end_ && *p_ == '=') return fail("invalid tag format: a `=` without `\\` before it");
    if (escaped_) {
      unescape<',', '=', ' '>(value, name_);
      value = batch_.copy(name_);
    }
    if (!check_string(value)) return false;
    rows_->set_string(lane, value);
    return true;
  }

  bool check_string(std::string_view value) {
    if (value.size() <= kStringBytesMax) [[likely]]
      return true;
    return fail(fmt::format("string of {} bytes, at most {} are possible; it ends", value.size(),
                            kStringBytesMax));
  }

  bool read_fields() {
    skip_blanks();
    if (p_ == end_) return fail("missing fields");
    for (;;) {
      const char* const start = p_;
      const std::string_view key = unescaped_key(read_token<',', '=', ' '>());
      if (!check_name(key, "field key", start)) return false;
      if (p_ == end_ || *p_ != '=') {
        return fail(fmt::format("missing `=` and a value after field key {}", quoted(key)));
      }
      ++p_;
      if (p_ == end_ || *p_ == ',' || *p_ == ' ') {
        return fail(
            fmt::format("missing field value after \"{}=\"", key.substr(0, kShownBytesMax)));
      }
      if (!(*p_ == '"' ? read_string(key) : read_scalar(key))) return false;
      if (p_ == end_ || *p_ != ',') return true;
      ++p_;
    }
  }

  bool read_string(std::string_view key) {
    const size_t lane = rows_->lane(key, ColumnType::kString, ColumnKind::kField, column_++);
    const char* const start = ++p_;
    bool escaped = false;
    for (;;) {
      p_ = scan::find_any<'"', '\\'>(p_, end_);
      if (p_ == end_) return fail_at(start - 1, "missing closing `\"` of the string that begins");
      if (*p_ == '"') break;
      const bool escape = end_ - p_ > 1 && (p_[1] == '"' || p_[1] == '\\');
      escaped |= escape;
      p_ += escape ? 2 : 1;
    }
    std::string_view value(start, static_cast<size_t>(p_ - start));
    ++p_;
    if (p_ != end_ && *p_ != ',' && *p_ != ' ') {
      return fail(
          "expected `,`, a space or the end of the line after the closing `\"` of the string");
    }
    if (escaped) {
      unescape<'"', '\\'>(value, name_);
      value = batch_.copy(name_);
    }
    if (!check_string(value)) return false;
    rows_->set_string(lane, value);
    return true;
  }

  // A number or boolean; neither has escapes.
  bool read_scalar(std::string_view key) {
    const char* const start = p_;
    p_ = scan::find_any<',', ' '>(p_, end_);
    const std::string_view text(start, static_cast<size_t>(p_ - start));
    const char first = text.front();
    const std::string_view digits = text.substr(0, text.size() - 1);
    const size_t hint = column_++;
    if (is_digit(first) || first == '-' || first == '+' || first == '.') {
      if (text.back() == 'i') {
        const auto value = parse_i64(digits);
        if (!value) return fail_value(key, text, start);
        rows_->set_i64(lane(key, ColumnType::kI64, hint), *value, digits);
      } else if (text.back() == 'u') {
        const auto value = parse_u64(digits);
        if (!value) return fail_value(key, text, start);
        rows_->set_u64(lane(key, ColumnType::kU64, hint), *value, digits);
      } else if (text.back() == 't' || text.back() == 'n') {
        // Timestamps in us and ns, as QuestDB's clients send them.
        const auto value = parse_i64(digits);
        const auto time = value ? scale_time(*value, text.back() == 't' ? kMicrosecond : 1)
                                : std::optional<Timestamp>();
        if (!time) return fail_value(key, text, start);
        rows_->set_string(lane(key, ColumnType::kString, hint),
                          batch_.copy(format_time_short(*time)));
      } else {
        const auto value = parse_f64(text);
        if (!value) return fail_value(key, text, start);
        rows_->set_f64(lane(key, ColumnType::kF64, hint), *value, text);
      }
      return true;
    }
    const auto value = parse_bool(text);
    if (!value) return fail_value(key, text, start);
    if (key == "_" && text == "t") return true;
    rows_->set_bool(lane(key, ColumnType::kBool, hint), *value, text);
    return true;
  }

  size_t lane(std::string_view key, ColumnType type, size_t hint) {
    return rows_->lane(key, type, ColumnKind::kField, hint);
  }

  bool fail_value(std::string_view key, std::string_view text, const char* place) {
    return fail_at(place, fmt::format("invalid value {} of field {}: expected a number that fits "
                                      "(12.5, 12i, 12u), true or false, or a \"string\"",
                                      quoted(text), quoted(key)));
  }

  bool read_time() {
    skip_blanks();
    has_time_ = p_ != end_;
    if (!has_time_) return true;
    const char* const start = p_;
    p_ = scan::find_any<' ', '\t'>(p_, end_);
    const std::string_view text(start, static_cast<size_t>(p_ - start));
    skip_blanks();
    if (p_ != end_) return fail("expected the end of the line after the timestamp");
    const auto number = parse_i64(text);
    if (!number) return fail_at(start, fmt::format("invalid timestamp {}", quoted(text)));
    const auto time = scale_time(*number, options_.time_unit);
    if (!time) return fail_at(start, fmt::format("timestamp {} out of range", text));
    rows_->set_time(*time);
    return true;
  }

  const ParseOptions& options_;
  Batch& batch_;
  LineWarnings& warnings_;
  std::string name_;  // a name or value without its escapes
  std::string reason_;

  // State of the current line.
  const char* begin_ = nullptr;
  const char* p_ = nullptr;
  const char* end_ = nullptr;
  RowBatch* rows_ = nullptr;
  size_t column_ = 0;     // index of the next key, the hint for its lane
  bool escaped_ = false;  // whether the token just read contains escaped stops
  bool has_time_ = false;
  bool odd_ = false;          // the measurement's name looks like the first word of a text line
  bool odd_escaped_ = false;  // but its escapes say that it is meant
  std::string odd_name_;
};

bool holds_no_row(std::string_view line) {
  for (const char c : line) {
    if (c == '#') return true;
    if (c != ' ' && c != '\t') return false;
  }
  return true;
}

}  // namespace

size_t parse_line_protocol(std::string_view buffer, const ParseOptions& options, Batch& batch,
                           LineErrors& errors) {
  RowParser parser(options, batch, errors.warnings());
  PlainLines plain(buffer, options, batch);
  LineNumbers numbers(buffer);
  uint64_t untimed_count = 0;
  size_t consumed = buffer.size();
  for (std::string_view rest = buffer; !rest.empty();) {
    if (options.guess_shapes) plain.consume(rest);
    if (rest.empty()) break;
    std::optional<std::string_view> whole;
    if (options.more_follows && rest.size() <= kLineBytesMax) {
      whole = next_whole_line(rest);
      if (!whole) {
        consumed -= rest.size();
        break;
      }
    } else {
      whole = next_line(rest);
    }
    read_around_nuls(*whole, numbers, errors, [&](std::string_view part) {
      if (part.size() > kLineBytesMax) return too_long("line", part.size());
      if (holds_no_row(part)) return std::string();
      if (parser.parse(part)) {
        untimed_count += parser.has_time() ? 0 : 1;
        return std::string();
      }
      return is_part_of_pretty_json(part) ? std::string(kPrettyJson) : parser.take_reason();
    });
  }
  errors.warnings().add(
      LineWarning::kNoTimestamp, [] { return std::string(); },
      untimed_count + plain.untimed_count());
  return consumed;
}

}  // namespace tocsin
