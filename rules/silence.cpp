// When silences hold, for which alerts, and their JSON form.
#include "rules/silence.h"

#include <algorithm>

#include <fmt/format.h>
#include <simdjson.h>

#include "db/base/json.h"

namespace tocsin {
namespace {

bool is_running(const Silence& silence, Timestamp t) {
  if (!silence.schedule) return true;
  const auto start = silence.schedule->last_start(t - silence.repeat_for, t, silence.zone);
  return start && t < *start + silence.repeat_for;
}

Status check_text(std::string_view name, const std::string& text) {
  if (text.size() <= kSilenceTextBytesMax) return {};
  return fail(ErrorCode::kInvalid,
              fmt::format("{} is longer than {} bytes; shorten it", name, kSilenceTextBytesMax));
}

using SilenceJson = simdjson::dom::element;

// Reads the keys of a silence and keeps the first error. A missing key leaves its value alone.
class SilenceReader {
 public:
  explicit SilenceReader(const SilenceJson& json) : json_(json) {}

  std::string error;

  void text(const char* key, std::string& out) {
    std::string_view value;
    if (const auto found = json_[key]; !is_missing(found)) {
      if (found.get_string().get(value)) return wrong(key, "a string");
      out = value;
    }
  }
  void time(const char* key, Timestamp& out) {
    std::string value;
    text(key, value);
    if (value.empty() || value.starts_with("0001-")) return;  // Go's zero time
    const Result<Timestamp> parsed = parse_time(value);
    if (!parsed) return wrong(key, "a time like 2026-11-24T10:00:00Z");
    out = *parsed;
  }
  void matchers(std::vector<LabelMatcher>& out) {
    simdjson::dom::array items;
    if (json_["matchers"].get_array().get(items)) return wrong("matchers", "a list of matchers");
    for (const SilenceJson& item : items) {
      std::string_view name, value;
      bool is_pattern = false, is_equal = true;
      const bool known = item["name"].get_string().get(name) == simdjson::SUCCESS &&
                         item["value"].get_string().get(value) == simdjson::SUCCESS &&
                         flag(item, "isRegex", is_pattern) && flag(item, "isEqual", is_equal);
      if (!known) return wrong("matchers", "objects with name, value, isRegex and isEqual");
      Result<LabelMatcher> matcher =
          make_label_matcher(std::string(name), std::string(value), !is_equal, is_pattern);
      if (!matcher) return note(matcher.error().message);
      if (out.size() == kSilenceMatchersMax) {
        return note(fmt::format("a silence has at most {} matchers", kSilenceMatchersMax));
      }
      out.push_back(*std::move(matcher));
    }
  }
  void schedule(Silence& out) {
    std::string cron, length, zone;
    text("schedule", cron);
    text("for", length);
    text("zone", zone);
    if (!zone.empty()) {
      Result<TimeZone> loaded = TimeZone::load(zone);
      if (!loaded) return wrong("zone", "an IANA time zone name like Europe/Berlin");
      out.zone = *std::move(loaded);
    }
    if (cron.empty()) return;
    Result<CronSchedule> schedule = CronSchedule::parse(cron);
    if (!schedule) return note("schedule: " + schedule.error().message);
    out.schedule = *std::move(schedule);
    const Result<Duration> duration = parse_duration(length);
    if (!duration) return wrong("for", "a duration like 2h, with `schedule`");
    out.repeat_for = *duration;
  }

 private:
  template <class Found>
  static bool is_missing(const Found& found) {
    return found.error() == simdjson::NO_SUCH_FIELD || found.is_null();
  }
  static bool flag(const SilenceJson& item, const char* key, bool& out) {
    const auto found = item[key];
    return is_missing(found) || found.get_bool().get(out) == simdjson::SUCCESS;
  }
  void wrong(const char* key, const char* expected) {
    note(fmt::format("{}: expected {}", key, expected));
  }
  void note(std::string message) {
    if (error.empty()) error = std::move(message);
  }

