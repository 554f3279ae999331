// Time: timestamps and durations in nanoseconds, their text forms, time zones and clocks.
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

/// A zone of the IANA database, or UTC. Cheap to copy; safe to use from several threads.
class TimeZone {
 public:
  TimeZone();  ///< UTC
  /// kNotFound when the system has no zone of that name.
  static Result<TimeZone> load(const std::string& name);

  const std::string& name() const;
  /// Local time minus UTC at `t`.
  Duration offset_at(Timestamp t) const;
  /// The instant at which the zone's clocks show `local` (nanoseconds since 1970-01-01T00:00 local
  /// time). In a repeated hour this is the earlier instant; in a skipped hour it is the instant of
  /// the change. Clamped to kTimeMin and kTimeMax.
  Timestamp from_local(int64_t local) const;

  /// A period without a clock change.
  struct Period {
    Timestamp start = kTimeMin;  ///< the clock change that begins it; kTimeMin if there is none
    Duration offset = 0;         ///< local time minus UTC
    Duration set_back = 0;       ///< how far clocks were set back at `start`; forward is negative
  };
  Period period_at(Timestamp t) const;
  /// The first clock change after `t`, or kTimeMax if there is none.
  Timestamp next_change(Timestamp t) const;

 private:
  struct Impl;
  std::shared_ptr<const Impl> impl_;  // shared by copies; immutable
};

/// The start of the bucket of length `width` that holds `t`. Buckets are aligned to the epoch in
/// local time: one begins when the zone's clocks first show a multiple of the width, or skip it. In
/// a repeated hour, buckets no longer than the repetition start again; longer ones continue through
/// it. The result is at most `t`, is its own bucket start, and never decreases as `t` grows. It is
/// clamped to kTimeMin.
/// Requires: width > 0.
Timestamp bucket_start(Timestamp t, Duration width, const TimeZone& zone);
/// The start of the bucket after the one that holds `t`, or kTimeMax if there is none.
/// Requires: width > 0.
Timestamp next_bucket_start(Timestamp t, Duration width, const TimeZone& zone);

/// `2026-11-24T10:04:05.123456789Z`, always with nine digits, as in the JSON results of queries.
std::string format_time(Timestamp t);
/// The same without trailing zeros in the fraction: `2026-11-24T10:04:05Z`.
std::string format_time_short(Timestamp t);
/// `1h30m`, `500ms`, `0s`, `-5m`: the shortest form that parses back to the same value.
std::string format_duration(Duration d);

/// Parses all of `text`: RFC 3339 with a zone (and `T` or a space between date and time), or a bare
/// date, which means midnight in `zone`. kInvalid says what is expected.
Result<Timestamp> parse_time(std::string_view text, const TimeZone& zone = TimeZone());
/// Parses the longest time literal at the start of `text` and sets `length` to its length in bytes.
/// Returns nothing if there is none.
std::optional<Timestamp> parse_time_prefix(std::string_view text, const TimeZone& zone,
                                           size_t& length);
/// Parses all of `text`, like `1h30m`: numbers, whole or decimal, with units ns us ms s m h d w.
Result<Duration> parse_duration(std::string_view text);
/// Parses the longest duration at the start of `text`, like parse_time_prefix.
std::optional<Duration> parse_duration_prefix(std::string_view text, size_t& length);

/// A source of the current time. Implementations are safe to call from any thread.
class Clock {
 public:
  virtual ~Clock() = default;
  /// The time of day, which may be wrong and can be set forward and back at any moment.
  virtual Timestamp now() const = 0;
  /// The time that has passed since an unspecified moment. Nobody can set it, and it stands still
  /// while the machine sleeps. For pauses, timeouts and ages within one process.
  virtual Duration running() const = 0;
};

class SystemClock final : public Clock {
 public:
  Timestamp now() const override;
  Duration running() const override;
};

/// A clock that changes only when the test says so, for tests and backtests.
class ManualClock final : public Clock {
 public:
  explicit ManualClock(Timestamp t = 0) : now_(t) {}
  Timestamp now() const override { return now_.load(); }
  Duration running() const override { return running_.load(); }
  /// Time passes until `t`. An earlier `t` only sets the clock back.
  void set(Timestamp t) {
    const Timestamp before = now_.exchange(t);
    if (t > before) running_ += t - before;
  }
  /// Somebody sets the clock to `t`; no time passes.
  void jump_to(Timestamp t) { now_.store(t); }

 private:
  std::atomic<Timestamp> now_;
  std::atomic<Duration> running_{0};
};

}  // namespace tocsin
