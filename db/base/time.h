// Time: nanosecond timestamps and durations, their text forms, time zones, and clocks.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "db/base/result.h"

namespace tocsin {

using Timestamp = int64_t;  ///< nanoseconds since 1970-01-01T00:00:00Z
using Duration = int64_t;   ///< nanoseconds

inline constexpr Duration kMicrosecond = 1'000;
inline constexpr Duration kMillisecond = 1'000'000;
inline constexpr Duration kSecond = 1'000'000'000;
inline constexpr Duration kMinute = 60 * kSecond;
inline constexpr Duration kHour = 60 * kMinute;
inline constexpr Duration kDay = 24 * kHour;
inline constexpr Duration kWeek = 7 * kDay;
inline constexpr Timestamp kTimeMin = INT64_MIN;
inline constexpr Timestamp kTimeMax = INT64_MAX;

/// A half-open window [start, end) of time.
struct TimeRange {
  Timestamp start = kTimeMin;
  Timestamp end = kTimeMax;

  bool contains(Timestamp t) const { return start <= t && t < end; }
  bool overlaps(Timestamp min_time, Timestamp max_time) const {
    return min_time < end && max_time >= start;
  }
  bool operator==(const TimeRange&) const = default;
};

/// A zone of the IANA database, or UTC. Values are cheap to copy and safe to share.
class TimeZone {
 public:
  TimeZone();  ///< UTC
  /// kNotFound when the system has no zone of that name.
  static Result<TimeZone> load(const std::string& name);

  const std::string& name() const;
  /// Local time minus UTC at that instant.
  Duration offset_at(Timestamp t) const;
  /// The instant at which the zone's clocks show `local` (nanoseconds since 1970-01-01T00:00
  /// local time); in a repeated hour the earlier one, in a gap the instant at which the clocks skip
  /// it. Ends at kTimeMin and kTimeMax.
  Timestamp from_local(int64_t local) const;

  /// A time without a change of the clocks.
  struct Period {
    Timestamp start = kTimeMin;  ///< the change before it; kTimeMin: there is none
    Duration offset = 0;         ///< local time minus UTC
    Duration set_back = 0;       ///< how far the clocks were set back at `start`; forward is < 0
  };
  Period period_at(Timestamp t) const;
  /// The first change of the clocks behind `t`; kTimeMax: there is none.
  Timestamp next_change(Timestamp t) const;

 private:
  struct Impl;
  std::shared_ptr<const Impl> impl_;  // shared by copies; immutable
};

/// The start of the bucket of that width which holds `t`, aligned to the epoch in local time: the
/// bucket begins when the zone's clocks first show a multiple of the width, or skip it. A repeated
/// hour begins buckets anew if they are no longer than it; longer ones go on through it. So the
/// start is at or before `t`, the start of itself, and never before that of an earlier time. What
/// would begin before kTimeMin begins there.
/// Requires: width > 0.
Timestamp bucket_start(Timestamp t, Duration width, const TimeZone& zone);
/// The first bucket_start behind `t`: no time from `t` up to it has another start than `t`.
/// kTimeMax when there is none. Requires: width > 0.
Timestamp next_bucket_start(Timestamp t, Duration width, const TimeZone& zone);

/// `2026-11-24T10:04:05.123456789Z`, always nine digits; what a query's JSON carries.
std::string format_time(Timestamp t);
/// The same without trailing zeros of the fraction: `2026-11-24T10:04:05Z`.
std::string format_time_short(Timestamp t);
/// `1h30m`, `500ms`, `0s`, `-5m`: the shortest form that parses back to the same value.
std::string format_duration(Duration d);

/// A whole text that is RFC 3339 with a zone (`T` or a blank between date and time), or a bare
/// date, which is midnight in `zone`. kInvalid names what is wrong.
Result<Timestamp> parse_time(std::string_view text, const TimeZone& zone = TimeZone());
/// The longest time literal that `text` begins with; its length in bytes is put into `length`.
/// Nothing when `text` does not begin with one.
std::optional<Timestamp> parse_time_prefix(std::string_view text, const TimeZone& zone,
                                           size_t& length);
/// A whole text like `1h30m`: numbers (whole or decimal) with units ns us ms s m h d w.
Result<Duration> parse_duration(std::string_view text);
/// The longest duration that `text` begins with, as above.
std::optional<Duration> parse_duration_prefix(std::string_view text, size_t& length);

/// Where the time comes from. Implementations are safe to call from any thread.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual Timestamp now() const = 0;
};

class SystemClock final : public Clock {
 public:
  Timestamp now() const override;
};

/// A clock that stands still until it is set: for tests, `rules test`, and backtests.
class ManualClock final : public Clock {
 public:
  explicit ManualClock(Timestamp t = 0) : now_(t) {}
  Timestamp now() const override { return now_.load(); }
  void set(Timestamp t) { now_.store(t); }

 private:
  std::atomic<Timestamp> now_;
};

}  // namespace tocsin
