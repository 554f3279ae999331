// Series with labelled anomalies, for tuning and judging `detect`.
//
// All parameters are drawn from ranges, so that a detector cannot be tuned to one value.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace tocsin::bench {

enum class Incident : uint8_t { kShift, kSpike, kDip, kRamp, kFrozen, kNoSeason, kVariance };
inline constexpr std::array<const char*, 7> kIncidentNames = {
    "shift", "spike", "dip", "ramp", "frozen", "no season", "variance"};

struct IncidentLabel {
  int start = 0;
  int end = 0;
  Incident kind = Incident::kShift;
  /// Whether a test that knows the true means and deviations would reject at p < 1e-6. Other
  /// incidents count neither as found nor as missed.
  bool counts = true;
};

struct LabelledSeries {
  std::vector<double> values;  ///< NaN: no value
  int day = 288;               ///< buckets in a day
  bool counts = false;         ///< the values are numbers of events
  int judged_from = 0;         ///< before this bucket, nothing is judged
  std::vector<IncidentLabel> incidents;
};

/// 51 days, of which the first 21 are for learning. Without incidents if `clean`.
LabelledSeries make_series(uint64_t seed, bool clean);

}  // namespace tocsin::bench
