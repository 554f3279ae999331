// A world as data: services, what happens to them, and their names and wording.
#pragma once

#include <string>
#include <vector>

#include "tools/generate/estate.h"
#include "tools/generate/worlds/course.h"
#include "tools/generate/worlds/rhythm.h"

namespace tocsin::generate {

struct Service {
  ServiceProfile profile;  ///< `share` is unused; `host_count` is the maximum
  Rhythm rhythm;
  /// Shares of the arrivals; the others are transactions, which have three events on average.
  double audit_share = 0.3, performance_share = 0.4;
  double pareto = 0;           ///< > 0: exponent of the tail of durations, instead of a lognormal
  double retry_chance = 0;     ///< of a failed request, up to three times
  double events_per_host = 0;  ///< > 0: hosts come and go with the traffic; per hour
  uint16_t late_host = 0;      ///< its events arrive `late_by` later; 0: none
  Duration late_by = 0;
  TimeRange life;         ///< no events outside; a service that ends is retired or renamed
  std::string end_cause;  ///< why it ends, for the label
};

struct World {
  uint64_t seed = 1;
  Timestamp birth = 0;
  Calendar calendar;
  std::vector<Service> services;
  std::vector<Wording> wordings;
  std::vector<Course> courses;
};

/// Arrivals are requests and transactions: what the tests of significance count.
inline double events_per_arrival(const Service& service) {
  return 1 + 2 * (1 - service.audit_share - service.performance_share);
}

}  // namespace tocsin::generate
