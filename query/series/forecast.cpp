// The drift is Theil and Sen's: the median slope between pairs of values, of the same phase if
// there is a season. The bounds are conformal (Vovk et al., 2005): the quantile of the errors of
// the same forecast made at earlier times, without an assumption about their distribution.
#include "query/series/forecast.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

namespace tocsin {
namespace {

constexpr int64_t kForecastSeasons = 4;
constexpr int64_t kLevelBuckets = 12;  ///< without a season
constexpr size_t kSlopePoints = 100;   ///< every pair of them
constexpr size_t kOrigins = 24;        ///< earlier forecasts
constexpr double kCoverage = 0.95;
constexpr double kNoForecast = std::numeric_limits<double>::quiet_NaN();

double median_value(std::vector<double>& values) {
  if (values.empty()) return kNoForecast;
  const auto middle = values.begin() + static_cast<ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

// Per bucket.
double drift_of(std::span<const double> values, int64_t season) {
  std::vector<double> slopes;
  if (season > 0) {
    const auto lag = static_cast<size_t>(season);
    for (size_t i = lag; i < values.size(); ++i) {
      const double slope = (values[i] - values[i - lag]) / static_cast<double>(season);
      if (!std::isnan(slope)) slopes.push_back(slope);
    }
  } else {
    const size_t step = (values.size() + kSlopePoints - 1) / kSlopePoints;
    for (size_t i = 0; i < values.size(); i += step) {
      for (size_t j = 0; j < i; j += step) {
        const double slope = (values[i] - values[j]) / static_cast<double>(i - j);
        if (!std::isnan(slope)) slopes.push_back(slope);
      }
    }
  }
  const double slope = median_value(slopes);
  return std::isnan(slope) ? 0 : slope;
}

class Model {
 public:
  Model(std::span<const double> values, int64_t season)
      : values_(values), season_(season), drift_(drift_of(values, season)) {}

  /// The value `ahead` buckets after the last, from 1 on; NaN if nothing is known of its phase.
  double at(int64_t ahead) const {
    const auto size = static_cast<int64_t>(values_.size());
    const int64_t step = season_ > 0 ? season_ : 1;
    const int64_t wanted = season_ > 0 ? kForecastSeasons : kLevelBuckets;
    const int64_t target = size - 1 + ahead;
    std::vector<double> found;
    // The first bucket with the phase of the target that is known.
    int64_t place = target - (ahead + step - 1) / step * step;
    for (int64_t k = 0; k < wanted && place >= 0; ++k, place -= step) {
      const double value = values_[static_cast<size_t>(place)];
      if (!std::isnan(value)) found.push_back(value + drift_ * static_cast<double>(target - place));
    }
    return median_value(found);
  }

 private:
  std::span<const double> values_;
  int64_t season_;
  double drift_;
};

size_t group_of(size_t ahead) { return static_cast<size_t>(std::bit_width(ahead)) - 1; }

// The quantile of the past errors, by powers of two of how far ahead the forecasts were.
std::vector<double> past_errors(std::span<const double> values, int64_t season, size_t count) {
  const size_t group_count = group_of(count) + 1;
  std::vector<std::vector<double>> errors(group_count);
  const size_t half = values.size() / 2;
  const size_t first = std::max(half, std::min(values.size(), static_cast<size_t>(2 * season)));
  const size_t step = std::max<size_t>(1, (values.size() - first) / kOrigins);
  for (size_t origin = first; origin < values.size(); origin += step) {
    const Model model(values.first(origin), season);
    const size_t ahead_max = std::min(count, values.size() - origin);
    const size_t stride = std::max<size_t>(1, ahead_max / 256);
    for (size_t ahead = 1; ahead <= ahead_max; ahead += stride) {
      const double error =
          std::fabs(values[origin + ahead - 1] - model.at(static_cast<int64_t>(ahead)));
      if (!std::isnan(error)) errors[group_of(ahead)].push_back(error);
    }
  }
  std::vector<double> reach(group_count, 0);
  for (size_t g = 0; g < group_count; ++g) {
    std::vector<double>& found = errors[g];
    if (found.empty()) {  // never looked so far ahead: errors grow like those of a random walk
      reach[g] = g > 0 ? reach[g - 1] * std::sqrt(2.0) : 0;
      continue;
    }
    std::sort(found.begin(), found.end());
    const auto rank =
        static_cast<size_t>(std::ceil(kCoverage * static_cast<double>(found.size() + 1)));
    reach[g] = found[std::min(rank, found.size()) - 1];
    if (g > 0) reach[g] = std::max(reach[g], reach[g - 1]);
  }
  return reach;
}

}  // namespace

std::vector<ForecastPoint> forecast_series(std::span<const double> values, int64_t season,
                                           size_t count) {
  const auto known =
      std::count_if(values.begin(), values.end(), [](double value) { return !std::isnan(value); });
  std::vector<ForecastPoint> out;
  if (static_cast<size_t>(known) < kForecastValuesMin || count == 0) return out;
  const Model model(values, season);
  const std::vector<double> reach = past_errors(values, season, count);
  for (size_t ahead = 1; ahead <= count; ++ahead) {
    const double expected = model.at(static_cast<int64_t>(ahead));
    const double error = reach[group_of(ahead)];
    out.push_back({expected, expected - error, expected + error});
  }
  return out;
}

}  // namespace tocsin
