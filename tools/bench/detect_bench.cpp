// Judges `detect` on generated series with labelled anomalies, beside three simple methods.
//
//     detect_bench [FIRST_SEED LAST_SEED]     default: 1 50, which are for tuning
//     detect_bench check                      a few seeds; exit code 1 if `detect` is not good
//     enough detect_bench speed                      one million buckets over 1,000 groups
//
// An incident is found if one of its buckets, or of the three after it, is flagged. A run of
// flagged buckets is a false alarm if it does not begin within an incident or the day after it. F1,
// precision and recall are of the series with incidents; false alarms are counted on as many
// without any.
#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <ctime>
#include <limits>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "query/series/detector.h"
#include "tools/bench/series_worlds.h"

namespace tocsin::bench {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

struct Judged {
  double score = kNaN;
  bool flagged = false;
};
using Verdicts = std::vector<Judged>;

Verdicts with_detect(const LabelledSeries& series) {
  DetectorOptions options;
  options.bucket = kDay / series.day;
  options.counts = series.counts;
  SeriesDetector detector(options);
  Verdicts out;
  for (size_t i = 0; i < series.values.size(); ++i) {
    const auto verdict = detector.add(static_cast<int64_t>(i), series.values[i], kNaN);
    out.push_back({verdict.band.score, verdict.anomaly});
  }
  return out;
}

double median_of(std::vector<double>& values) {
  const auto middle = values.begin() + static_cast<ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

// Beyond three deviations (from the MAD) of the median of earlier buckets.
Judged against_median(double value, std::vector<double>& earlier, size_t least) {
  if (std::isnan(value) || earlier.size() < least) return {};
  const double median = median_of(earlier);
  for (double& each : earlier) each = std::fabs(each - median);
  const double deviation = std::max(1.4826 * median_of(earlier), 0.05 * std::fabs(median));
  const double score = deviation > 0 ? std::fabs(value - median) / deviation / 3 : 0;
  return {score, score > 1};
}

Verdicts with_hampel(const LabelledSeries& series) {
  Verdicts out;
  for (size_t i = 0; i < series.values.size(); ++i) {
    std::vector<double> earlier;
    for (size_t j = i - std::min<size_t>(i, 60); j < i; ++j) {
      if (!std::isnan(series.values[j])) earlier.push_back(series.values[j]);
    }
    out.push_back(against_median(series.values[i], earlier, 5));
  }
  return out;
}

Verdicts with_seasonal_median(const LabelledSeries& series) {
  Verdicts out;
  const auto count = static_cast<int>(series.values.size());
  for (int i = 0; i < count; ++i) {
    std::vector<double> earlier;
    for (int day = 1; day <= 7; ++day) {
      for (int near = -1; near <= 1; ++near) {
        const int at = i - day * series.day + near;
        if (at >= 0 && !std::isnan(series.values[static_cast<size_t>(at)])) {
          earlier.push_back(series.values[static_cast<size_t>(at)]);
        }
      }
    }
    out.push_back(against_median(series.values[static_cast<size_t>(i)], earlier, 9));
  }
  return out;
}

Verdicts with_smoothing(const LabelledSeries& series) {
  Verdicts out;
  double mean = kNaN;
  double variance = 0;
  int seen = 0;
  for (const double value : series.values) {
    Judged judged;
    if (!std::isnan(value)) {
      if (std::isnan(mean)) mean = value;
      const double difference = value - mean;
      if (seen++ > 10 && variance > 0) {
        judged.score = std::fabs(difference) / std::sqrt(variance) / 3;
        judged.flagged = judged.score > 1;
      }
      mean += 0.1 * difference;
      variance = 0.9 * (variance + 0.1 * difference * difference);
    }
    out.push_back(judged);
  }
  return out;
}

struct Tally {
  std::array<int, kIncidentNames.size()> labels{};
  std::array<int, kIncidentNames.size()> found{};
  int excluded = 0;  ///< incidents that do not count
  int false_alarms = 0;
  int clean_false_alarms = 0;
  double clean_days = 0;
  double flagged_outside = 0;
  double buckets_outside = 0;
  double ranking = 0;  ///< sum of the average precisions of buckets
  int ranked = 0;

  static int sum(const std::array<int, kIncidentNames.size()>& of) {
    int out = 0;
    for (const int each : of) out += each;
    return out;
  }
  double recall() const { return sum(found) / static_cast<double>(std::max(1, sum(labels))); }
  double precision() const {
    return sum(found) / static_cast<double>(std::max(1, sum(found) + false_alarms));
  }
  double f1() const { return 2 * precision() * recall() / (precision() + recall()); }
  double alarms_per_month() const { return clean_false_alarms / clean_days * 30; }
};

enum class Place : uint8_t { kOutside, kIncident, kNear };

std::vector<Place> places_of(const LabelledSeries& series) {
  const auto count = static_cast<int>(series.values.size());
  std::vector<Place> out(series.values.size(), Place::kOutside);
  const auto mark = [&](int start, int end, Place place) {
    for (int i = start; i < std::min(count, end); ++i) out[static_cast<size_t>(i)] = place;
  };
  for (const auto& label : series.incidents)
    mark(label.start, label.end + series.day, Place::kNear);
  for (const auto& label : series.incidents) {
    if (label.counts) mark(label.start, label.end, Place::kIncident);
  }
  return out;
}

// The average precision of the buckets ranked by score.
void add_ranking(const LabelledSeries& series, const Verdicts& verdicts,
                 const std::vector<Place>& places, Tally& tally) {
  std::vector<std::pair<double, bool>> ranked;
  for (auto i = static_cast<size_t>(series.judged_from); i < verdicts.size(); ++i) {
    if (std::isnan(verdicts[i].score) || places[i] == Place::kNear) continue;
    ranked.emplace_back(-verdicts[i].score, places[i] == Place::kIncident);
  }
  std::stable_sort(ranked.begin(), ranked.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  double hits = 0;
  double precision = 0;
  for (size_t i = 0; i < ranked.size(); ++i) {
    if (ranked[i].second) precision += ++hits / static_cast<double>(i + 1);
  }
  if (hits == 0) return;
  tally.ranking += precision / hits;
  ++tally.ranked;
}

void judge(const LabelledSeries& series, const Verdicts& verdicts, bool clean, Tally& tally) {
  const auto count = static_cast<int>(verdicts.size());
  for (const auto& label : series.incidents) {
    if (!label.counts) {
      ++tally.excluded;
      continue;
    }
    const auto first = verdicts.begin() + label.start;
    const auto last = verdicts.begin() + std::min(count, label.end + 3);
    const bool found = std::any_of(first, last, [](const Judged& each) { return each.flagged; });
    ++tally.labels[static_cast<size_t>(label.kind)];
    tally.found[static_cast<size_t>(label.kind)] += found;
  }
  const std::vector<Place> places = places_of(series);
  constexpr int kSameRun = 12;
  int last_flagged = -1000;
  for (int i = series.judged_from; i < count; ++i) {
    const auto at = static_cast<size_t>(i);
    const bool outside = places[at] == Place::kOutside;
    tally.buckets_outside += outside;
    if (!verdicts[at].flagged) continue;
    tally.flagged_outside += outside;
    if (outside && i - last_flagged > kSameRun) {
      ++(clean ? tally.clean_false_alarms : tally.false_alarms);
    }
    last_flagged = i;
  }
  if (clean) tally.clean_days += (count - series.judged_from) / static_cast<double>(series.day);
  if (!clean) add_ranking(series, verdicts, places, tally);
}

constexpr int kSeriesOfSeed = 3;

Tally judge_seeds(Verdicts (*method)(const LabelledSeries&), int first, int last) {
  Tally tally;
  for (int seed = first; seed <= last; ++seed) {
    for (int k = 0; k < kSeriesOfSeed; ++k) {
      for (const bool clean : {false, true}) {
        const LabelledSeries series = make_series(static_cast<uint64_t>(seed * 10 + k), clean);
        judge(series, method(series), clean, tally);
      }
    }
  }
  return tally;
}

int compare(int first, int last) {
  struct Method {
    const char* name;
    Verdicts (*judge)(const LabelledSeries&);
  };
  constexpr std::array<Method, 4> kMethods = {{{"detect", with_detect},
                                               {"Hampel", with_hampel},
                                               {"seasonal median", with_seasonal_median},
                                               {"smoothing, 3 sigma", with_smoothing}}};
  fmt::print("{:<20}{:>6}{:>11}{:>8}{:>24}{:>21}{:>9}", "method", "F1", "precision", "recall",
             "false alarms in 30 days", "flagged of 1,000", "ranking");
  for (const char* name : kIncidentNames) fmt::print("{:>11}", name);
  fmt::print("\n");
  for (const Method& method : kMethods) {
    const Tally tally = judge_seeds(method.judge, first, last);
    fmt::print("{:<20}{:>6.3f}{:>11.3f}{:>8.3f}{:>24.2f}{:>21.2f}{:>9.3f}", method.name, tally.f1(),
               tally.precision(), tally.recall(), tally.alarms_per_month(),
               1000 * tally.flagged_outside / tally.buckets_outside, tally.ranking / tally.ranked);
    for (size_t k = 0; k < kIncidentNames.size(); ++k) {
      fmt::print("{:>11.2f}", tally.found[k] / static_cast<double>(std::max(1, tally.labels[k])));
    }
    fmt::print("\n");
    if (&method != &kMethods.back()) continue;
    fmt::print("incidents:");
    for (size_t k = 0; k < kIncidentNames.size(); ++k) {
      fmt::print(" {} {},", kIncidentNames[k], tally.labels[k]);
    }
    fmt::print(" not counted {}\n", tally.excluded);
  }
  return 0;
}

int check() {
  const Tally tally = judge_seeds(with_detect, 51, 56);
  fmt::print("F1 {:.3f}, {:.2f} false alarms in 30 clean days\n", tally.f1(),
             tally.alarms_per_month());
  return tally.f1() >= 0.85 && tally.alarms_per_month() <= 1.2 ? 0 : 1;
}

int speed() {
  constexpr int kGroups = 1000;
  constexpr size_t kBuckets = 1000;
  std::vector<LabelledSeries> series;
  for (int k = 0; k < 20; ++k) series.push_back(make_series(static_cast<uint64_t>(k + 1), false));
  for (LabelledSeries& each : series) each.values.resize(kBuckets);
  const auto start = std::chrono::steady_clock::now();
  const std::clock_t cpu_start = std::clock();
  size_t flagged = 0;
  for (int group = 0; group < kGroups; ++group) {
    for (const Judged& each : with_detect(series[static_cast<size_t>(group) % series.size()])) {
      flagged += each.flagged;
    }
  }
  const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start;
  fmt::print("{} buckets in {} groups: {:.2f} s, {:.2f} s of one core; {} flagged\n",
             kGroups * kBuckets, kGroups, elapsed.count(),
             static_cast<double>(std::clock() - cpu_start) / CLOCKS_PER_SEC, flagged);
  return 0;
}

}  // namespace
}  // namespace tocsin::bench

int main(int count, char** arguments) {
  using namespace tocsin::bench;
  const std::string first = count > 1 ? arguments[1] : "1";
  if (first == "check") return check();
  if (first == "speed") return speed();
  return compare(std::atoi(first.c_str()), count > 2 ? std::atoi(arguments[2]) : 50);
}
