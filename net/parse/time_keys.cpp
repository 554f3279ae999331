#include "net/parse/time_keys.h"

#include <algorithm>

#include <fmt/format.h>

#include "db/base/ascii.h"
#include "net/parse/line_errors.h"
#include "net/parse/number.h"

namespace tocsin {
namespace {

/// By priority. The first kDroppedCount have always been recognised.
constexpr std::array<std::string_view, 45> kUsualKeys = {
    "time",
    "_time",
    "timestamp",
    "@timestamp",
    "ts",
    "date",
    "log_timestamp",
    "DATE",
    "@t",         // Serilog, compact
    "instant",    // Log4j 2
    "asctime",    // Python
    "eventTime",  // AWS CloudTrail, Kubernetes
    "EventTime",
    "event_time",
    "eventTimestamp",
    "event_timestamp",
    "time_iso8601",  // nginx
    "time_local",
    "msec",                  //
    "StartUTC",              // Traefik
    "__REALTIME_TIMESTAMP",  // the journal of systemd
    "timeMillis",            // Log4j 2, older
    "time_unix_nano",
    "timeUnixNano",
    "observedTimeUnixNano",      // OpenTelemetry
    "requestReceivedTimestamp",  // Kubernetes audit
    "TimeGenerated",
    "TimeCreated",         // Azure, Windows
    "EdgeStartTimestamp",  // Cloudflare
    "Timestamp",
    "TIMESTAMP",
    "timeStamp",
    "time_stamp",
    "@time",
    "Time",
    "TIME",
    "Date",
    "datetime",
    "dateTime",
    "DateTime",
    "date_time",
    "unixtime",
    "unix_time",
    "epoch",
    "t"};  // MongoDB: {"$date"}
constexpr size_t kDroppedCount = 8;
constexpr Timestamp kGuessedTimeMin = 1'000'000'000 * kSecond;  // 2001-09-09
constexpr size_t kKeyBytesMax = 24;                             // of a usual key
constexpr size_t kShownKeysMax = 12;

/// Objects that state a time, flattened.
struct TimeObject {
  std::string_view seconds;
  std::string_view nanos;
};
constexpr std::array<TimeObject, 5> kTimeObjects = {{{".seconds", ".nanos"},  // Protocol Buffers
                                                     {"._seconds", "._nanoseconds"},
                                                     {".epochSecond", ".nanoOfSecond"},  // Java
                                                     {".$date", ""},                     // MongoDB
                                                     {".$date.$numberLong", ""}}};

/// The usual keys by length, since lengths differ more than anything else.
struct UsualKeys {
  std::array<std::vector<std::pair<std::string_view, size_t>>, kKeyBytesMax + 1> by_size;

