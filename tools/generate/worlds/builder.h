// Helps to put a world together: usual services, names that are unique, courses of incidents.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "tools/generate/worlds/world.h"

namespace tocsin::generate {

/// The six kinds that any service may have, with lengths in minutes for a service with traffic.
std::vector<IncidentShape> usual_incidents();

class Builder {
 public:
  /// An incident begins in each `incident_slot` of a service; 0: never.
  Builder(uint64_t seed, Timestamp birth, Duration incident_slot);

  Random& random() { return random_; }
  World& world() { return world_; }
  Timestamp birth() const { return world_.birth; }

  /// A service with usual durations, failures, hosts and transactions, and a new name.
  Service draw_service(Range events_per_hour = {100, 1500});
  void draw_transactions(Service& service, uint64_t count);
  /// Adds it and the course of its incidents, unless there are none; returns its index.
  size_t add(Service service, std::vector<IncidentShape> incidents = usual_incidents(),
             std::vector<uint16_t> messages = {}, Course::When when = Course::When::kAnyTime);
  void add(Course course) { world_.courses.push_back(std::move(course)); }
  /// Adds `count` messages that no other service has.
  std::vector<uint16_t> add_wordings(size_t count, const std::string& level);
  /// A name that no service has.
  std::string draw_name();

  bool chance(double probability) { return random_.chance(probability); }
  double draw(double min, double max) { return random_.uniform(min, max); }
  Duration draw_time(Duration min, Duration max);  ///< in whole minutes

 private:
  World world_;
  Random random_;
  Duration incident_slot_;
  size_t name_shift_;
  size_t names_used_ = 0;
};

}  // namespace tocsin::generate
