#include "query/series/pattern.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace tocsin {
namespace {

constexpr std::array<int, 2> kBinWidths = {2, 12};
constexpr size_t kBinsKept = 2048;
constexpr size_t kBinsDroppedAtOnce = 512;
constexpr float kNoBin = std::numeric_limits<float>::quiet_NaN();

struct View {
  size_t bins;
  size_t window;
};
constexpr std::array<View, 3> kViews = {{{0, 12}, {1, 8}, {1, 12}}};

constexpr double kDistanceRarityMax = 6;
constexpr double kRarityBorderMin = 2;
constexpr int64_t kRaritiesMin = 200;
constexpr double kAlarmShareMax = 0.01;

// The smallest mean square distance of the last `window` bins to any earlier window without a
// common bin. Many distances at once, so that the compiler uses vector instructions. Bins without
// a value compare as unlike everything.
float nearest(const std::vector<float>& bins, size_t window) {
  constexpr size_t kAtOnce = 64;
  const float* query = bins.data() + bins.size() - window;
  const size_t count = bins.size() - 2 * window + 1;
  float best = std::numeric_limits<float>::infinity();
  std::array<float, kAtOnce> sums;
  for (size_t start = 0; start < count; start += kAtOnce) {
    // The last block reads bins of the query itself, whose results are not used.
    const size_t used = std::min(kAtOnce, count - start);
    sums.fill(0);
    if (start + kAtOnce + window <= bins.size()) {
      for (size_t i = 0; i < window; ++i) {
        const float* other = bins.data() + start + i;
        for (size_t j = 0; j < kAtOnce; ++j) {
          sums[j] += (other[j] - query[i]) * (other[j] - query[i]);
        }
      }
    } else {
      for (size_t j = 0; j < used; ++j) {
        const float* other = bins.data() + start + j;
        for (size_t i = 0; i < window; ++i) {
          sums[j] += (other[i] - query[i]) * (other[i] - query[i]);
        }
      }
    }
    for (size_t j = 0; j < used; ++j) best = sums[j] < best ? sums[j] : best;
  }
  return best / static_cast<float>(window);
}

bool has_gap(const std::vector<float>& bins, size_t window) {
  return std::any_of(bins.end() - static_cast<ptrdiff_t>(window), bins.end(),
                     [](float bin) { return std::isnan(bin); });
}

}  // namespace

PatternJudge::Bins::Bins() : level(std::numeric_limits<double>::quiet_NaN()) {}

// The extreme that is farther from the level, unless it hardly differs from the mean.
float PatternJudge::Bins::finish() {
  if (known == 0) return kNoBin;
  const double mean = sum / known;
  level = std::isnan(level) ? mean : (level + mean) / 2;
  const double extreme = max - level > level - min ? max : min;
  constexpr double kHardly = 0.1;
  return static_cast<float>(std::fabs(extreme - mean) < kHardly * std::fabs(mean) ? mean : extreme);
}

bool PatternJudge::Bins::add(double value, int width) {
  if (!std::isnan(value)) {
    min = known == 0 ? value : std::min(min, value);
    max = known == 0 ? value : std::max(max, value);
    sum += value;
    ++known;
  }
  if (++buckets < width) return false;
  if (values.size() == values.capacity()) {
    values.reserve(std::min(kBinsKept + kBinsDroppedAtOnce + 1, 2 * values.size() + 16));
  }
  values.push_back(finish());
  if (values.size() > kBinsKept + kBinsDroppedAtOnce) {
    values.erase(values.begin(), values.begin() + kBinsDroppedAtOnce);
  }
  const bool has_value = known > 0;
  sum = 0;
  known = 0;
  buckets = 0;
  return has_value;
}

std::optional<double> PatternJudge::add(double value, double q) {
  std::array<bool, kBinWidths.size()> completed;
  for (size_t i = 0; i < bins_.size(); ++i) completed[i] = bins_[i].add(value, kBinWidths[i]);
  std::optional<double> rarity;
  for (size_t v = 0; v < kViews.size(); ++v) {
    const std::vector<float>& bins = bins_[kViews[v].bins].values;
    const size_t window = kViews[v].window;
    if (!completed[kViews[v].bins] || bins.size() < 2 * window || has_gap(bins, window)) continue;
    const double distance = std::sqrt(nearest(bins, window));
    if (std::isinf(distance)) continue;
    rarity =
        std::max(rarity.value_or(0), std::min(distances_[v].rarity(distance), kDistanceRarityMax));
    distances_[v].add(distance);
  }
  if (!rarity) return std::nullopt;
  rarities_.add(*rarity);
  if (rarities_.count() < kRaritiesMin) return 0;
  const double border = rarities_.quantile(std::min(q, kAlarmShareMax), 0);
  return *rarity / std::max(border, kRarityBorderMin);
}

size_t PatternJudge::memory_bytes() const {
  return (bins_[0].values.capacity() + bins_[1].values.capacity()) * sizeof(float);
}

}  // namespace tocsin
