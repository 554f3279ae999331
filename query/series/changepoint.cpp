// Spikes and dips come first and are left out of the search. Then four models are fitted: one mean,
// one line, and for every split two means or two lines. Schwarz's criterion ("Estimating the
// Dimension of a Model", 1978) chooses; a test says how likely the choice is by chance: Welch's t
// for means, F for lines. If nothing changed but the spread, Brown and Forsythe's test (1974) finds
// it. All p are multiplied by the number of places tried (Bonferroni).
#include "query/series/changepoint.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <vector>

#include "query/series/median.h"
#include "query/series/tail.h"

namespace tocsin {
namespace {

constexpr size_t kSideMin = 8;
constexpr double kSignificant = 0.01;
constexpr size_t kNeighbours = 5;  ///< on either side

// The regularized incomplete beta function, by Lentz's continued fraction (Press et al., Numerical
// Recipes, section 6.4).
double incomplete_beta(double a, double b, double x) {
  if (x <= 0) return 0;
  if (x >= 1) return 1;
  if (x > (a + 1) / (a + b + 2)) return 1 - incomplete_beta(b, a, 1 - x);
  constexpr double kTiny = 1e-300;
  const auto floored = [](double v) { return std::fabs(v) < kTiny ? kTiny : v; };
  double c = 1;
  double d = 1 / floored(1 - (a + b) * x / (a + 1));
  double fraction = d;
  for (int m = 1; m <= 300; ++m) {
    const double even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
    d = 1 / floored(1 + even * d);
    c = floored(1 + even / c);
    fraction *= d * c;
    const double odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
    d = 1 / floored(1 + odd * d);
    c = floored(1 + odd / c);
    fraction *= d * c;
    if (std::fabs(d * c - 1) < 1e-12) break;
  }
  const double log_front =
      std::lgamma(a + b) - std::lgamma(a) - std::lgamma(b) + a * std::log(x) + b * std::log1p(-x);
  return std::exp(log_front) * fraction / a;
}

// The probability that F exceeds `f`.
double f_exceeded(double f, double numerator, double denominator) {
  if (!(f > 0)) return 1;
  if (std::isinf(f)) return 0;
  return incomplete_beta(denominator / 2, numerator / 2,
                         denominator / (denominator + numerator * f));
}

// Sums of the first values, for fits of any part in constant time. Times and values are centred
// first, so that the sums keep their digits.
class Sums {
 public:
  Sums(std::span<const double> times, std::span<const double> values) : sums_(times.size() + 1) {
    double time_mean = 0;
    double value_mean = 0;
    for (size_t i = 0; i < times.size(); ++i) {
      time_mean += times[i] / static_cast<double>(times.size());
      value_mean += values[i] / static_cast<double>(times.size());
    }
    value_mean_ = value_mean;
    for (size_t i = 0; i < times.size(); ++i) {
      const double t = times[i] - time_mean;
      const double y = values[i] - value_mean;
      const Sum& s = sums_[i];
      sums_[i + 1] = {s.t + t, s.y + y, s.tt + t * t, s.ty + t * y, s.yy + y * y};
    }
  }

  struct Fit {
    double count;
    double mean;
    double slope;
    double around_mean;  ///< sum of squares
    double around_line;
  };
  Fit fit(size_t start, size_t end) const {
    const Sum& a = sums_[start];
    const Sum& b = sums_[end];
    const auto n = static_cast<double>(end - start);
    const double tt = (b.tt - a.tt) - (b.t - a.t) * (b.t - a.t) / n;
    const double ty = (b.ty - a.ty) - (b.t - a.t) * (b.y - a.y) / n;
    const double yy = std::max(0.0, (b.yy - a.yy) - (b.y - a.y) * (b.y - a.y) / n);
    Fit out{n, value_mean_ + (b.y - a.y) / n, tt > 0 ? ty / tt : 0, yy, 0};
    out.around_line = std::max(0.0, yy - out.slope * ty);
    return out;
  }

