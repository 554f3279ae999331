// Sources: RFC 5424, section 6; RFC 3164, section 4; "System Message Format" of Cisco IOS.
#include "net/parse/syslog.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <memory>
#include <optional>

#include <fmt/format.h>

#include "db/base/ascii.h"
#include "db/base/text.h"
#include "net/parse/framer.h"
#include "net/parse/json_event.h"
#include "net/parse/keys.h"
#include "net/parse/logfmt.h"
#include "net/parse/syslog_frames.h"
#include "net/parse/text_time.h"

namespace tocsin {
namespace {

// As for the journal's PRIORITY.
constexpr std::array<std::string_view, 8> kSeverities = {"emerg",   "alert",  "crit", "error",
                                                         "warning", "notice", "info", "debug"};
constexpr std::array<std::string_view, 24> kFacilities = {
    "kern",   "user",   "mail",     "daemon", "auth",   "syslog", "lpr",    "news",
    "uucp",   "cron",   "authpriv", "ftp",    "ntp",    "audit",  "alert",  "clock",
    "local0", "local1", "local2",   "local3", "local4", "local5", "local6", "local7"};
constexpr unsigned kUserNotice = 13;  // the priority of messages without one (RFC 3164, 4.3.3)
constexpr unsigned kPriorityMax = 191;
constexpr size_t kTagBytesMax = 128;        // 32 in RFC 3164
constexpr size_t kHostBytesMax = 255;       // RFC 5424, section 6.2.4
constexpr size_t kEpochTimeDigitsMin = 10;  // seconds since 2001
constexpr std::string_view kNil = "-";
constexpr std::string_view kCeeCookie = "@cee:";  // before JSON, as rsyslog's clients write it
constexpr std::string_view kMessageTrailer{" \t\r\n\0", 5};

std::optional<int64_t> read_count(std::string_view text) {
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool whole = error == std::errc() && end == text.data() + text.size();
  if (!whole || value < 0 || (text[0] == '0' && text.size() > 1)) return std::nullopt;
  return value;
}

size_t digit_count(std::string_view text) {
  return std::min(text.find_first_not_of("0123456789"), text.size());
}

// Removes and returns the word before the next space.
std::string_view next_word(std::string_view& rest) {
  const size_t size = std::min(rest.find(' '), rest.size());
  const std::string_view word = rest.substr(0, size);
  rest.remove_prefix(std::min(size + 1, rest.size()));
  return word;
}

bool is_host(std::string_view word) {
  return !word.empty() && word.size() <= kHostBytesMax && word.back() != ':' &&
         std::all_of(word.begin(), word.end(), [](char c) {
           return is_word_character(c) ||
                  std::string_view(".-:/@%").find(c) != std::string_view::npos;
         });
}

bool is_date(std::string_view text) {
  return digit_count(text) == 4 && text.size() > 4 && text[4] == '-';
}

struct SyslogTag {
  std::string_view name;
  std::string_view process;
  size_t size = 0;  // with its colon; 0: there is none
};

// `name:`, `name[process]:` or `name[process]`.
SyslogTag find_tag(std::string_view text) {
  SyslogTag tag;
  size_t at = 0;
  const auto ends = [&] { return at == text.size() || text[at] == ' '; };
  for (; at < std::min(text.size(), kTagBytesMax); ++at) {
    const char c = text[at];
    if (c == '[' || is_control(c) ||
        std::string_view(" =\"'{}<>,;").find(c) != std::string_view::npos)
      break;
    if (c == ':' && (at + 1 == text.size() || text[at + 1] == ' ' || text[at + 1] == '{')) break;
  }
  if (at == 0 || at == text.size()) return {};
  tag.name = text.substr(0, at);
  if (text[at] == '[') {
    const size_t end = text.find_first_of(" ]", at);
    if (end == text.npos || text[end] == ' ' || end == at + 1) return {};
    tag.process = text.substr(at + 1, end - at - 1);
    at = end + 1;
    if (!ends() && text[at] != ':') return {};
  } else if (text[at] != ':') {
    return {};
  }
  tag.size = ends() ? at : at + 1;
  return tag;
}

class SyslogReader : public RowAppender {
 public:
  explicit SyslogReader(RecordRows& rows)
      : rows_(rows), options_(rows.options()), sender_(rows.batch().copy(options_.syslog.host)) {}

