// Little traffic, growth, bursts, cron jobs, many transactions.
#include <array>

#include "tools/generate/worlds/topics.h"

namespace tocsin::generate {
namespace {

/// Long enough to show with 5 to 100 events an hour.
std::vector<IncidentShape> long_incidents() {
  return {
      {.kind = IncidentKind::kFailureRateSpike, .minutes = {180, 720}, .strength = {8, 30}},
      {.kind = IncidentKind::kMissingHeartbeat, .minutes = {180, 720}},
      {.kind = IncidentKind::kTransactionTimeout, .minutes = {240, 720}, .strength = {0.4, 0.8}},
      {.kind = IncidentKind::kLogVolume, .minutes = {180, 720}, .strength = {4, 8}},
      {.kind = IncidentKind::kDegradation, .minutes = {240, 720}, .strength = {2, 4}}};
}

std::vector<IncidentShape> transaction_incidents() {
  std::vector<IncidentShape> shapes = {
      {.kind = IncidentKind::kFailureRateSpike,
       .minutes = {120, 480},
       .strength = {10, 40},
       .failure_min = {0.3, 0.8}},
      {.kind = IncidentKind::kTransactionTimeout, .minutes = {240, 480}, .strength = {0.4, 0.9}},
      {.kind = IncidentKind::kDegradation, .minutes = {120, 480}, .strength = {3, 6}}};
  for (IncidentShape& shape : shapes) shape.where = IncidentShape::Where::kTransaction;
  shapes.push_back(  // several at once
      {.kind = IncidentKind::kFailureRateSpike, .minutes = {60, 240}, .strength = {5, 20}});
  shapes.push_back({.kind = IncidentKind::kMissingHeartbeat, .minutes = {30, 180}});
  return shapes;
}

}  // namespace

void add_sparse(Builder& builder, int count) {
  for (int i = 0; i < count; ++i) {
    Service service = builder.draw_service({5, 100});
    service.profile.host_count = static_cast<uint32_t>(1 + builder.random().below(2));
    builder.add(std::move(service), long_incidents());
  }
}

void add_growth(Builder& builder, int count) {
  for (int i = 0; i < count; ++i) {
    Service service = builder.draw_service();
    service.rhythm.day_amplitude = builder.draw(0.1, 0.5);
    service.rhythm.growth_per_week =
        builder.chance(0.5) ? builder.draw(1.03, 1.2) : builder.draw(0.85, 0.97);
    builder.add(std::move(service));
  }
}

void add_bursts(Builder& builder, int count) {
  for (int i = 0; i < count; ++i) {
    Service service = builder.draw_service();
    service.rhythm.burst_chance = builder.draw(0.1, 0.6);
    service.rhythm.burst_factor = builder.draw(2, 6);
    service.retry_chance = builder.draw(0.3, 0.9);
    builder.add(std::move(service));
  }
}

void add_cron(Builder& builder, int count) {
  static constexpr std::array<Duration, 4> kEvery = {15 * kMinute, 30 * kMinute, kHour, kDay};
  for (int i = 0; i < count; ++i) {
    Service service = builder.draw_service();
    CronSpike cron;
    cron.every = kEvery[builder.random().below(kEvery.size())];
    cron.offset = builder.draw_time(0, cron.every);
    cron.length = builder.draw_time(kMinute, 6 * kMinute);
    cron.factor = builder.draw(3, 20);
    service.rhythm.cron = cron;
    builder.add(std::move(service));
  }
}

void add_transactions(Builder& builder, int count) {
  for (int i = 0; i < count; ++i) {
    Service service = builder.draw_service();
    const uint64_t transactions = 8 + builder.random().below(18);
    builder.draw_transactions(service, transactions);
    service.rhythm.events_per_hour = static_cast<double>(transactions) * builder.draw(4, 13);
    builder.add(std::move(service), transaction_incidents());
  }
}

}  // namespace tocsin::generate
