#include "query/series/detector.h"

#include <cmath>
#include <functional>
#include <limits>
#include <random>
#include <vector>

#include <catch2/catch.hpp>

using namespace tocsin;

namespace {

constexpr double kGap = std::numeric_limits<double>::quiet_NaN();
constexpr int64_t kDayOf5m = 288;

DetectorOptions every(Duration bucket, bool counts = false) {
  DetectorOptions out;
  out.bucket = bucket;
  out.counts = counts;
  return out;
}

std::vector<DetectorVerdict> judge(const DetectorOptions& options,
                                   const std::vector<double>& values) {
  SeriesDetector detector(options);
  std::vector<DetectorVerdict> out;
  for (size_t i = 0; i < values.size(); ++i) {
    out.push_back(detector.add(static_cast<int64_t>(i), values[i], kGap));
  }
  return out;
}

std::vector<double> poisson(int64_t count, const std::function<double(int64_t)>& mean) {
  std::mt19937 random(7);
  std::vector<double> out;
  for (int64_t i = 0; i < count; ++i) {
    out.push_back(mean(i) > 0 ? std::poisson_distribution<int>(mean(i))(random) : 0);
  }
  return out;
}

std::vector<double> noise(int64_t count, const std::function<double(int64_t)>& mean, double width) {
  std::mt19937 random(11);
  std::normal_distribution<> normal(0, width);
  std::vector<double> out;
  for (int64_t i = 0; i < count; ++i) out.push_back(mean(i) + normal(random));
  return out;
}

int64_t flagged(const std::vector<DetectorVerdict>& verdicts, int64_t start, int64_t end) {
  int64_t count = 0;
  for (int64_t i = start; i < end; ++i) count += verdicts[static_cast<size_t>(i)].anomaly;
  return count;
}

}  // namespace

TEST_CASE("detector: a verdict does not depend on later buckets", "[query]") {
  const auto daily = [](int64_t i) { return 100 + 50 * std::sin(i * 6.2832 / kDayOf5m); };
  auto values = noise(8 * kDayOf5m, daily, 5);
  const auto before = judge(every(5 * kMinute), values);
  const int64_t changed = 6 * kDayOf5m + 17;
  for (size_t i = changed; i < values.size(); ++i) values[i] *= 3;
  const auto after = judge(every(5 * kMinute), values);
  for (size_t i = 0; i < changed; ++i) {
    CHECK(((before[i].band.score == after[i].band.score) || std::isnan(after[i].band.score)));
    CHECK(before[i].anomaly == after[i].anomaly);
  }
  CHECK(after[changed].anomaly);
}

TEST_CASE("detector: says nothing before it has seen two days", "[query]") {
  const auto verdicts = judge(every(5 * kMinute), noise(
                                                      3 * kDayOf5m, [](int64_t) { return 9; }, 1));
  CHECK(std::isnan(verdicts[11].band.score));
  CHECK_FALSE(std::isnan(verdicts[12].band.score));
  CHECK(verdicts[2 * kDayOf5m - 1].learning);
  CHECK_FALSE(verdicts[2 * kDayOf5m].learning);
}

TEST_CASE("detector: a counter that was always zero may count once, not six times", "[query]") {
  std::vector<double> values(10 * kDayOf5m, 0.0);
  values[8 * kDayOf5m] = 1;
  values[9 * kDayOf5m] = 6;
  const auto verdicts = judge(every(5 * kMinute, true), values);
  CHECK(flagged(verdicts, 0, 9 * kDayOf5m) == 0);
  CHECK(verdicts[9 * kDayOf5m].anomaly);
  CHECK(verdicts[9 * kDayOf5m].band.kind == AnomalyKind::kHigh);
}

TEST_CASE("detector: the silence of a service with 30 events an hour is noticed", "[query]") {
  const int64_t dies = 9 * kDayOf5m;
  const auto mean = [&](int64_t i) { return i < dies ? 2.5 : 0; };
  const auto verdicts = judge(every(5 * kMinute, true), poisson(10 * kDayOf5m, mean));
  CHECK(flagged(verdicts, 0, dies) == 0);
  CHECK(flagged(verdicts, dies, dies + 24) > 0);
}

TEST_CASE("detector: a level that changes for good is flagged once and then learnt", "[query]") {
  const int64_t shift = 10 * kDayOf5m;
  const auto mean = [&](int64_t i) { return i < shift ? 100 : 130; };
  const auto verdicts = judge(every(5 * kMinute), noise(16 * kDayOf5m, mean, 4));
  CHECK(flagged(verdicts, 0, shift) == 0);
  CHECK(verdicts[static_cast<size_t>(shift)].anomaly);
  CHECK(flagged(verdicts, shift, shift + 2 * kDayOf5m) <= 24);
  CHECK(flagged(verdicts, shift + 2 * kDayOf5m, 16 * kDayOf5m) == 0);
  CHECK(verdicts.back().band.expected == Approx(130).epsilon(0.05));
}

