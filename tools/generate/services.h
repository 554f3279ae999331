// The company that the generator plays: its services, and how busy they are at which hour.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "db/base/time.h"

namespace tocsin::generate {

struct TransactionProfile {
  std::string_view name;
  std::string_view action;  ///< what an audit event calls it
  double share = 0;         ///< of the service's events; a service's shares sum to 1
  double slowness = 1;      ///< times the service's median duration
};

struct ServiceProfile {
  std::string_view name;
  double share = 0;      ///< of all events; they sum to 1
  double median_ms = 0;  ///< of a request's duration
  double sigma = 0;      ///< of its logarithm
  double failure_rate = 0;
  uint32_t host_count = 0;
  std::vector<TransactionProfile> transactions;
};

std::span<const ServiceProfile> services();
/// The index of that service, or services().size().
size_t find_service(std::string_view name);

/// How busy a service is at `t`, 1 in the long mean: day and night (3 to 1), weekends (0.6), each
/// day's and each quarter-hour's own luck, and short bursts. Without anomalies. A function of its
/// arguments only.
double traffic_at(uint64_t seed, size_t service, Timestamp t);

/// The part of traffic_at that is the same every week: from 0.34 to 1.7.
double weekly_rhythm(Timestamp t);

}  // namespace tocsin::generate