  const SilenceJson& json_;
};

std::string matcher_json(const LabelMatcher& matcher) {
  return fmt::format(R"({{"name":{},"value":{},"isRegex":{},"isEqual":{}}})",
                     json_quote(matcher.name), json_quote(matcher.value),
                     matcher.pattern != nullptr, !matcher.negated);
}

}  // namespace

const char* name_of(SilenceState state) {
  switch (state) {
    case SilenceState::kPending: return "pending";
    case SilenceState::kActive: return "active";
    case SilenceState::kExpired: return "expired";
  }
  return "unknown";
}

SilenceState state_at(const Silence& silence, Timestamp t) {
  if (t >= silence.until) return SilenceState::kExpired;
  return t >= silence.from && is_running(silence, t) ? SilenceState::kActive
                                                     : SilenceState::kPending;
}

MatchLabels match_labels(const AlertEvent& event) {
  MatchLabels out = event.labels;
  if (!event.service.empty()) out["service"] = event.service;
  out["alertname"] = event.rule;
  out["type"] = event.type;
  out["severity"] = name_of(event.severity);
  out["fingerprint"] = event.fingerprint;
  return out;
}

bool covers(const Silence& silence, const SilencedAlert& alert) {
  if (!silence.is_acknowledgement()) return all_match(silence.matchers, alert.labels);
  return silence.fingerprint == alert.fingerprint && silence.firing_since == alert.firing_since;
}

std::vector<const Silence*> active_silences(const std::vector<Silence>& silences, Timestamp t) {
  std::vector<const Silence*> out;
  for (const Silence& silence : silences) {
    if (state_at(silence, t) == SilenceState::kActive) out.push_back(&silence);
  }
  return out;
}

void add_silences(const std::vector<const Silence*>& active, const SilencedAlert& alert,
                  HeldBack& out) {
  for (const Silence* silence : active) {
    if (!covers(*silence, alert)) continue;
    if (silence->is_acknowledgement()) {
      out.acknowledged_by = silence->owner;
    } else if (out.silenced_by.size() < kSilencedByMax) {
      out.silenced_by.push_back(silence->id);
    }
  }
}

Status check_silence(const Silence& silence) {
  const bool selects =
      std::any_of(silence.matchers.begin(), silence.matchers.end(),
                  [](const LabelMatcher& matcher) { return !matcher.matches(""); });
  if (!selects) {
    return fail(ErrorCode::kInvalid,
                "a silence needs a matcher that does not match the empty text, like "
                "service=\"pay\"");
  }
  if (silence.matchers.size() > kSilenceMatchersMax) {
    return fail(ErrorCode::kInvalid,
                fmt::format("a silence has at most {} matchers", kSilenceMatchersMax));
  }
  for (const LabelMatcher& matcher : silence.matchers) {
    if (matcher.name.empty()) return fail(ErrorCode::kInvalid, "a matcher needs a label's name");
    TOCSIN_RETURN_IF_ERROR(check_text("a matcher's label", matcher.name));
    TOCSIN_RETURN_IF_ERROR(check_text("a matcher's value", matcher.value));
  }
  TOCSIN_RETURN_IF_ERROR(check_text("the owner", silence.owner));
  TOCSIN_RETURN_IF_ERROR(check_text("the comment", silence.comment));
  if (silence.until <= silence.from) {
    return fail(ErrorCode::kInvalid, "a silence must end after it starts; change its end");
  }
  if (silence.schedule && (silence.repeat_for < kMinute || silence.repeat_for > kSilenceRepeatMax))
    return fail(ErrorCode::kInvalid,
                fmt::format("`for` of a recurring silence must be from 1m to {}",
                            format_duration(kSilenceRepeatMax)));
  return {};
}

std::string silence_json(const Silence& silence, Timestamp now) {
  std::vector<std::string> matchers;
  for (const LabelMatcher& matcher : silence.matchers) matchers.push_back(matcher_json(matcher));
  std::string more;
  if (silence.schedule) {
    more +=
        fmt::format(R"(,"schedule":{},"for":"{}","zone":{})", json_quote(silence.schedule->text()),
                    format_duration(silence.repeat_for), json_quote(silence.zone.name()));
  }
  if (silence.is_acknowledgement()) {
    more += fmt::format(R"(,"fingerprint":{},"firingSince":"{}")", json_quote(silence.fingerprint),
                        format_time(silence.firing_since));
  }
  if (!silence.file.empty()) more += ",\"file\":" + json_quote(silence.file);
  return fmt::format(
      R"({{"id":{},"status":{{"state":"{}"}},"matchers":{},"startsAt":"{}","endsAt":"{}",)"
      R"("updatedAt":"{}","createdBy":{},"comment":{}{}}})",
      json_quote(silence.id), name_of(state_at(silence, now)), json_array(matchers),
      format_time(silence.from), format_time(silence.until), format_time(silence.updated_at),
      json_quote(silence.owner), json_quote(silence.comment), more);
}

namespace {

Result<Silence> read_silence_json(const SilenceJson& root) {
  if (!root.is_object()) return fail(ErrorCode::kInvalid, "a silence must be a JSON object");
  Silence out;
  SilenceReader reader(root);
  reader.text("id", out.id);
  reader.matchers(out.matchers);
  reader.time("startsAt", out.from);
  reader.time("endsAt", out.until);
  reader.time("updatedAt", out.updated_at);
  reader.text("createdBy", out.owner);
  reader.text("comment", out.comment);
  reader.text("file", out.file);
  reader.text("fingerprint", out.fingerprint);
  reader.time("firingSince", out.firing_since);
  reader.schedule(out);
  if (reader.error.empty()) return out;
  return fail(ErrorCode::kInvalid, "silence: " + reader.error);
}

}  // namespace

Result<Silence> parse_silence(std::string_view json) {
  simdjson::dom::parser parser;
  SilenceJson root;
  if (const auto error = parser.parse(json.data(), json.size()).get(root)) {
    return fail(ErrorCode::kInvalid,
                fmt::format("not a silence in JSON: {}", simdjson::error_message(error)));
  }
  return read_silence_json(root);
}

Result<std::vector<Silence>> parse_silences(std::string_view json) {
  simdjson::dom::parser parser;
  simdjson::dom::array items;
  if (const auto error = parser.parse(json.data(), json.size()).get_array().get(items)) {
    return fail(ErrorCode::kInvalid,
                fmt::format("not a list of silences in JSON: {}", simdjson::error_message(error)));
  }
  std::vector<Silence> out;
  for (const SilenceJson& item : items) {
    TOCSIN_TRY(Silence silence, read_silence_json(item));
    out.push_back(std::move(silence));
  }
  return out;
}

}  // namespace tocsin