TEST_CASE("detector: a value that no longer changes is frozen", "[query]") {
  auto values = noise(
      6 * kDayOf5m, [](int64_t) { return 50; }, 5);
  const size_t start = 5 * kDayOf5m;
  for (size_t i = start; i < start + 30; ++i) values[i] = 50;
  const auto verdicts = judge(every(5 * kMinute), values);
  CHECK(flagged(verdicts, static_cast<int64_t>(start), static_cast<int64_t>(start) + 30) > 0);
  CHECK(verdicts[start + 10].band.kind == AnomalyKind::kFrozen);
}

TEST_CASE("detector: wider noise is a change of the spread", "[query]") {
  auto values = noise(
      10 * kDayOf5m, [](int64_t) { return 50; }, 2);
  const size_t start = 8 * kDayOf5m;
  for (size_t i = start; i < start + 72; ++i) values[i] = 50 + 3.2 * (values[i] - 50);
  const auto verdicts = judge(every(5 * kMinute), values);
  bool spread = false;
  for (size_t i = start; i < start + 72; ++i) {
    spread |= verdicts[i].anomaly && verdicts[i].band.kind == AnomalyKind::kSpread;
  }
  CHECK(spread);
}

TEST_CASE("detector: quiet weekends are usual after three weeks, a quiet weekday is not",
          "[query]") {
  const auto mean = [](int64_t hour) {
    const double daily = 100 + 60 * std::sin(static_cast<double>(hour) * 6.2832 / 24);
    return hour / 24 % 7 >= 5 ? 0.2 * daily : daily;
  };
  auto values = poisson(42 * 24, mean);
  const size_t weekday = (35 + 2) * 24;
  for (size_t i = weekday + 2; i < weekday + 10; ++i) values[i] = std::floor(0.2 * values[i]);
  const auto verdicts = judge(every(kHour, true), values);
  CHECK(flagged(verdicts, 22 * 24, 37 * 24) == 0);
  CHECK(flagged(verdicts, 37 * 24 + 2, 37 * 24 + 10) > 0);
}

TEST_CASE("detector: a given season is used from its second occurrence on", "[query]") {
  DetectorOptions options = every(5 * kMinute);
  options.season = kHour;
  std::vector<double> values;
  for (int64_t i = 0; i < 4 * kDayOf5m; ++i) {
    values.push_back(i % 12 == 0 ? 1000 : 10 + static_cast<double>(i * 7919 % 13) / 13);
  }
  values[3 * kDayOf5m + 5] = 1000;  // at the wrong time
  const auto verdicts = judge(options, values);
  CHECK(flagged(verdicts, 0, 3 * kDayOf5m + 5) == 0);
  CHECK(verdicts[3 * kDayOf5m + 5].anomaly);
  CHECK(verdicts[3 * kDayOf5m + 12].band.expected == Approx(1000).epsilon(0.05));
}

TEST_CASE("detector: low sensitivity flags less than high", "[query]") {
  DetectorOptions low = every(5 * kMinute);
  low.false_alarms = 0.2;
  DetectorOptions high = low;
  high.false_alarms = 2.5;
  const auto values = noise(
      20 * kDayOf5m, [](int64_t) { return 50; }, 5);
  const auto by_low = judge(low, values);
  const auto by_high = judge(high, values);
  CHECK(by_low.back().band.upper >= by_high.back().band.upper);
  CHECK(flagged(by_low, 0, 20 * kDayOf5m) <= flagged(by_high, 0, 20 * kDayOf5m));
}

TEST_CASE("detector: missing buckets are unknown or have the given value", "[query]") {
  const auto run = [](double missing) {
    SeriesDetector detector(every(kHour, true));
    for (int64_t slot = 0; slot < 500; ++slot) {
      if (slot < 300 || slot >= 310) detector.add(slot, 20, missing);
      if (slot == 310) return detector.next_slot();
    }
    return int64_t{0};
  };
  CHECK(run(0) == 311);
  CHECK(run(kGap) == 311);
  SeriesDetector detector(every(kHour, true));
  CHECK(detector.add(5, 1, kGap).learning);
  CHECK(std::isnan(detector.add(4, 1, kGap).band.score));  // clocks were set back
  detector.add(5 + 29 * 24, 1, 0);                         // everything is forgotten
  CHECK(detector.next_slot() == 6 + 29 * 24);
}

TEST_CASE("detector: its memory is bounded", "[query]") {
  SeriesDetector detector(every(kSecond));
  for (int64_t i = 0; i < kDetectSlotsMax + 5000; ++i) {
    detector.add(i, static_cast<double>(i * 7919 % 101), kGap);
  }
  CHECK(detector.memory_bytes() <= kDetectorBytesMax);
}

TEST_CASE("detector: learning starts at the same bucket for all ranges of a week", "[query]") {
  const Timestamp start = 20'000 * kDay + 5 * kHour;
  const Timestamp from = learning_start(start, 5 * kMinute);
  CHECK(from % kWeek == 0);
  CHECK(start - from <= 28 * kDay);
  CHECK(start - from > 21 * kDay);
  CHECK(learning_start(from + 28 * kDay, 5 * kMinute) == from);
  CHECK(learning_start(from + 28 * kDay + 1, 5 * kMinute) == from + kWeek);
  CHECK(start - learning_start(start, kSecond) <= kDetectSlotsMax * kSecond);
}