  void read(std::string_view message) {
    reset();
    if (!read_message(valid(message))) return rows_.reject_line(reason(), message);
    rows_.append(time_, values_, message);
  }

 private:
  void reset() {
    time_.reset();
    host_ = service_ = process_ = msgid_ = {};
    sequence_.reset();
    values_.assign(1, text_value(RecordPart::kRecord, "message", ""));
    data_.clear();
  }

  // The store may hold any bytes, but JSON and most of its readers do not.
  std::string_view valid(std::string_view message) {
    if (is_valid_utf8(message)) return message;
    size_t replaced = 0;
    return rows_.batch().keep(valid_utf8(message, replaced));
  }

  bool read_message(std::string_view text) {
    std::string_view rest = without_byte_order_mark(text);
    rest = rest.substr(0, rest.find_last_not_of(kMessageTrailer) + 1);  // npos + 1 is 0
    const bool has_priority = rest.starts_with('<');
    unsigned priority = kUserNotice;
    if (has_priority && !read_priority(rest, priority)) return false;
    if (!rest.empty() && is_control(rest[0]) && rest[0] != '\t')
      return fail("not a syslog message: it begins with a control character");
    const bool versioned = has_priority && is_versioned(rest);
    if (!(versioned ? read_rfc5424(rest) : read_rfc3164(rest, has_priority))) return false;
    add_values(priority);
    unpack(text);
    return true;
  }

  bool read_priority(std::string_view& rest, unsigned& priority) {
    const size_t digits = digit_count(rest.substr(1));
    const auto value = read_count(rest.substr(1, std::min<size_t>(digits, 4)));
    if (!value || *value > kPriorityMax || digits + 1 >= rest.size() || rest[digits + 1] != '>') {
      return fail(fmt::format("expected a priority from <0> to <{}>, found `{}`", kPriorityMax,
                              rest.substr(0, 6)));
    }
    priority = static_cast<unsigned>(*value);
    rest.remove_prefix(digits + 2);
    return true;
  }

  // RFC 5424 has a version where RFC 3164 has a time.
  static bool is_versioned(std::string_view rest) {
    const std::string_view version = next_word(rest);
    if (version == "1") return true;
    return !version.empty() && version.size() <= 3 && digit_count(version) == version.size() &&
           (rest.starts_with("- ") || is_date(rest));
  }

  bool read_rfc5424(std::string_view rest) {
    const std::string_view version = next_word(rest);
    if (version != "1")
      return fail(fmt::format("version {} of the syslog protocol is not known, only 1", version));
    constexpr std::array<const char*, 5> kNames = {"time", "HOSTNAME", "APP-NAME", "PROCID",
                                                   "MSGID"};
    std::array<std::string_view, kNames.size()> words;
    for (size_t i = 0; i < kNames.size(); ++i) {
      words[i] = next_word(rest);
      if (words[i].empty()) return fail(fmt::format("the header ends before its {}", kNames[i]));
      if (i == 0 && !read_whole_time(words[0])) return false;
      // Meraki: a number, the host, and what it says.
      if (i == 1 && digit_count(words[0]) >= kEpochTimeDigitsMin) {
        host_ = words[1];
        values_[0].text = rest;
        return true;
      }
    }
    const auto unless_nil = [](std::string_view word) { return word == kNil ? "" : word; };
    host_ = unless_nil(words[1]);
    service_ = unless_nil(words[2]);
    process_ = unless_nil(words[3]);
    msgid_ = unless_nil(words[4]);
    if (!read_data(rest)) return false;
    values_[0].text = without_byte_order_mark(rest);
    return true;
  }

  bool read_whole_time(std::string_view word) {
    if (word == kNil) return true;
    const auto time = read_text_time(word, options_.now, options_.time.zone);
    if (!time || time->end != word.size()) {
      return fail(fmt::format("invalid time `{}` in a message of RFC 5424",
                              word.substr(0, kShownBytesMax)));
    }
    time_ = time->time;
    return true;
  }

  // `-`, or elements like `[ID NAME="value" NAME="value"]`. Leaves the message.
  bool read_data(std::string_view& rest) {
    if (rest.starts_with(kNil) && (rest.size() == 1 || rest[1] == ' ')) {
      rest.remove_prefix(std::min<size_t>(2, rest.size()));
      return true;
    }
    const std::string_view all = rest;
    if (!rest.starts_with('[')) return fail_data(all, rest, "`-` or `[`");
    while (rest.starts_with('[')) {
      rest.remove_prefix(1);
      if (!read_element(all, rest)) return false;
    }
    if (!rest.empty() && rest[0] != ' ') return fail_data(all, rest, "a space or `[`");
    rest.remove_prefix(std::min<size_t>(1, rest.size()));
    return true;
  }

