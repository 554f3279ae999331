#include "query/operator/difference.h"

#include <algorithm>
#include <cmath>

namespace tocsin {
namespace {

// One cell of the table: observed * ln(observed / expected).
double cell(double observed, double expected) {
  return observed > 0 ? observed * std::log(observed / expected) : 0;
}

}  // namespace

double likelihood_ratio(const ValueCounts& counts) {
  const auto a = static_cast<double>(counts.target);
  const auto b = static_cast<double>(counts.reference);
  const auto target = static_cast<double>(counts.target_total);
  const auto reference = static_cast<double>(counts.reference_total);
  const double share = (a + b) / (target + reference);
  const double sum = cell(a, target * share) + cell(b, reference * share) +
                     cell(target - a, target * (1 - share)) +
                     cell(reference - b, reference * (1 - share));
  return std::max(0.0, 2 * sum);
}

bool is_comparable_column(uint64_t target_total, uint64_t reference_total, uint64_t values) {
  if (target_total < kComparedRowsMin || reference_total < kComparedRowsMin) return false;
  const uint64_t rows = target_total + reference_total;
  return rows <= kDistinctRowsMin ||
         static_cast<double>(values) <= kDistinctShareMax * static_cast<double>(rows);
}

bool can_be_reported(const ValueCounts& counts) {
  return counts.target + counts.reference >= kComparedRowsMin;
}

bool is_frequent(const ValueCounts& counts) {
  return counts.target >= kComparedRowsMin &&
         static_cast<double>(counts.target) >=
             kComparedShareMin * static_cast<double>(counts.target_total);
}

std::optional<Difference> over_represented(const ValueCounts& counts, uint64_t values_compared) {
  const auto target_total = static_cast<double>(counts.target_total);
  const auto reference_total = static_cast<double>(counts.reference_total);
  Difference out;
  out.target_share = static_cast<double>(counts.target) / target_total;
  out.reference_share = static_cast<double>(counts.reference) / reference_total;
  const double smoothed = (static_cast<double>(counts.reference) + 0.5) / (reference_total + 1);
  out.ratio = out.target_share / smoothed;
  if (out.ratio < kComparedRatioMin) return std::nullopt;
  out.score = (out.target_share - smoothed) * std::log2(out.ratio);
  // The tail of a chi-squared distribution with one degree of freedom.
  const double chance = std::erfc(std::sqrt(likelihood_ratio(counts) / 2));
  out.p = std::min(1.0, chance * static_cast<double>(std::max<uint64_t>(values_compared, 1)));
  if (out.p >= kComparedChanceMax) return std::nullopt;
  return out;
}

}  // namespace tocsin
