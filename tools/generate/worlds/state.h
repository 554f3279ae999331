// The true state of a service: what its rhythm and everything that happens make of it.
#pragma once

#include <vector>

#include "db/base/time.h"
#include "tools/generate/worlds/world.h"

namespace tocsin::generate {

/// The parameters of an event.
struct EventState {
  double slowness = 1;
  double failure_rate = 0;
  double unfinished = 0;
  double p95_ms = 0, tail_ms = 0;  ///< 0: none
  uint16_t version = 0;
  bool next_version = false;
  uint16_t message = 0;  ///< 0: none
  double message_share = 0;
  bool message_fails = false;

  /// As seen at `t`, within the incident.
  void apply(const Incident& incident, Timestamp t);
};

EventState usual_state(const Service& service);

/// The part of the events of a service that are in the scope.
double share_of(const Scope& scope, const Service& service);

/// Everything that happens, from slot to slot. Not thread-safe.
class Timeline {
 public:
  /// Incidents begin at `first` or later. The world must outlive the timeline.
  Timeline(const World& world, Timestamp first);

  /// Draws everything that begins before `t`.
  void extend(Timestamp t);
  /// Forgets what ended before `t`.
  void prune(Timestamp t);
  /// What is drawn and not forgotten, of that service or of every service.
  const std::vector<Incident>& of(size_t service) const { return by_service_[service]; }
  /// The incidents whose effects or labels begin at `t`, each once.
  std::vector<Incident> beginning(Timestamp t) const;

  /// Arrivals per hour in the minute that begins at `t`, without gaps.
  double arrivals_per_hour(size_t service, Timestamp t) const;
  /// The same without what happens, and without end.
  double usual_arrivals_per_hour(size_t service, Timestamp t) const;
  bool silent(size_t service, Timestamp t) const;

 private:
  void add(Incident incident);
  void add_lives();

  const World& world_;
  Timestamp first_;
  std::vector<uint64_t> slots_;  ///< by course: the next one
  std::vector<std::vector<Incident>> by_service_;
  std::vector<Incident> pending_;  ///< each once; those with labels
};

}  // namespace tocsin::generate