  bool fail_data(std::string_view all, std::string_view rest, const char* expected) {
    return fail(fmt::format("expected {} at byte {} of the structured data", expected,
                            all.size() - rest.size() + 1));
  }

  bool read_element(std::string_view all, std::string_view& rest) {
    const std::string_view id = read_name(rest);
    if (id.empty()) return fail_data(all, rest, "an SD-ID");
    if (rest.starts_with(']')) {
      data_.push_back(bool_value(RecordPart::kMetadata, id, true));
    }
    while (!rest.starts_with(']')) {
      if (!rest.starts_with(' ')) return fail_data(all, rest, "a space or `]`");
      rest = rest.substr(std::min(rest.find_first_not_of(' '), rest.size()));
      if (rest.starts_with(']')) break;  // rsyslog accepts it
      const std::string_view name = read_name(rest);
      if (name.empty() || !rest.starts_with("=\"")) return fail_data(all, rest, "NAME=\"value\"");
      rest.remove_prefix(2);
      const auto value = read_quoted(rest);
      if (!value) return fail_data(all, rest, "a quote that ends the value");
      data_.push_back(text_value(RecordPart::kMetadata,
                                 rows_.keep_name(fmt::format("{}.{}", id, name)), *value));
    }
    rest.remove_prefix(1);
    return true;
  }

  static std::string_view read_name(std::string_view& rest) {
    const size_t size = std::min(rest.find_first_of("= ]\""), rest.size());
    const std::string_view name = rest.substr(0, size);
    rest.remove_prefix(size);
    return name;
  }

  std::optional<std::string_view> read_quoted(std::string_view& rest) {
    size_t end = 0;
    bool escaped = false;
    for (; end < rest.size() && rest[end] != '"'; ++end) {
      if (rest[end] != '\\' || end + 1 == rest.size()) continue;
      escaped = true;
      ++end;
    }
    if (end >= rest.size()) return std::nullopt;
    const std::string_view value = rest.substr(0, end);
    rest.remove_prefix(end + 1);
    if (!escaped) return value;
    std::string plain;
    for (size_t i = 0; i < value.size(); ++i) {
      const bool escape = value[i] == '\\' && i + 1 < value.size() &&
                          std::string_view("\"\\]").find(value[i + 1]) != std::string_view::npos;
      plain += value[escape ? ++i : i];
    }
    return rows_.batch().keep(std::move(plain));
  }

  // Everything is accepted.
  bool read_rfc3164(std::string_view rest, bool has_priority) {
    if (has_priority) read_sequence(rest);
    const bool has_time = read_time(rest);
    if (!rest.starts_with('%') && has_time) read_host(rest);
    if (rest.starts_with('%')) {
      read_cisco_tag(rest);
    } else if (has_time || has_priority) {
      // Without both, this may be the next line of a text that was sent in one message.
      read_tag(rest);
    }
    values_[0].text = without_byte_order_mark(rest);
    return true;
  }

  // Cisco: `29: host: *Mar  1 18:46:11.123: %SYS-5-CONFIG_I: text`, each part but the last
  // optional.
  void read_sequence(std::string_view& rest) {
    const auto skip_spaces = [](std::string_view text) {
      return text.substr(std::min(text.find_first_not_of(' '), text.size()));
    };
    rest = skip_spaces(rest);
    for (;;) {
      const size_t digits = digit_count(rest);
      if (digits == 0 || digits > 18 || !rest.substr(digits).starts_with(": ")) break;
      int64_t number = 0;
      std::from_chars(rest.data(), rest.data() + digits, number);
      sequence_ = number;
      rest = skip_spaces(rest.substr(digits + 2));
    }
    if (!sequence_) return;
    const size_t colon = rest.find(": ");
    if (colon == rest.npos || rest[0] == '%' || !is_host(rest.substr(0, colon))) return;
    std::string_view after = skip_spaces(rest.substr(colon + 2));
    const std::string_view time = without_clock_mark(after);
    if (!after.starts_with('%') && !read_text_time(time, options_.now, options_.time.zone)) return;
    host_ = rest.substr(0, colon);
    rest = after;
  }