 private:
  struct Sum {
    double t = 0, y = 0, tt = 0, ty = 0, yy = 0;
  };
  std::vector<Sum> sums_;
  double value_mean_ = 0;
};

double welch(const Sums::Fit& a, const Sums::Fit& b) {
  const double va = a.around_mean / (a.count - 1) / a.count;
  const double vb = b.around_mean / (b.count - 1) / b.count;
  const double difference = a.mean - b.mean;
  if (va + vb <= 0) return difference == 0 ? 1 : 0;
  const double t2 = difference * difference / (va + vb);
  const double freedom =
      (va + vb) * (va + vb) / (va * va / (a.count - 1) + vb * vb / (b.count - 1));
  return f_exceeded(t2, 1, freedom);
}

struct Split {
  size_t at = 0;
  double squares = std::numeric_limits<double>::infinity();
};

// The split whose two sides leave the smallest sum of squares.
template <class SquaresOf>
Split best_split(size_t count, SquaresOf squares_of) {
  Split best;
  for (size_t at = kSideMin; at + kSideMin <= count; ++at) {
    const double squares = squares_of(at);
    if (squares < best.squares) best = {at, squares};
  }
  return best;
}

// Each value minus the median of its neighbours.
std::vector<double> local_residuals(std::span<const double> values) {
  std::vector<double> out;
  std::vector<double> near;
  for (size_t i = 0; i < values.size(); ++i) {
    near.clear();
    const size_t end = std::min(values.size(), i + kNeighbours + 1);
    for (size_t j = i - std::min(i, kNeighbours); j < end; ++j) {
      if (j != i) near.push_back(values[j]);
    }
    out.push_back(values[i] - median_of(near));
  }
  return out;
}

// The most extreme value, if it is too extreme for the others' tail and for a normal distribution.
std::optional<Change> find_outlier(std::span<const double> values) {
  const std::vector<double> residuals = local_residuals(values);
  std::vector<double> sizes;
  for (const double residual : residuals) sizes.push_back(std::fabs(residual));
  const auto largest = std::max_element(sizes.begin(), sizes.end());
  if (*largest == 0) return std::nullopt;
  const auto index = static_cast<size_t>(largest - sizes.begin());
  UpperTail others;
  for (size_t i = 0; i < sizes.size(); ++i) {
    if (i != index) others.add(sizes[i]);
  }
  const double deviation = kMadToDeviation * median_of(sizes);
  const double normal = deviation > 0 ? std::erfc(*largest / deviation / std::sqrt(2.0)) : 0;
  const double p =
      std::max(std::pow(10, -others.rarity(*largest)), normal) * static_cast<double>(values.size());
  if (p >= kSignificant) return std::nullopt;
  const bool up = residuals[index] > 0;
  return Change{up ? ChangeType::kSpike : ChangeType::kDip, index, values[index] - residuals[index],
                values[index], p};
}

Change find_spread_change(std::span<const double> times, std::span<const double> residuals) {
  std::vector<double> distances(residuals.begin(), residuals.end());
  const double middle = median_of(distances);
  for (double& distance : distances) distance = std::fabs(distance - middle);
  const Sums sums(times, distances);
  const size_t count = distances.size();
  const auto squares_of = [&](size_t at) {
    return sums.fit(0, at).around_mean + sums.fit(at, count).around_mean;
  };
  const Split split = best_split(count, squares_of);
  const double total = sums.fit(0, count).around_mean;
  const double p =
      f_exceeded((total - split.squares) / (split.squares / static_cast<double>(count - 2)), 1,
                 static_cast<double>(count - 2)) *
      static_cast<double>(count - 2 * kSideMin + 1);
  if (!(p < kSignificant)) return {ChangeType::kNone, 0, 0, 0, std::min(p, 1.0)};
  const Sums values(times, residuals);
  const auto deviation = [&](size_t start, size_t end) {
    const Sums::Fit fit = values.fit(start, end);
    return std::sqrt(fit.around_mean / (fit.count - 1));
  };
  return {ChangeType::kDistribution, split.at, deviation(0, split.at), deviation(split.at, count),
          p};
}

// Schwarz's criterion; a split is a parameter, too.
double criterion(double squares, size_t count, int parameters) {
  const auto n = static_cast<double>(count);
  return n * std::log(squares / n) + parameters * std::log(n);
}

Change find_split(std::span<const double> times, std::span<const double> values) {
  const size_t count = values.size();
  const auto places = static_cast<double>(count - 2 * kSideMin + 1);
  const Sums sums(times, values);
  const Sums::Fit whole = sums.fit(0, count);
  const Split means = best_split(count, [&](size_t at) {
    return sums.fit(0, at).around_mean + sums.fit(at, count).around_mean;
  });
  const Split lines = best_split(count, [&](size_t at) {
    return sums.fit(0, at).around_line + sums.fit(at, count).around_line;
  });
  // Squares that are only errors of rounding are all the same.
  const double rounding = 1e-18 * (1 + whole.mean * whole.mean) * static_cast<double>(count);
  const auto of = [&](double squares, int parameters) {
    return criterion(std::max(squares, rounding), count, parameters);
  };
  const double one = std::min(of(whole.around_mean, 1), of(whole.around_line, 2));
  const double two_means = of(means.squares, 3);
  const double two_lines = of(lines.squares, 5);
  if (two_means < one && two_means <= two_lines) {
    const Sums::Fit before = sums.fit(0, means.at);
    const Sums::Fit after = sums.fit(means.at, count);
    const double p = welch(before, after) * places;
    if (p < kSignificant) return {ChangeType::kStep, means.at, before.mean, after.mean, p};
  } else if (two_lines < one) {
    const double freedom = static_cast<double>(count) - 4;
    const double squares = std::max(lines.squares, rounding);
    const double p =
        f_exceeded((whole.around_line - squares) / 2 / (squares / freedom), 2, freedom) * places;
    if (p < kSignificant) {
      return {ChangeType::kTrend, lines.at, sums.fit(0, lines.at).slope,
              sums.fit(lines.at, count).slope, p};
    }
  }
  if (whole.around_line <= rounding) return {ChangeType::kNone, 0, 0, 0, 1};
  std::vector<double> residuals;
  const double time_mean = [&] {
    double sum = 0;
    for (const double t : times) sum += t / static_cast<double>(count);
    return sum;
  }();
  for (size_t i = 0; i < count; ++i) {
    residuals.push_back(values[i] - whole.mean - whole.slope * (times[i] - time_mean));
  }
  return find_spread_change(times, residuals);
}

}  // namespace

Change find_change(std::span<const double> times, std::span<const double> values) {
  if (values.size() < kChangePointsMin) return {};
  const std::optional<Change> outlier = find_outlier(values);
  if (!outlier) return find_split(times, values);
  std::vector<double> other_times(times.begin(), times.end());
  std::vector<double> other_values(values.begin(), values.end());
  const auto place = static_cast<ptrdiff_t>(outlier->index);
  other_times.erase(other_times.begin() + place);
  other_values.erase(other_values.begin() + place);
  Change split = find_split(other_times, other_values);
  if (split.type == ChangeType::kNone || split.p > outlier->p) return *outlier;
  if (split.index >= outlier->index) ++split.index;
  return split;
}

}  // namespace tocsin
