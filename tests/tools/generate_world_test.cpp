// Statistical properties of the generated world.
#include <algorithm>
#include <functional>
#include <map>

#include <catch2/catch.hpp>

#include "tools/generate/generator.h"

namespace tocsin::generate {
namespace {

constexpr Timestamp kMonday = 20'003 * kDay;
static_assert(kMonday / kDay % 7 == 4, "1970-01-05 was a Monday");

WorldOptions calm_world(uint64_t seed = 1) {
  WorldOptions world;
  world.seed = seed;
  world.birth = kMonday;
  world.anomaly_rate = 0;
  return world;
}

/// Calls `see` for every event in [start, end).
void play(const WorldOptions& world, Timestamp start, Timestamp end,
          const std::function<void(const Event&)>& see) {
  Generator generator(world);
  generator.seek(start);
  std::vector<Event> events;
  for (TimeRange tick{start, start}; tick.end < end;) {
    tick = generator.next(events);
    for (const Event& event : events) see(event);
  }
}

bool same(const Event& a, const Event& b) {
  return a.time == b.time && a.type == b.type && a.service == b.service && a.noise == b.noise &&
         a.duration_tenths == b.duration_tenths && a.step == b.step && a.outcome == b.outcome;
}

std::vector<Event> collect(const WorldOptions& world, Timestamp start, Timestamp end) {
  std::vector<Event> all;
  play(world, start, end, [&](const Event& event) { all.push_back(event); });
  return all;
}

/// `world` with one anomaly of that kind at `payment`, from noon to one.
WorldOptions with_anomaly(AnomalyKind kind, double strength, bool tail_only = false) {
  WorldOptions world = calm_world();
  Anomaly anomaly;
  anomaly.kind = kind;
  anomaly.service = find_service("payment");
  anomaly.range = {kMonday + 12 * kHour, kMonday + 13 * kHour};
  anomaly.strength = strength;
  anomaly.tail_only = tail_only;
  world.injected.push_back(anomaly);
  return world;
}

std::vector<Event> payment_events(const WorldOptions& world, Timestamp start, Timestamp end) {
  std::vector<Event> events = collect(world, start, end);
  std::erase_if(events, [](const Event& e) { return services()[e.service].name != "payment"; });
  return events;
}

double quantile_ms(const std::vector<Event>& events, double q) {
  std::vector<uint32_t> durations;
  for (const Event& event : events) {
    if (event.type != LogType::kBpm) durations.push_back(event.duration_tenths);
  }
  std::sort(durations.begin(), durations.end());
  return durations[static_cast<size_t>(q * static_cast<double>(durations.size() - 1))] / 10.0;
}

double failure_rate(const std::vector<Event>& events) {
  double failed = 0, total = 0;
  for (const Event& event : events) {
    if (event.type != LogType::kAudit) continue;
    ++total;
    failed += event.outcome != Outcome::kSuccess;
  }
  return failed / total;
}

constexpr Timestamp kNoon = kMonday + 12 * kHour;
constexpr Timestamp kOne = kMonday + 13 * kHour;

}  // namespace

TEST_CASE("world: the same seed makes the same events, another seed different ones", "[generate]") {
  const auto first = collect(calm_world(3), kMonday, kMonday + kHour);
  const auto again = collect(calm_world(3), kMonday, kMonday + kHour);
  const auto other = collect(calm_world(4), kMonday, kMonday + kHour);
  CHECK(std::equal(first.begin(), first.end(), again.begin(), again.end(), same));
  CHECK(!std::equal(first.begin(), first.end(), other.begin(), other.end(), same));
}

TEST_CASE("world: reading may begin at any tick and finds the same events", "[generate]") {
  WorldOptions world = calm_world(5);
  world.anomaly_rate = 0.2;
  world.quiet = 0;
  const Timestamp middle = kMonday + 3 * kHour + 5 * kSecond;
  std::vector<Event> whole = collect(world, kMonday, middle + kHour);
  std::erase_if(whole, [&](const Event& event) { return event.time < middle; });
  const auto part = collect(world, middle, middle + kHour);
  CHECK(part.size() > 1000);
  CHECK(std::equal(whole.begin(), whole.end(), part.begin(), part.end(), same));
}

TEST_CASE(
    "world: events are sorted by time, lie in their tick, and no step or end precedes its start",
    "[generate]") {
  std::map<uint64_t, Timestamp> started;
  Timestamp last = 0;
  play(calm_world(), kMonday, kMonday + kHour, [&](const Event& event) {
    CHECK(event.time >= last);
    CHECK(event.time % kMicrosecond == 0);
    last = event.time;
    if (event.step == Step::kStart) started[event.transaction_id] = event.time;
    if (event.step == Step::kEnd || event.step == Step::kStep) {
      CHECK(started.count(event.transaction_id) == 1);
    }
    CHECK((event.duration_tenths > 0) == (event.type != LogType::kBpm || event.step == Step::kEnd));
  });
  CHECK(last < kMonday + kHour);
}

TEST_CASE("world: a week has the requested events per batch and type, by day, night and weekend",
          "[generate]") {
  WorldOptions world = calm_world();
  world.interval = kMinute;
  world.events_per_batch = 60;
  std::array<double, kLogTypeCount> counts{};
  double peak = 0, night = 0, weekend_peak = 0;
  std::vector<double> by_service(services().size()), failed(services().size()),
      finished(services().size());
  play(world, kMonday, kMonday + kWeek, [&](const Event& event) {
    ++counts[static_cast<size_t>(event.type)];
    const int64_t hour = event.time % kDay / kHour;
    const bool weekend = event.time - kMonday >= 5 * kDay;
    if (hour == 13 || hour == 14) (weekend ? weekend_peak : peak) += weekend ? 1 / 2.0 : 1 / 5.0;
    if ((hour == 1 || hour == 2) && !weekend) night += 1 / 5.0;
    ++by_service[event.service];
    if (event.type == LogType::kBpm) return;
    ++finished[event.service];
    failed[event.service] += event.outcome != Outcome::kSuccess;
  });
  double total = 0;
  for (double count : counts) {
    CHECK(count / (7 * 24 * 60) == Approx(60).epsilon(0.05));
    total += count;
  }
  CHECK(peak / night == Approx(3).epsilon(0.1));
  CHECK(weekend_peak / peak == Approx(0.6).epsilon(0.1));
  for (size_t i = 0; i < services().size(); ++i) {
    CHECK(by_service[i] / total == Approx(services()[i].share).epsilon(0.1));
    CHECK(failed[i] / finished[i] > 0.017);
    CHECK(failed[i] / finished[i] < 0.034);
  }
}

TEST_CASE("world: without anomalies few transactions stay open and no P95 is near 30 s",
          "[generate]") {
  std::map<uint64_t, bool> ended;
  const auto events = collect(calm_world(), kMonday, kMonday + 3 * kHour);
  for (const Event& event : events) {
    if (event.step == Step::kStart) ended.try_emplace(event.transaction_id, false);
    if (event.step == Step::kEnd) ended[event.transaction_id] = true;
  }
  const auto open =
      std::count_if(ended.begin(), ended.end(), [](const auto& e) { return !e.second; });
  CHECK(ended.size() > 5'000);
  CHECK(static_cast<double>(open) / static_cast<double>(ended.size()) < 0.01);
  CHECK(quantile_ms(events, 0.95) < 3'000);
  CHECK(quantile_ms(events, 0.999) < 20'000);
}

TEST_CASE("anomaly: a failure rate spike multiplies the service's failures", "[generate]") {
  const auto world = with_anomaly(AnomalyKind::kFailureRateSpike, 6);
  CHECK(failure_rate(payment_events(world, kNoon, kOne)) == Approx(6 * 0.028).epsilon(0.15));
  CHECK(failure_rate(payment_events(world, kOne, kOne + kHour)) == Approx(0.028).epsilon(0.3));
}

TEST_CASE("anomaly: a missing heartbeat silences all log types, exact to the tick", "[generate]") {
  const auto world = with_anomaly(AnomalyKind::kMissingHeartbeat, 0);
  CHECK(payment_events(world, kNoon, kOne).empty());
  CHECK(!payment_events(world, kNoon - kMinute, kNoon).empty());
  CHECK(!payment_events(world, kOne, kOne + kMinute).empty());
}

TEST_CASE("anomaly: high response times exceed the P95 or only the P99 threshold", "[generate]") {
  const auto slow = payment_events(with_anomaly(AnomalyKind::kHighResponseTime, 1.25), kNoon, kOne);
  CHECK(quantile_ms(slow, 0.95) > 33'000);
  const auto tail =
      payment_events(with_anomaly(AnomalyKind::kHighResponseTime, 1.25, true), kNoon, kOne);
  CHECK(quantile_ms(tail, 0.99) > 60'000);
  CHECK(quantile_ms(tail, 0.90) < 5'000);
}

TEST_CASE("anomaly: transaction timeouts leave the expected share of transactions open",
          "[generate]") {
  const auto events =
      payment_events(with_anomaly(AnomalyKind::kTransactionTimeout, 0.4), kNoon, kOne);
  double started = 0, ended = 0;
  for (const Event& event : events) {
    started += event.step == Step::kStart;
    ended += event.step == Step::kEnd;
  }
  CHECK(1 - ended / started == Approx(0.4).epsilon(0.1));
}

TEST_CASE("anomaly: log volume is four times or a fifth of the usual volume", "[generate]") {
  const auto count = [](const WorldOptions& world) {
    return static_cast<double>(payment_events(world, kNoon, kOne).size());
  };
  const double usual = count(calm_world());
  CHECK(count(with_anomaly(AnomalyKind::kLogVolume, 4)) / usual == Approx(4).epsilon(0.1));
  CHECK(count(with_anomaly(AnomalyKind::kLogVolume, 0.2)) / usual == Approx(0.2).epsilon(0.15));
}

TEST_CASE("anomaly: degradation rises for two thirds of its length and then stays", "[generate]") {
  const auto median = [](const WorldOptions& world, Duration from, Duration to) {
    return quantile_ms(payment_events(world, kNoon + from, kNoon + to), 0.5);
  };
  const double usual = median(calm_world(), 0, kHour);
  const auto world = with_anomaly(AnomalyKind::kDegradation, 2);
  CHECK(median(world, 0, 10 * kMinute) / usual == Approx(1.125).epsilon(0.12));
  CHECK(median(world, 15 * kMinute, 25 * kMinute) / usual == Approx(1.5).epsilon(0.12));
  CHECK(median(world, 40 * kMinute, kHour) / usual == Approx(2).epsilon(0.12));
}

TEST_CASE("world: begun() names each anomaly once, in the tick of its start", "[generate]") {
  WorldOptions world = calm_world();
  world.anomaly_rate = 0.05;
  world.events_per_batch = 1;
  Generator generator(world);
  Schedule schedule({world.seed, world.birth + world.quiet, world.interval, world.anomaly_rate});
  schedule.extend(kMonday + 5 * kDay);
  std::vector<Event> events;
  std::vector<std::string> begun;
  for (TimeRange tick{kMonday, kMonday}; tick.end < kMonday + 5 * kDay;) {
    tick = generator.next(events);
    for (const Label& label : generator.begun()) {
      CHECK(tick.contains(label.range.start));
      begun.push_back(label_line(label));
    }
    if (tick.start < kMonday + 3 * kDay) CHECK(begun.empty());
  }
  std::vector<std::string> drawn;
  for (const Anomaly& anomaly : schedule.anomalies())
    drawn.push_back(label_line(label_of(anomaly)));
  std::sort(begun.begin(), begun.end());
  std::sort(drawn.begin(), drawn.end());
  CHECK(begun.size() > 10);
  CHECK(begun == drawn);
}

}  // namespace tocsin::generate