  // Of a clock that is not synchronised.
  static std::string_view without_clock_mark(std::string_view text) {
    return text.substr(text.starts_with('*') || text.starts_with('.') ? 1 : 0);
  }

  bool read_time(std::string_view& rest) {
    const std::string_view text = without_clock_mark(rest);
    const auto time = read_text_time(text, options_.now, options_.time.zone);
    if (!time) return false;
    std::string_view after = text.substr(time->end);
    if (!after.empty() && after[0] != ' ' && after[0] != ':') return false;
    time_ = time->time;
    after = without_zone_name(after);
    if (after.starts_with(':')) after.remove_prefix(1);
    rest = after.substr(std::min(after.find_first_not_of(' '), after.size()));
    return true;
  }

  // Cisco writes names like CET, which mean different zones in different places.
  static std::string_view without_zone_name(std::string_view text) {
    size_t at = 1;
    while (at < text.size() && is_upper(text[at])) ++at;
    const bool is_zone = text.starts_with(' ') && at > 2 && text.substr(at).starts_with(": %");
    return text.substr(is_zone ? at : 0);
  }

  void read_host(std::string_view& rest) {
    for (const std::string_view forwarded : {"Message forwarded from ", "Forwarded from "}) {
      if (!rest.starts_with(forwarded)) continue;
      const size_t end = rest.find(": ", forwarded.size());
      if (end == rest.npos || !is_host(rest.substr(forwarded.size(), end - forwarded.size())))
        break;
      host_ = rest.substr(forwarded.size(), end - forwarded.size());
      rest.remove_prefix(end + 2);
      return;
    }
    if (rest.starts_with("last message repeated ") || rest.starts_with("message repeated ")) return;
    std::string_view after = rest;
    const std::string_view word = next_word(after);
    if (after.empty() || !is_host(word)) return;
    host_ = word;
    rest = after.substr(std::min(after.find_first_not_of(' '), after.size()));
  }

  void read_tag(std::string_view& rest) {
    const SyslogTag tag = find_tag(rest);
    if (tag.size == 0) return;
    service_ = tag.name;
    process_ = tag.process;
    rest.remove_prefix(tag.size);
    if (rest.starts_with(' ')) rest.remove_prefix(1);
  }

  // `%FACILITY-SEVERITY-MNEMONIC: text`
  void read_cisco_tag(std::string_view& rest) {
    const size_t end = rest.find(':');
    const size_t dash = rest.find('-');
    if (end == rest.npos || dash > end || rest.substr(0, end).find(' ') != rest.npos) return;
    service_ = rest.substr(1, dash - 1);
    msgid_ = rest.substr(1, end - 1);
    rest.remove_prefix(end + 1);
    if (rest.starts_with(' ')) rest.remove_prefix(1);
  }

  void add_values(unsigned priority) {
    const auto add_tag = [&](std::string_view name, std::string_view value) {
      if (!value.empty()) values_.push_back(tag_value(RecordPart::kRecord, name, value));
    };
    values_.push_back(tag_value(RecordPart::kRecord, "level", kSeverities[priority % 8]));
    add_tag("facility", kFacilities[priority / 8]);
    add_tag("host", host_.empty() ? sender_ : host_);
    add_tag("service", service_);
    if (const auto pid = process_.empty() ? std::nullopt : read_count(process_)) {
      values_.push_back(i64_value(RecordPart::kRecord, "pid", *pid));
    } else if (!process_.empty()) {
      values_.push_back(text_value(RecordPart::kRecord, "procid", process_));
    }
    if (!msgid_.empty()) values_.push_back(text_value(RecordPart::kRecord, "msgid", msgid_));
    if (sequence_) values_.push_back(i64_value(RecordPart::kRecord, "sequence", *sequence_));
    values_.insert(values_.end(), data_.begin(), data_.end());
  }

  // `buffer` holds the message.
  void unpack(std::string_view buffer) {
    std::string_view text = trimmed_start(values_[0].text);
    if (options_.syslog.unpack_json) {
      std::string_view json = text;
      if (json.starts_with(kCeeCookie)) json = trimmed_start(json.substr(kCeeCookie.size()));
      if (json.starts_with('{')) return unpack_json(json, buffer);
    }
    if (options_.syslog.unpack_logfmt && begins_as_logfmt(text)) unpack_logfmt(text);
  }

