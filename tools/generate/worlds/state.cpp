// Combines rhythm and incidents.
#include "tools/generate/worlds/state.h"

#include <algorithm>

#include "tools/generate/draw.h"

namespace tocsin::generate {
namespace {

constexpr double kRise = 2.0 / 3;  // of the length of a degradation
constexpr double kFailureMax = 0.9;
constexpr Duration kForgotten = 3 * kDay;  // the label of a service that ended

double risen(const Incident& incident, Timestamp t) {
  if (!incident.effect.rises) return 1;
  const auto length = static_cast<double>(incident.range.end - incident.range.start);
  return std::clamp(static_cast<double>(t - incident.range.start) / length / kRise, 0.0, 1.0);
}

/// A label alone: the life of the service does the rest.
Incident life_incident(const Service& service, size_t index, TimeRange range, bool begins) {
  Incident incident;
  incident.kind = IncidentKind::kMissingHeartbeat;
  incident.service = index;
  incident.range = range;
  Label label;
  if (!begins) label.kind = name_of(incident.kind);
  label.service = service.profile.name;
  label.range = range;
  label.cause = begins ? "new service" : service.end_cause;
  label.permanent = true;
  if (begins) label.duty = Duty::kQuiet;
  incident.labels.push_back(label);
  return incident;
}

}  // namespace

void EventState::apply(const Incident& incident, Timestamp t) {
  const Effect& effect = incident.effect;
  slowness *= 1 + (effect.slowness - 1) * risen(incident, t);
  failure_rate = std::max(failure_rate * effect.failure_factor, effect.failure_min);
  failure_rate = std::min(failure_rate, kFailureMax);
  unfinished = std::max(unfinished, effect.unfinished);
  if (effect.p95_ms > 0) p95_ms = effect.p95_ms;
  if (effect.tail_ms > 0) tail_ms = effect.tail_ms;
  if (effect.version != 0) version = effect.version;
  if (incident.scope.canary > 0) next_version = true;
  const bool release = effect.version != 0;
  if (effect.message == 0 || (release && message != 0)) return;  // an incident's message stays
  message = effect.message;
  message_share = effect.message_share;
  message_fails = effect.message_fails;
}

EventState usual_state(const Service& service) {
  EventState state;
  state.failure_rate = service.profile.failure_rate;
  state.unfinished = kAbandonedShare;
  return state;
}

double share_of(const Scope& scope, const Service& service) {
  double share = 1;
  if (scope.host != 0) share /= service.profile.host_count;
  if (scope.transaction >= 0)
    share *= service.profile.transactions[static_cast<size_t>(scope.transaction)].share;
  return scope.canary > 0 ? share * scope.canary : share;
}

Timeline::Timeline(const World& world, Timestamp first)
    : world_(world),
      first_(first - first % kMinute),
      slots_(world.courses.size()),
      by_service_(world.services.size()) {
  add_lives();
}

void Timeline::add_lives() {
  for (size_t i = 0; i < world_.services.size(); ++i) {
    const Service& service = world_.services[i];
    const TimeRange life = service.life;
    if (life.start > world_.birth)
      pending_.push_back(life_incident(service, i, {life.start, life.start + kSettled}, true));
    if (life.end < kTimeMax)
      pending_.push_back(life_incident(service, i, {life.end, life.end + kForgotten}, false));
  }
}

void Timeline::extend(Timestamp t) {
  for (size_t course = 0; course < slots_.size(); ++course) {
    const Duration slot = world_.courses[course].slot;
    while (slots_[course] == 0 || first_ + static_cast<Duration>(slots_[course]) * slot < t + kDay)
      add(draw_incident(world_, course, slots_[course]++, first_));
  }
}

void Timeline::add(Incident incident) {
  if (!incident.labels.empty()) pending_.push_back(incident);
  incident.labels.clear();
  for (size_t i = 0; i < by_service_.size(); ++i) {
    if (incident.service == kEveryService || incident.service == i)
      by_service_[i].push_back(incident);
  }
}

void Timeline::prune(Timestamp t) {
  for (std::vector<Incident>& incidents : by_service_)
    std::erase_if(incidents, [&](const Incident& incident) { return incident.range.end < t; });
  std::erase_if(pending_, [&](const Incident& incident) { return incident.range.start < t; });
}

std::vector<Incident> Timeline::beginning(Timestamp t) const {
  std::vector<Incident> result;
  for (const Incident& incident : pending_) {
    if (incident.range.start == t) result.push_back(incident);
  }
  return result;
}

double Timeline::usual_arrivals_per_hour(size_t index, Timestamp t) const {
  const Service& service = world_.services[index];
  const uint64_t key = splitmix64(world_.seed + index);
  return rate_at(service.rhythm, world_.calendar, key, world_.birth, t) /
         events_per_arrival(service);
}

double Timeline::arrivals_per_hour(size_t index, Timestamp t) const {
  double rate = usual_arrivals_per_hour(index, t);
  for (const Incident& incident : by_service_[index]) {
    if (incident.range.contains(t)) rate *= incident.effect.volume;
  }
  return rate;
}

bool Timeline::silent(size_t index, Timestamp t) const {
  if (!world_.services[index].life.contains(t)) return true;
  const std::vector<Incident>& incidents = by_service_[index];
  return std::any_of(incidents.begin(), incidents.end(), [&](const Incident& incident) {
    return incident.effect.silent && incident.scope.whole() && incident.range.contains(t);
  });
}

}  // namespace tocsin::generate
