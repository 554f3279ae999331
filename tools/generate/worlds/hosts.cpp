// Services with many hosts, hosts that come and go, late hosts, wrong clocks.
#include <cmath>

#include "tools/generate/worlds/topics.h"

namespace tocsin::generate {
namespace {

std::vector<IncidentShape> host_incidents() {
  std::vector<IncidentShape> shapes = {
      {.kind = IncidentKind::kMissingHeartbeat, .minutes = {30, 360}},
      {.kind = IncidentKind::kFailureRateSpike, .minutes = {60, 240}, .strength = {10, 40}},
      {.kind = IncidentKind::kDegradation, .minutes = {90, 300}, .strength = {2.5, 5}}};
  for (IncidentShape& shape : shapes) shape.where = IncidentShape::Where::kHost;
  shapes.push_back({.kind = IncidentKind::kMissingHeartbeat, .minutes = {15, 120}});
  return shapes;
}

}  // namespace

void add_hosts(Builder& builder, int count) {
  for (int i = 0; i < count; ++i) {
    Service service = builder.draw_service({300, 3000});
    service.profile.host_count =
        static_cast<uint32_t>(std::lround(Range{1, 50}.draw_log(builder.random())));
    builder.add(std::move(service), host_incidents());
  }
}

void add_autoscaling(Builder& builder, int count) {
  for (int i = 0; i < count; ++i) {
    Service service = builder.draw_service({500, 3000});
    service.rhythm.day_amplitude = builder.draw(0.5, 0.9);
    service.profile.host_count = static_cast<uint32_t>(6 + builder.random().below(35));
    service.events_per_host = 2 * service.rhythm.events_per_hour / service.profile.host_count;
    builder.add(std::move(service));
  }
}

void add_skew(Builder& builder, int count) {
  for (int i = 0; i < count; ++i) {
    Service service = builder.draw_service();
    service.profile.host_count = static_cast<uint32_t>(2 + builder.random().below(6));
    if (builder.chance(0.6)) {
      service.late_host = 1;
      service.late_by = builder.draw_time(kMinute, 21 * kMinute);
    }
    std::vector<IncidentShape> incidents = usual_incidents();
    for (int twice = 0; twice < 2; ++twice) {
      incidents.push_back({.kind = IncidentKind::kClockSkew,
                           .minutes = {120, 720},
                           .strength = {2, 180},
                           .where = IncidentShape::Where::kHost});
    }
    builder.add(std::move(service), std::move(incidents));
  }
}

}  // namespace tocsin::generate
