// Recall, precision and their relatives, summed over worlds and seeds.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "tools/detection/match.h"

namespace tocsin::detection {

/// `hits` of `total`.
struct Share {
  uint64_t hits = 0, total = 0;

  double value() const;  ///< 1 of nothing
};

/// The 95 % confidence interval of a share by Wilson's score: E. B. Wilson, "Probable inference,
/// the law of succession, and statistical inference", JASA 22 (1927).
struct Interval {
  double low = 0, high = 1;
};
Interval wilson(const Share& share);

/// Of one kind, or of all.
struct KindFigures {
  uint64_t label_count = 0;  ///< that begin in the evaluated time, except quiet ones
  uint64_t weak_count = 0, optional_count = 0;
  uint64_t found = 0, noticed = 0, counted = 0;
  uint64_t right = 0, part = 0, wrong = 0;  ///< alerts by verdict
  uint64_t incidents = 0;                   ///< with an alert
  uint64_t incident_alerts = 0;             ///< the alerts about these
  std::vector<Duration> delays;
  /// Of the first alerts about incidents that count: with the cause named first, and, without a
  /// cause, with nothing named.
  Share named, unnamed;

  Share recall() const { return {found, counted}; }
  uint64_t alerts() const { return right + part + wrong; }
  /// An alert of another kind about an incident is not false.
  Share precision() const { return {right + part, alerts()}; }
  double alerts_per_incident() const;
  Duration delay(double quantile) const;  ///< 0 if nothing was found

  void add(const KindFigures& other);
};

struct Figures {
  std::map<std::string, KindFigures> kinds;
  double service_days = 0;
  double days = 0;

  KindFigures all() const;
  void add(const Figures& other);
};

/// Labels that share service and time, such as the two of a release, are one incident.
Figures figures_of(const Judgement& judgement, TimeRange evaluated, size_t service_count);

/// The goals of a world. Without incidents (`clean`), it has to stay silent.
inline constexpr double kRecallMin = 0.95;
inline constexpr double kPrecisionMin = 0.95;
inline constexpr double kAlertsPerIncidentMax = 1.3;
inline constexpr double kFalsePerServiceDayMax = 1.0 / 20;
inline constexpr double kFalsePerDayMax = 1.0 / 7;

/// Each goal that the figures miss, with its number; empty if none. Recall is checked by kind.
std::vector<std::string> missed_goals(const Figures& figures, bool clean);

}  // namespace tocsin::detection
