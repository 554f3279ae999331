// The schedule of injected anomalies: frequency, distance, length.
#include <map>

#include <catch2/catch.hpp>

#include "tools/generate/anomaly.h"
#include "tools/generate/services.h"

namespace tocsin::generate {
namespace {

constexpr Timestamp kStart = 20'000 * kDay;

std::vector<Anomaly> draw(uint64_t seed, int days, double rate = 0.05) {
  Schedule schedule({seed, kStart, 5 * kSecond, rate});
  schedule.extend(kStart + days * kDay);
  return schedule.anomalies();
}

}  // namespace

TEST_CASE("schedule: the requested share of (service, hour) slots has an anomaly", "[generate]") {
  const auto check = [](double rate) {
    constexpr int kDays = 400;
    const double slots = 24.0 * kDays * static_cast<double>(services().size());
    const double share = static_cast<double>(draw(7, kDays, rate).size()) / slots;
    CHECK(share == Approx(rate).epsilon(0.05));
  };
  check(0.02);
  check(0.05);
  check(0.1);
  CHECK(draw(7, 400, 0).empty());
}

TEST_CASE("schedule: two anomalies of one service are at least two hours apart", "[generate]") {
  std::map<size_t, Timestamp> end_of_last;
  for (const Anomaly& anomaly : draw(8, 300, kAnomalyRateMax)) {
    const auto last = end_of_last.find(anomaly.service);
    if (last != end_of_last.end()) CHECK(anomaly.range.start - last->second >= kAnomalyDistance);
    end_of_last[anomaly.service] = anomaly.range.end;
  }
  CHECK(end_of_last.size() == services().size());
}

TEST_CASE("schedule: no anomaly begins before the start, and all times are on ticks",
          "[generate]") {
  for (const Anomaly& anomaly : draw(9, 100)) {
    CHECK(anomaly.range.start >= kStart);
    CHECK(anomaly.range.start % (5 * kSecond) == 0);
    CHECK(anomaly.range.end % (5 * kSecond) == 0);
  }
}

TEST_CASE("schedule: the six kinds are equally frequent and within their length limits",
          "[generate]") {
  const std::map<AnomalyKind, std::pair<Duration, Duration>> lengths = {
      {AnomalyKind::kFailureRateSpike, {30 * kMinute, 60 * kMinute}},
      {AnomalyKind::kMissingHeartbeat, {10 * kMinute, 30 * kMinute}},
      {AnomalyKind::kHighResponseTime, {15 * kMinute, 40 * kMinute}},
      {AnomalyKind::kTransactionTimeout, {30 * kMinute, 60 * kMinute}},
      {AnomalyKind::kLogVolume, {30 * kMinute, 60 * kMinute}},
      {AnomalyKind::kDegradation, {60 * kMinute, 90 * kMinute}}};
  std::map<AnomalyKind, size_t> counts;
  for (const Anomaly& anomaly : draw(10, 100)) {
    ++counts[anomaly.kind];
    const auto [shortest, longest] = lengths.at(anomaly.kind);
    const Duration length = anomaly.range.end - anomaly.range.start;
    CHECK(length >= shortest - 5 * kSecond);
    CHECK(length <= longest + 5 * kSecond);
  }
  REQUIRE(counts.size() == kAnomalyKindCount);
  for (const auto& [kind, count] : counts) {
    CHECK(count >= counts[AnomalyKind::kFailureRateSpike] - 1);
    CHECK(count <= counts[AnomalyKind::kFailureRateSpike] + 1);
  }
}

TEST_CASE("schedule: drawing in two steps produces the same anomalies as in one", "[generate]") {
  Schedule schedule({11, kStart, 5 * kSecond, 0.05});
  schedule.extend(kStart + 3 * kHour + 17 * kMinute);
  schedule.extend(kStart + 20 * kDay);
  const std::vector<Anomaly> all = draw(11, 20);
  REQUIRE(schedule.anomalies().size() == all.size());
  for (size_t i = 0; i < all.size(); ++i)
    CHECK(label_line(label_of(schedule.anomalies()[i])) == label_line(label_of(all[i])));
}

TEST_CASE("anomaly: a label names kind, service, start and end", "[generate]") {
  Anomaly anomaly;
  anomaly.kind = AnomalyKind::kMissingHeartbeat;
  anomaly.service = find_service("payment");
  anomaly.range = {kStart, kStart + 12 * kMinute};
  CHECK(label_line(label_of(anomaly)) ==
        R"({"kind":"MISSING_HEARTBEAT","service":"payment",)"
        R"("start":"2024-10-04T00:00:00Z","end":"2024-10-04T00:12:00Z"})");
}

TEST_CASE("anomaly: an unknown kind lists the known ones", "[generate]") {
  CHECK(*parse_anomaly_kind("SERVICE_DEGRADATION") == AnomalyKind::kDegradation);
  const auto unknown = parse_anomaly_kind("SERVICE_DEGRADED");
  REQUIRE(!unknown);
  CHECK(unknown.error().message.find("SERVICE_DEGRADED") != std::string::npos);
  CHECK(unknown.error().message.find("LOG_VOLUME_ANOMALY") != std::string::npos);
}

}  // namespace tocsin::generate
