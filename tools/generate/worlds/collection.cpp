// Times without events that are nobody's fault, and those in which nothing is collected.
#include "tools/generate/worlds/topics.h"

namespace tocsin::generate {

void add_maintenance(Builder& builder, int count) {
  for (int i = 0; i < count; ++i) {
    Service service = builder.draw_service();
    WeeklyWindow window;
    window.start = builder.draw_time(0, 6 * kHour);
    window.length = builder.draw_time(30 * kMinute, 2 * kHour);
    if (builder.chance(0.6))
      window.weekdays = static_cast<Weekdays>(1u << builder.random().below(7));
    service.rhythm.maintenance = window;
    builder.add(std::move(service));
  }
}

void add_outages(Builder& builder, int count) {
  for (int i = 0; i < count; ++i) builder.add(builder.draw_service());
  Course outages;
  outages.slot = builder.draw_time(2 * kDay, 5 * kDay);
  outages.shapes = {{.kind = IncidentKind::kCollectorSilent, .minutes = {10, 60}}};
  builder.add(std::move(outages));
}

}  // namespace tocsin::generate
