#include <algorithm>

#include <catch2/catch.hpp>

#include "tools/detection/figures.h"
#include "tools/detection/report.h"
#include "tools/detection/trial.h"

namespace tocsin::detection {
namespace {

constexpr const char* kPlainRules = R"(
groups:
  - name: plain
    interval: 5m
    rules:
      - alert: Slow
        type: HIGH_RESPONSE_TIME
        expr: |
          from audit, performance last 15m
          | stats p95 = p95(duration_ms), p99 = p99(duration_ms), n = count() by service
          | where n >= 20 and (p95 > 30000 or (p99 > 60000 and n >= 100))
        value: p95
        severity: HIGH
        keep_firing_for: 10m
      - alert: Silent
        type: MISSING_HEARTBEAT
        expr: |
          from * last 5m
          | stats events = count() by service
          | baseline 6h step 5m min 12
          | where events == 0 and baseline(events, min) > 3
        value: events
        severity: CRITICAL
)";

TrialOptions plain_trial(const std::string& world, uint64_t seed) {
  TrialOptions options;
  options.world.name = world;
  options.world.seed = seed;
  options.world.birth = 20'000 * kDay;
  options.world.quiet = 6 * kHour;
  options.world.events_per_batch = 10;
  options.world.anomaly_rate = 0.05;
  options.evaluated = {options.world.birth + 6 * kHour, options.world.birth + 30 * kHour};
  options.rules = {{"plain.yml", kPlainRules}};
  return options;
}

}  // namespace

TEST_CASE("trial: plain thresholds find slow and silent services of the shop", "[detection]") {
  const TrialOptions options = plain_trial("shop", 1);
  const auto result = run_trial(options);
  if (!result) FAIL(result.error().message);
  CHECK(result->troubles.empty());
  CHECK(result->service_count == 12);
  const Judgement judgement = judge(result->labels, result->firings, options.evaluated);
  INFO(details(judgement));
  const Figures figures = figures_of(judgement, options.evaluated, result->service_count);
  for (const char* kind : {"HIGH_RESPONSE_TIME", "MISSING_HEARTBEAT"}) {
    INFO(kind);
    const KindFigures& found = figures.kinds.at(kind);
    CHECK(found.counted >= 2);
    CHECK(found.found == found.counted);
    CHECK(found.wrong == 0);
    CHECK(found.delay(0.95) <= 25 * kMinute);
  }
}

TEST_CASE("trial: late events are stored when they arrive", "[detection]") {
  TrialOptions options = plain_trial("skew", 3);
  options.rules = {{"late.yml", R"(
groups:
  - name: late
    interval: 5m
    rules:
      - alert: Any
        type: ANY
        expr: from * last 5m | stats events = count() by host | where events > 0
        severity: LOW
)"}};
  const auto result = run_trial(options);
  if (!result) FAIL(result.error().message);
  // An alert about a host whose events are late is reported later than the end of its window.
  CHECK(std::any_of(result->firings.begin(), result->firings.end(), [](const Firing& firing) {
    return firing.told > firing.range.start + kMinute;
  }));
  CHECK(std::any_of(result->firings.begin(), result->firings.end(), [](const Firing& firing) {
    return firing.told <= firing.range.start + kMinute;
  }));
}

TEST_CASE("trial: wrong rules and worlds are errors", "[detection]") {
  TrialOptions options = plain_trial("shop", 1);
  options.rules = {{"wrong.yml", "groups: 1"}};
  CHECK_FALSE(run_trial(options));
  CHECK_FALSE(run_trial(plain_trial("nowhere", 1)));
}

}  // namespace tocsin::detection