  void unpack_json(std::string_view text, std::string_view buffer) {
    thread_local JsonFlattener flattener;
    if (flattener.flatten(padded_line(text, buffer, rows_.batch())))
      add_unpacked(flattener.values());
  }

  // Only if all words are pairs: a sentence may have a `=`, too.
  void unpack_logfmt(std::string_view text) {
    pairs_.clear();
    if (!read_logfmt(text, rows_.batch(), pairs_).empty()) return;
    const char* const end = text.data() + text.size();
    const bool has_word = std::any_of(pairs_.begin(), pairs_.end(), [&](const JsonValue& value) {
      const char* const after = value.path.data() + value.path.size();
      return after == end || *after != '=';
    });
    if (!has_word) add_unpacked(pairs_);
  }

  void add_unpacked(const std::vector<JsonValue>& values) {
    bool has_message = false;
    for (const JsonValue& value : values) add_unpacked(value, has_message);
  }

  // The message and the level of the event itself count; syslog's are those of its transport.
  void add_unpacked(const JsonValue& value, bool& has_message) {
    const bool is_text = value.kind == JsonValue::Kind::kString;
    const std::string_view text = value.escaped ? rows_.batch().copy(value.text) : value.text;
    if (is_text && (value.path == "message" || value.path == "msg") && !has_message) {
      has_message = true;
      values_[0].text = text;
      return;
    }
    if (is_text && value.path == "level") {
      values_[1].text = text;
      return;
    }
    const std::string_view name = rows_.keep_name(std::string(value.path));
    constexpr RecordPart kPart = RecordPart::kBody;
    switch (value.kind) {
      case JsonValue::Kind::kI64: return values_.push_back(i64_value(kPart, name, value.i64));
      case JsonValue::Kind::kU64: return values_.push_back(u64_value(kPart, name, value.u64));
      case JsonValue::Kind::kF64: return values_.push_back(f64_value(kPart, name, value.f64));
      case JsonValue::Kind::kBool: return values_.push_back(bool_value(kPart, name, value.boolean));
      case JsonValue::Kind::kHuge:
      case JsonValue::Kind::kArray:
      case JsonValue::Kind::kString: break;
    }
    values_.push_back(is_text && is_usual_tag(name) ? tag_value(kPart, name, text)
                                                    : text_value(kPart, name, text));
  }

  RecordRows& rows_;
  const ParseOptions& options_;
  const std::string_view sender_;
  // Of the current message.
  std::optional<Timestamp> time_;
  std::string_view host_, service_, process_, msgid_;
  std::optional<int64_t> sequence_;
  std::vector<RecordValue> values_;  // the first two are the message and the level
  std::vector<RecordValue> data_;    // structured data
  std::vector<JsonValue> pairs_;     // of logfmt
};

}  // namespace

Status parse_syslog(std::string_view body, RecordRows& rows) {
  SyslogReader reader(rows);
  while (const auto frame = next_frame(body)) {
    if (frame->kind == SyslogFrame::Kind::kMessage) {
      reader.read(frame->text);
    } else {
      rows.reject_line(reason_of(frame->kind), frame->text);
    }
  }
  if (!body.empty()) return fail(ErrorCode::kInvalid, "the body ends inside a frame");
  return {};
}

void parse_syslog_message(std::string_view message, RecordRows& rows) {
  SyslogReader(rows).read(message);
}

// Its `header` lists the options of syslog.
LineOrigin syslog_origin(const ParseOptions& options) {
  LineOrigin origin = origin_of(kOriginSyslog, options);
  const SyslogOptions& syslog = options.syslog;
  origin.header = "host=" + syslog.host;
  if (syslog.unpack_json) origin.header += " unpack=json";
  if (syslog.unpack_logfmt) origin.header += " unpack=logfmt";
  return origin;
}

SyslogOptions syslog_options_of(const LineOrigin& origin) {
  SyslogOptions options;
  for (std::string_view rest = origin.header; !rest.empty();) {
    const std::string_view word = next_word(rest);
    if (word.starts_with("host=")) options.host = word.substr(5);
    if (word == "unpack=json") options.unpack_json = true;
    if (word == "unpack=logfmt") options.unpack_logfmt = true;
  }
  return options;
}

}  // namespace tocsin
