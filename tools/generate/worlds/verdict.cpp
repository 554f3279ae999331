// One test per kind of incident.
#include "tools/generate/worlds/verdict.h"

#include <algorithm>
#include <cmath>

#include "tools/generate/draw.h"
#include "tools/generate/worlds/significance.h"

namespace tocsin::generate {
namespace {

constexpr double kDegradedPart = 1.0 / 3;  // in which a degradation has reached its strength

/// Usual arrivals of the service.
double arrivals_in(const Timeline& timeline, size_t service, TimeRange range) {
  double sum = 0;
  for (Timestamp t = range.start; t < range.end; t += kMinute)
    sum += timeline.usual_arrivals_per_hour(service, t) / 60;
  return sum;
}

/// The state of events in the scope of `seen`, at `t`.
EventState state_in(const World& world, const Timeline& timeline, const Incident& seen,
                    Timestamp t) {
  EventState state = usual_state(world.services[seen.service]);
  for (const Incident& other : timeline.of(seen.service)) {
    if (other.range.contains(t) && (other.scope.whole() || other.scope == seen.scope))
      state.apply(other, t);
  }
  return state;
}

double volume_at(const Timeline& timeline, size_t service, Timestamp t) {
  double volume = 1;
  for (const Incident& incident : timeline.of(service)) {
    if (incident.range.contains(t)) volume *= incident.effect.volume;
  }
  return volume;
}

double deviation_of_log(const Service& service) {
  return service.pareto > 0 ? 1 / service.pareto : service.profile.sigma;
}

/// The share of durations over `limit_ms`, for lognormal durations of the median transaction.
double share_over(const Service& service, const EventState& state, double limit_ms) {
  const double sigma = service.profile.sigma;
  double median = service.profile.median_ms * state.slowness;
  if (state.p95_ms > 0) median = state.p95_ms / std::exp(sigma * kNormalP95);
  const double usual = normal_at_least(std::log(limit_ms / median) / sigma);
  if (state.tail_ms <= 0) return usual;
  const double reached = std::clamp((1.1 - limit_ms / state.tail_ms) / 0.2, 0.0, 1.0);
  return usual + kTailShare * reached;
}

/// Whether seeing none of `mean` expected events is improbable enough.
bool absence_shows(double mean) { return poisson_below(1, mean) < kAlpha; }

}  // namespace

bool is_provable(const World& world, const Timeline& timeline, const Incident& incident,
                 TimeRange range) {
  if (incident.service == kEveryService) {
    double total = 0;
    for (size_t i = 0; i < world.services.size(); ++i) {
      if (!timeline.silent(i, range.start - kMinute)) total += arrivals_in(timeline, i, range);
    }
    return absence_shows(total);
  }
  const Service& service = world.services[incident.service];
  const Timestamp before_time = range.start - kMinute;
  const EventState before = state_in(world, timeline, incident, before_time);
  const EventState during = state_in(world, timeline, incident, range.end - kMinute);
  const double volume_before = volume_at(timeline, incident.service, before_time);
  const double volume_during = volume_at(timeline, incident.service, range.end - kMinute);
  const double usual =
      arrivals_in(timeline, incident.service, range) * share_of(incident.scope, service);
  const double arrivals = usual * volume_during;
  const auto trials = static_cast<uint64_t>(arrivals);
  const double transactions = 1 - service.audit_share - service.performance_share;
  switch (incident.kind) {
    case IncidentKind::kFailureRateSpike:
      return share_rises(trials, before.failure_rate, during.failure_rate);
    case IncidentKind::kMissingHeartbeat: return absence_shows(usual * volume_before);
    case IncidentKind::kClockSkew: return absence_shows(arrivals);
    case IncidentKind::kHighResponseTime: {
      const double limit = during.tail_ms > 0 ? kP99ThresholdMs : kP95ThresholdMs;
      return share_rises(trials, share_over(service, before, limit),
                         share_over(service, during, limit));
    }
    case IncidentKind::kTransactionTimeout:
      return share_rises(static_cast<uint64_t>(arrivals * transactions), before.unfinished,
                         during.unfinished);
    case IncidentKind::kLogVolume:
      return count_differs(usual * volume_before, usual * volume_during);
    case IncidentKind::kDegradation:
      return mean_rises(arrivals * (incident.effect.rises ? kDegradedPart : 1),
                        std::log(during.slowness / before.slowness), deviation_of_log(service));
    case IncidentKind::kNewPattern: {
      const double of_outcome =
          during.message_fails ? during.failure_rate : 1 - during.failure_rate;
      return absence_shows(arrivals * of_outcome * during.message_share);
    }
    case IncidentKind::kPatternGone: return false;     // always optional
    case IncidentKind::kCollectorSilent: return true;  // of every service: decided above
  }
  return false;
}

}  // namespace tocsin::generate