  UsualKeys() {
    for (size_t rank = 0; rank < kUsualKeys.size(); ++rank) {
      by_size[kUsualKeys[rank].size()].emplace_back(kUsualKeys[rank], rank);
    }
  }
};

bool is_bare_date(const TimeCandidate& candidate) {
  return candidate.is_text && candidate.text.size() == 10 &&
         candidate.text.find(':') == candidate.text.npos && candidate.text[4] == '-';
}

// `09:15:04`, which is the time of a date under another key.
bool is_time_of_day(const TimeCandidate& candidate) {
  const std::string_view text = candidate.text;
  return candidate.is_text && text.size() >= 5 && is_digit(text[0]) && is_digit(text[1]) &&
         text[2] == ':' && is_digit(text[3]) && is_digit(text[4]);
}

}  // namespace

Result<TimeOptions> read_time_options(TimeSettings settings) {
  TimeOptions options;
  TOCSIN_TRY(options.layout, TimeLayout::parse(settings.layout));
  TOCSIN_TRY(options.zone, TimeZone::load(settings.zone));
  options.keys = std::move(settings.keys);
  return options;
}

TimeKeys::TimeKeys(const TimeOptions& options) : options_(options) {}

bool TimeKeys::drops(size_t rank) const { return are_named() || rank < kDroppedCount; }

std::optional<size_t> TimeKeys::rank_of(std::string_view key) const {
  if (are_named()) {
    const auto it = std::find(options_.keys.begin(), options_.keys.end(), key);
    if (it == options_.keys.end()) return std::nullopt;
    return static_cast<size_t>(it - options_.keys.begin());
  }
  static const UsualKeys usual;
  if (key.size() > kKeyBytesMax) return std::nullopt;
  for (const auto& [name, rank] : usual.by_size[key.size()]) {
    if (name == key) return rank;
  }
  return std::nullopt;
}

std::optional<TimeKeys::Place> TimeKeys::place_of(std::string_view path) const {
  if (const auto rank = rank_of(path)) return Place{*rank, true, false, {}};
  if (path.find('.') == path.npos) return std::nullopt;
  for (const TimeObject& object : kTimeObjects) {
    if (!path.ends_with(object.seconds)) continue;
    const std::string_view key = path.substr(0, path.size() - object.seconds.size());
    const auto rank = rank_of(key);
    if (!rank) continue;
    if (object.nanos.empty()) return Place{*rank, false, false, {}};
    return Place{*rank, false, true, std::string(key) + std::string(object.nanos)};
  }
  return std::nullopt;
}

std::optional<Timestamp> TimeKeys::read_integer(int64_t value, std::string_view text) const {
  if (!options_.layout.is_auto()) return options_.layout.read(text, options_.zone);
  const auto time = scale_time(value, 0);
  if (time && !are_named() && *time < kGuessedTimeMin) return std::nullopt;
  return time;
}

std::optional<Timestamp> TimeKeys::read(const TimeCandidate& candidate) const {
  if (candidate.has_seconds) return read_pair(candidate);
  if (!options_.layout.is_auto()) return options_.layout.read(candidate.text, options_.zone);
  const auto time = candidate.is_text ? parse_text_time(candidate.text, options_.zone)
                                      : parse_numeric_time(candidate.text);
  if (time && !are_named() && *time < kGuessedTimeMin &&
      (!candidate.is_text || parse_numeric_time(candidate.text))) {
    return std::nullopt;
  }
  return time;
}

std::optional<Timestamp> TimeKeys::read_pair(const TimeCandidate& candidate) const {
  const auto seconds = parse_i64(candidate.text);
  const auto nanos =
      candidate.nanos.empty() ? std::optional<int64_t>(0) : parse_i64(candidate.nanos);
  if (!seconds || !nanos || *nanos < 0 || *nanos >= kSecond) return std::nullopt;
  const auto time = scale_time(*seconds, kSecond);
  Timestamp sum = 0;
  if (!time || __builtin_add_overflow(*time, *nanos, &sum)) return std::nullopt;
  return sum;
}

std::optional<FoundTime> TimeKeys::choose(std::span<const TimeCandidate> candidates) const {
  const TimeCandidate* date = nullptr;
  Timestamp midnight = 0;
  const auto found = [&](const TimeCandidate& candidate, Timestamp time) {
    const bool drop = candidate.whole && drops(candidate.rank);
    return FoundTime{time, drop ? candidate.index : FoundTime::kNone};
  };
  for (const TimeCandidate& candidate : candidates) {
    const auto time = read(candidate);
    if (!time) continue;
    if (!is_bare_date(candidate)) return found(candidate, *time);
    if (date == nullptr) {
      date = &candidate;
      midnight = *time;
    }
  }
  if (date == nullptr) return std::nullopt;
  // Log files of web servers have the date and the time of day under two keys.
  for (const TimeCandidate& candidate : candidates) {
    if (!is_time_of_day(candidate)) continue;
    const std::string both = fmt::format("{}T{}", date->text, candidate.text);
    if (const auto time = parse_text_time(both, options_.zone)) return FoundTime{*time};
  }
  return found(*date, midnight);
}

std::string TimeKeys::invalid_time(std::string_view value, std::string_view key) const {
  return fmt::format("invalid time \"{}\" in key `{}`: expected {}",
                     value.substr(0, kShownBytesMax), key, options_.layout.expected());
}

void KeysText::add(std::string_view key, std::string_view value) {
  if (++count_ > kShownKeysMax) return;
  if (!text_.empty()) text_ += ", ";
  text_ += key.substr(0, kShownBytesMax);
  if (value.empty() || !time_keys_.place_of(key)) return;
  text_ += fmt::format(" (\"{}\" is not a time)", value.substr(0, kShownBytesMax));
}

std::string KeysText::text() const {
  if (count_ <= kShownKeysMax) return "keys: " + text_;
  return fmt::format("keys: {} and {} more", text_, count_ - kShownKeysMax);
}

}  // namespace tocsin
