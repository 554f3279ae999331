// Errors that are rare, counters that are usually zero, durations with heavy tails.
#include "tools/generate/worlds/topics.h"

namespace tocsin::generate {
namespace {

std::vector<IncidentShape> failure_incidents(Range minimum) {
  return {{.kind = IncidentKind::kFailureRateSpike,
           .minutes = {30, 240},
           .strength = {10, 50},
           .failure_min = minimum},
          {.kind = IncidentKind::kMissingHeartbeat, .minutes = {15, 120}}};
}

}  // namespace

void add_rare_errors(Builder& builder, int count) {
  for (int i = 0; i < count; ++i) {
    Service service = builder.draw_service();
    service.profile.failure_rate = Range{1e-4, 1e-3}.draw_log(builder.random());
    builder.add(std::move(service), failure_incidents({0.02, 0.15}));
  }
}

void add_zeros(Builder& builder, int count) {
  for (int i = 0; i < count; ++i) {
    Service service = builder.draw_service();
    const double arrivals_per_day =
        24 * service.rhythm.events_per_hour / events_per_arrival(service);
    service.profile.failure_rate = 1 / (arrivals_per_day * builder.draw(7, 28));
    builder.add(std::move(service), failure_incidents({0.02, 0.3}));
  }
}

void add_heavy_tails(Builder& builder, int count) {
  for (int i = 0; i < count; ++i) {
    Service service = builder.draw_service();
    service.profile.median_ms = Range{20, 200}.draw_log(builder.random());
    if (builder.chance(0.5))
      service.pareto = builder.draw(1.1, 2);
    else
      service.profile.sigma = builder.draw(1.2, 1.8);
    builder.add(
        std::move(service),
        {{.kind = IncidentKind::kDegradation, .minutes = {120, 300}, .strength = {2, 5}},
         {.kind = IncidentKind::kFailureRateSpike, .minutes = {30, 180}, .strength = {4, 15}},
         {.kind = IncidentKind::kMissingHeartbeat, .minutes = {15, 120}}});
  }
}

}  // namespace tocsin::generate
