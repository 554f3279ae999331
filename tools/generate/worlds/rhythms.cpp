// Weekends, office hours, local time, holidays, batches.
#include <array>

#include "tools/generate/worlds/topics.h"

namespace tocsin::generate {
namespace {

// Of both hemispheres, with clock changes at different times of day.
constexpr std::array kZones = {"Europe/Berlin", "Europe/London", "America/New_York",
                               "America/Los_Angeles", "Australia/Sydney"};

OfficeHours draw_office(Builder& builder) {
  OfficeHours office;
  office.ramp = builder.draw_time(30 * kMinute, 3 * kHour);
  office.open = builder.draw_time(6 * kHour, 9 * kHour);
  office.close = office.open + builder.draw_time(9 * kHour, 12 * kHour);
  office.outside = builder.draw(0, 0.05);
  return office;
}

void draw_day(Builder& builder, Rhythm& rhythm) {
  rhythm.day_amplitude = builder.draw(0.2, 0.7);
  rhythm.peak = builder.draw_time(10 * kHour, 20 * kHour);
}

}  // namespace

Status draw_zone(Builder& builder) {
  const char* name = kZones[builder.random().below(kZones.size())];
  TOCSIN_TRY(TimeZone zone, TimeZone::load(name));
  builder.world().calendar = Calendar(std::move(zone));
  return {};
}

void add_weekend(Builder& builder, int count) {
  for (int i = 0; i < count; ++i) {
    Service service = builder.draw_service();
    draw_day(builder, service.rhythm);
    service.rhythm.weekend = builder.draw(0.05, 0.3);
    builder.add(std::move(service));
  }
}

void add_office(Builder& builder, int count) {
  for (int i = 0; i < count; ++i) {
    Service service = builder.draw_service({200, 3000});
    service.rhythm.office = draw_office(builder);
    service.rhythm.weekend = builder.chance(0.5) ? 0 : builder.draw(0.02, 0.1);
    builder.add(std::move(service));
  }
}

void add_clocks(Builder& builder, int count) {
  for (int i = 0; i < count; ++i) {
    Service service = builder.draw_service();
    if (builder.chance(0.5))
      service.rhythm.office = draw_office(builder);
    else
      draw_day(builder, service.rhythm);
    service.rhythm.weekend = builder.draw(0.3, 1);
    builder.add(std::move(service));
  }
}

void add_holidays(Builder& builder, int count) {
  for (int i = 0; i < count; ++i) {
    Service service = builder.draw_service();
    draw_day(builder, service.rhythm);
    service.rhythm.weekend = builder.draw(0.1, 0.6);
    builder.add(std::move(service));
  }
  Course holidays;
  holidays.slot = builder.draw_time(8 * kDay, 20 * kDay);
  holidays.when = Course::When::kWorkday;
  holidays.shapes = {
      {.kind = IncidentKind::kLogVolume, .strength = {0.05, 0.4}, .duty = Duty::kOptional}};
  builder.add(std::move(holidays));
}

void add_batches(Builder& builder, int count) {
  for (int i = 0; i < count; ++i) {
    const bool weekly = i % 3 == 2;
    Service service = builder.draw_service({300, 3000});
    WeeklyWindow batch;
    batch.start = builder.draw_time(0, 5 * kHour);
    batch.length = builder.draw_time(20 * kMinute, 90 * kMinute);
    if (weekly) batch.weekdays = static_cast<Weekdays>(1u << builder.random().below(7));
    service.rhythm.batch = batch;
    service.profile.host_count = static_cast<uint32_t>(1 + builder.random().below(2));
    builder.add(std::move(service),
                {{.kind = IncidentKind::kMissingHeartbeat},
                 {.kind = IncidentKind::kFailureRateSpike, .strength = {5, 20}},
                 {.kind = IncidentKind::kTransactionTimeout, .strength = {0.3, 0.7}}},
                {}, Course::When::kBatchRun);
  }
}

}  // namespace tocsin::generate
