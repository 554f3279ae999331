// The simulated company: its services, and their traffic over time.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "db/base/time.h"

namespace tocsin::generate {

struct TransactionProfile {
  std::string name;
  std::string action;   ///< its name in audit events
  double share = 0;     ///< of the service's events; a service's shares sum to 1
  double slowness = 1;  ///< times the service's median duration
};

struct ServiceProfile {
  std::string name;
  double share = 0;      ///< of all events; the shares sum to 1
  double median_ms = 0;  ///< of a request's duration
  double sigma = 0;      ///< standard deviation of the logarithm of the duration
  double failure_rate = 0;
  uint32_t host_count = 0;
  std::vector<TransactionProfile> transactions;
};

std::span<const ServiceProfile> services();
/// The index of the service, or services().size() if there is none of that name.
size_t find_service(std::string_view name);

/// The traffic of a service at `t`, with a long-term mean of 1: day and night (3 to 1), weekends
/// (0.6), random factors per day and per quarter-hour, and short bursts. Ignores anomalies. Depends
/// only on the arguments.
double traffic_at(uint64_t seed, size_t service, Timestamp t);

/// The part of traffic_at that repeats every week: from 0.34 to 1.7.
double weekly_rhythm(Timestamp t);

}  // namespace tocsin::generate
