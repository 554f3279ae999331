// The six kinds of anomalies, their labels, and the schedule that decides when they happen.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "db/base/result.h"
#include "db/base/time.h"
#include "tools/generate/label.h"
#include "tools/generate/random.h"

namespace tocsin::generate {

enum class AnomalyKind : uint8_t {
  kFailureRateSpike,    ///< failures are 4 to 10 times as frequent, for 30 to 60 minutes
  kMissingHeartbeat,    ///< the service logs nothing, for 10 to 30 minutes
  kHighResponseTime,    ///< P95 over 30 s or P99 over 60 s, for 15 to 40 minutes
  kTransactionTimeout,  ///< 30 to 60 % of started transactions never end, for 30 to 60 minutes
  kLogVolume,           ///< 4 times or a fifth of the usual events, for 30 to 60 minutes
  kDegradation,         ///< durations rise to 1.6 to 2.5 times over two thirds of 60 to 90 minutes
};
inline constexpr size_t kAnomalyKindCount = 6;

const char* name_of(AnomalyKind kind);  ///< `FAILURE_RATE_SPIKE`, ...
Result<AnomalyKind> parse_anomaly_kind(std::string_view text);

/// One injected anomaly. Its times are multiples of the tick.
struct Anomaly {
  AnomalyKind kind = AnomalyKind::kFailureRateSpike;
  size_t service = 0;  ///< index into services()
  TimeRange range;
  double strength = 0;     ///< factor, or share for kTransactionTimeout
  bool tail_only = false;  ///< kHighResponseTime: affects P99 only, not P95

  /// For kDegradation, which rises for two thirds of its length: the share of the rise at `t`, in
  /// [0, 1].
  double progress(Timestamp t) const;
};

Label label_of(const Anomaly& anomaly);

struct AnomalyScheduleOptions {
  uint64_t seed = 1;
  Timestamp start = 0;  ///< no anomaly begins before
  Duration tick = 5 * kSecond;
  double rate = 0.05;  ///< share of (service, hour) slots in which an anomaly begins
};

/// Higher rates are incompatible with the distance.
inline constexpr double kAnomalyRateMax = 0.25;
/// From the end of an anomaly to the start of the next one of the same service.
inline constexpr Duration kAnomalyDistance = 2 * kHour;

/// Draws anomalies hour by hour. The same options always make the same schedule, however it is
/// extended.
class Schedule {
 public:
  explicit Schedule(const AnomalyScheduleOptions& options);

  /// Draws every anomaly that begins before `t`.
  void extend(Timestamp t);
  /// All anomalies drawn so far, sorted by the hour of their start.
  const std::vector<Anomaly>& anomalies() const { return anomalies_; }

 private:
  void draw_hour();
  AnomalyKind next_kind();

  AnomalyScheduleOptions options_;
  double start_chance_ = 0;  ///< probability, for a slot in which an anomaly may begin
  Random random_;
  Timestamp next_hour_ = 0;
  std::vector<Timestamp> free_from_;  ///< by service: earliest start of its next anomaly
  /// Shuffled, so that all kinds are equally frequent.
  std::array<AnomalyKind, kAnomalyKindCount> bag_;
  size_t bag_used_ = kAnomalyKindCount;
  std::vector<Anomaly> anomalies_;
};

/// An anomaly of that kind that starts at `start`, with random strength and length.
Anomaly draw_anomaly(Random& random, AnomalyKind kind, size_t service, Timestamp start,
                     Duration tick);

}  // namespace tocsin::generate
