#include "query/series/band.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace tocsin {
namespace {

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
constexpr double kFar = 1e9;  ///< a border that nothing reaches

constexpr int64_t kValuesMin = 12;
constexpr int64_t kTailValuesMin = 200;  ///< before that, borders are wide instead of learnt

/// Slower predictors win against faster ones that are hardly better, because they keep showing
/// what is unusual for longer. By BandJudge::Predictor.
constexpr std::array<double, 8> kHandicaps = {0.95, 1, 1.05, 0.88, 0.97, 0.97, 0.92, 1};
constexpr double kSlowPace = 0.02;
constexpr double kMiddlePace = 0.1;
constexpr double kFastPace = 0.5;
constexpr double kScaledPace = 0.04;
constexpr double kSeasonSlowPace = 0.01;
constexpr double kRelearnFactor = 4;  ///< faster after a change that lasts

/// Differences of up to this share of the expectation are not worth reporting.
constexpr double kNegligible = 0.05;
constexpr double kScaleMin = 0.01;         ///< of the expectation
constexpr double kMeanToDeviation = 1.25;  ///< of a normal distribution: sqrt(pi / 2)
constexpr double kSlopeShare = 0.5;        ///< where the season is steep, its phase is never exact
constexpr double kRateMin = 0.1;           ///< a counter that was always 0 may count once by chance

constexpr double kSingleBorderMin = 4.5;
constexpr double kSingleShapeMax = 0.15;
constexpr double kSumBorderMin = 4.6;
constexpr double kClippedZ = 3;  ///< so that sums show what lasts, not one extreme bucket
constexpr double kSpreadBorderMin = 0.5;
constexpr double kSpreadShapeMax = 0.1;
constexpr int64_t kSpreadsMin = 300;
constexpr double kSpreadZMax = 5;
constexpr double kLessSpreadWeight = 0.8;
constexpr int64_t kRunMin = 5;
constexpr double kRunRarity = 8;  ///< -log10 of the probability at the border
constexpr double kRunsMargin = 1.6;

// The signed square root of the deviance of a Poisson count: nearly normal also for rare events.
double poisson_deviation(double count, double rate) {
  const double half = count > 0 ? count * std::log(count / rate) - (count - rate) : rate;
  const double deviation = std::sqrt(std::max(0.0, 2 * half));
  return count > rate ? deviation : -deviation;
}

// Zero for a count between the two expectations.
double poisson_deviation(double count, double low_rate, double rate) {
  if (count > rate) return poisson_deviation(count, rate);
  return count < low_rate ? poisson_deviation(count, low_rate) : 0;
}

// The count that deviates so much, by Newton's method; -1 if even no event deviates less.
double count_at_deviation(double deviation, double rate) {
  if (deviation <= -std::sqrt(2 * rate)) return -1;
  const double guess = rate + deviation * std::sqrt(rate) + deviation * deviation / 6;
  double count = std::max(guess, rate / 100);
  for (int i = 0; i < 4; ++i) {
    const double gradient = std::log(count / rate);
    if (std::fabs(gradient) < 1e-9) break;
    const double excess = count * gradient - (count - rate) - deviation * deviation / 2;
    count = std::max(count - excess / gradient, count / 10);
  }
  return count;
}

size_t hour_of(int64_t slot, int64_t day) {
  const int64_t phase = (slot % day + day) % day;
  return static_cast<size_t>(phase * 24 / day);
}

void raise(Band& band, double score, AnomalyKind kind) {
  if (score <= band.score) return;
  band.score = score;
  band.kind = kind;
}

}  // namespace

BandJudge::Level::Level() : value(kNone) {}

void BandJudge::Level::follow(double target, double pace) {
  value = std::isnan(value) ? target : value + (target - value) * pace;
}

BandJudge::Predictions BandJudge::predict(double usual) const {
  static_assert(kHandicaps.size() == kPredictors);
  Predictions out;
  out[kSlow] = slow_.value;
  out[kMiddle] = middle_.value;
  out[kFast] = fast_.value;
  out[kSeason] = usual;
  out[kSeasonMiddle] = usual + season_middle_.value;
  out[kSeasonScaled] = usual > 0 && scaled_usual_.value > 0
                           ? usual * scaled_value_.value / scaled_usual_.value
                           : kNone;
  out[kSeasonSlow] = usual + season_slow_.value;
  out[kSeasonFast] = usual + season_fast_.value;
  return out;
}

uint8_t BandJudge::best_of(const Predictions& predictions) const {
  const auto proven = [&](uint8_t i) {
    return !std::isnan(predictions[i]) && predicted_[i] >= options_.day;
  };
  const bool seasonal = proven(kSeason);
  uint8_t best = seasonal ? kSeason : kSlow;
  for (uint8_t i = seasonal ? kSeason : kSlow; i < kPredictors; ++i) {
    if (i >= kSeason ? !proven(i) : std::isnan(predictions[i])) continue;
    if (errors_[i] * kHandicaps[i] < errors_[best] * kHandicaps[best]) best = i;
  }
  return best;
}

double BandJudge::scale_of(int64_t slot, double expected, double slope) const {
  const double hourly = hourly_deviation_[hour_of(slot, options_.day)];
  const double mixed = std::sqrt(std::max(hourly, 0.25 * recent_deviation_) *
                                 std::max(recent_deviation_, 0.25 * hourly));
  constexpr double kNotZero = 1e-12;
  const double scale =
      std::max({kNotZero, kScaleMin * std::fabs(expected), kMeanToDeviation * mixed});
  const double steep = kSlopeShare * slope;
  return std::sqrt(scale * scale + steep * steep);
}

BandJudge::Deviation BandJudge::deviation_of(double value, double expected, double scale) const {
  Deviation out;
  out.value = value;
  out.expected = expected;
  out.scale = scale;
  if (!options_.counts) {
    out.z = (value - expected) / scale;
    return out;
  }
  out.rate = std::max(expected, kRateMin);
  out.low_rate = std::max(expected, 0.0);
  out.scale = std::max(scale, std::sqrt(out.rate));
  out.dispersion = std::max(1.0, out.scale / std::sqrt(out.rate));
  out.z = poisson_deviation(std::max(value, 0.0), out.low_rate, out.rate) / out.dispersion;
  return out;
}

BandJudge::Border BandJudge::border_of_single() const {
  if (values_ < kTailValuesMin) {
    const double wide = 5 + 60.0 / static_cast<double>(values_);
    return {wide, wide};
  }
  const auto border = [&](const RecentTail& tail) {
    return std::clamp(tail.quantile(options_.rarity, kSingleShapeMax), kSingleBorderMin, 1e6);
  };
  return {border(single_.up), border(single_.down)};
}

void BandJudge::set_bounds(const Deviation& deviation, Border border, Band& band) const {
  const double expected = deviation.expected;
  double up = border.up * deviation.scale;
  double down = border.down * deviation.scale;
  if (options_.counts) {
    up = count_at_deviation(border.up * deviation.dispersion, deviation.rate) - expected;
    down = expected - count_at_deviation(-border.down * deviation.dispersion, deviation.rate);
  }
  const double negligible = kNegligible * std::fabs(expected);
  const double distance = std::fabs(deviation.value - expected);
  up = std::max(up, negligible);
  down = std::max(down, negligible);
  band.expected = expected;
  band.lower = expected - down;
  band.upper = expected + up;
  band.kind = deviation.value > expected ? AnomalyKind::kHigh : AnomalyKind::kLow;
  if (options_.counts) {
    band.score = deviation.z > 0 ? deviation.z / border.up : -deviation.z / border.down;
    if (distance < negligible) band.score = std::min(band.score, distance / negligible);
  } else {
    band.score = distance / (deviation.value > expected ? up : down);
  }
}

void BandJudge::judge_sums(const Deviation& deviation, Band& band) {
  const double clipped = std::clamp(deviation.z, -kClippedZ, kClippedZ);
  const double counted =
      std::clamp(deviation.value, 0.0, std::max(band.upper, deviation.expected + 1));
  const size_t here = past_.place(0);
  past_.clipped_z[here] = static_cast<float>(clipped);
  past_.value[here] = static_cast<float>(counted);
  past_.rate[here] = static_cast<float>(deviation.rate);
  past_.low_rate[here] = static_cast<float>(deviation.low_rate);
  past_.dispersion[here] = static_cast<float>(deviation.dispersion);
  double z = 0;
  double value = 0;
  double rate = 0;
  double low_rate = 0;
  double dispersion = 0;
  int added = 0;
  ++sums_count_;
  for (size_t k = 0; k < kSums.size(); ++k) {
    const int length = kSums[k];
    if (past_.count + 1 < length) return;
    for (; added < length; ++added) {
      const size_t at = past_.place(added);
      z += past_.clipped_z[at];
      value += past_.value[at];
      rate += past_.rate[at];
      low_rate += past_.low_rate[at];
      dispersion += past_.dispersion[at];
    }
    double sum = z / std::sqrt(length);
    double relative =
        std::fabs(z / length) * deviation.scale / std::max(std::fabs(deviation.expected), 1e-12);
    if (options_.counts) {
      sum = poisson_deviation(value, low_rate, rate) / std::max(1.0, dispersion / length);
      relative = std::fabs(value / rate - 1);
    }
    Tails& tails = sums_[k];
    double border = kFar;
    if (sums_count_ > kTailValuesMin) {
      border =
          std::max(kSumBorderMin, (sum > 0 ? tails.up : tails.down).quantile(options_.rarity, 0));
      const double score = std::fabs(sum) / border * std::min(1.0, relative / kNegligible);
      raise(band, score, sum > 0 ? AnomalyKind::kHigh : AnomalyKind::kLow);
    }
    learn_tail(tails.up, sum, sum > 0 ? border : kFar);
    learn_tail(tails.down, -sum, sum < 0 ? border : kFar);
  }
}

// Compares the logarithm of the mean deviation, without its two largest, with its own mean.
void BandJudge::judge_spread(const Deviation& deviation, Band& band) {
  past_.z[past_.place(0)] = static_cast<float>(std::min(std::fabs(deviation.z), kSpreadZMax));
  if (past_.count < kSpreadBuckets) return;
  double sum = 0;
  double largest = 0;
  double second = 0;
  for (int ago = 0; ago < kSpreadBuckets; ++ago) {
    const double z = past_.z[past_.place(ago)];
    sum += z;
    second = std::max(second, std::min(z, largest));
    largest = std::max(largest, z);
  }
  const double mean = (sum - largest - second) / (kSpreadBuckets - 2);
  const double small = options_.counts ? 0.5 : 0.05;
  double spread = std::log(mean + small) - spread_mean_;
  double border = kFar;
  if (spread_count_ > kSpreadsMin) {
    const RecentTail& tail = spread > 0 ? spread_.up : spread_.down;
    border = std::max(kSpreadBorderMin, tail.quantile(options_.rarity, kSpreadShapeMax));
    const double weight = spread > 0 ? 1 : kLessSpreadWeight;
    raise(band, weight * std::fabs(spread) / border, AnomalyKind::kSpread);
  }
  learn_tail(spread_.up, spread, spread > 0 ? border : kFar);
  learn_tail(spread_.down, -spread, spread < 0 ? border : kFar);
  ++spread_count_;
  if (since_hit_ <= kCalm && !lasts()) return;
  spread = std::clamp(spread, -border, border);
  spread_mean_ += spread * std::max(1.0 / static_cast<double>(spread_count_),
                                    1.0 / static_cast<double>(7 * options_.day));
}

// How unlikely this number of equal values is, by how often values repeat. Zeros of counts
// are left to the sums.
void BandJudge::judge_run(double value, Band& band) {
  const bool repeats = value == previous_value_;
  const size_t kind = value == 0;
  if (repeats) {
    ++run_;
  } else {
    int64_t& longest = longest_run_[previous_value_ == 0];
    if (run_score_ < 1 || lasts()) longest = std::max(longest, run_);
    run_ = 1;
    run_score_ = 0;
  }
  if (run_ >= kRunMin && values_ > kTailValuesMin && !(options_.counts && value == 0)) {
    const double rarity =
        -std::log10(std::clamp(repeat_share_[kind], 0.001, 0.999)) * static_cast<double>(run_ - 1);
    const double longest = static_cast<double>(std::max<int64_t>(longest_run_[kind], 3));
    run_score_ = std::min(rarity / kRunRarity, static_cast<double>(run_) / (kRunsMargin * longest));
    raise(band, run_score_, AnomalyKind::kFrozen);
  }
  if (run_score_ >= 0.5) return;
  repeat_share_[kind] += ((repeats ? 1 : 0) - repeat_share_[kind]) *
                         std::max(1.0 / 4000, 1.0 / static_cast<double>(values_ + 1));
}

// Unusual values are not learnt, except the first of an incident, so that borders grow slowly if
// incidents repeat, and what lasts.
void BandJudge::learn_tail(RecentTail& tail, double value, double border) {
  const int64_t period = std::max<int64_t>(14 * options_.day, 336);
  if (value <= border) {
    if (lasts() || since_hit_ > kCalm || value <= 0) tail.add(std::max(value, 0.0), period);
  } else if (lasts() || since_hit_ > kLongCalm) {
    tail.add(std::min(value, 1.1 * border), period);
  }
}

bool BandJudge::lasts() const {
  return static_cast<double>(hits_) > std::max(24.0, 0.5 * static_cast<double>(options_.day));
}

void BandJudge::learn(int64_t slot, const Deviation& deviation, const Predictions& predictions,
                      const Band& band, double usual) {
  const auto count = static_cast<double>(values_ + 1);
  const double value = deviation.value;
  // What is unusual moves the levels slowly, until it has lasted.
  const double expected = deviation.expected;
  const double reach_up = std::max(0.6 * (band.upper - expected), 3 * deviation.scale);
  const double reach_down = std::max(0.6 * (expected - band.lower), 3 * deviation.scale);
  const double clipped =
      lasts() ? value : std::clamp(value, expected - reach_down, expected + reach_up);
  follow(clipped, usual);

  const double distance = std::fabs(value - expected);
  const double deviation_learnt = std::min(distance, 4 * deviation.scale);
  recent_deviation_ += (deviation_learnt - recent_deviation_) * std::max(1 / count, 0.02);
  const size_t hour = hour_of(slot, options_.day);
  const double of_week = 24.0 / static_cast<double>(7 * options_.day);
  const double pace =
      std::max(1.0 / static_cast<double>(hourly_count_[hour] + 1), std::min(0.02, of_week));
  hourly_deviation_[hour] +=
      static_cast<float>((deviation_learnt - hourly_deviation_[hour]) * pace);
  ++hourly_count_[hour];
  const double error_max = 4 * std::max(errors_[best_], deviation.scale);
  for (size_t i = 0; i < kPredictors; ++i) {
    if (std::isnan(predictions[i])) continue;
    ++predicted_[i];
    errors_[i] += (std::min(std::fabs(value - predictions[i]), error_max) - errors_[i]) *
                  std::max(1.0 / static_cast<double>(predicted_[i]),
                           std::min(0.02, 1.0 / static_cast<double>(options_.day)));
  }
}

void BandJudge::follow(double value, double usual) {
  const double start = 1.0 / static_cast<double>(values_ + 1);
  const double factor = lasts() ? kRelearnFactor : 1;
  slow_.follow(value, std::max(kSlowPace * factor, start));
  middle_.follow(value, std::max(kMiddlePace * factor, start));
  fast_.follow(value, std::max(kFastPace, start));
  if (std::isnan(usual)) return;
  if (std::isnan(season_middle_.value)) {
    season_middle_.value = season_slow_.value = season_fast_.value = 0;
  }
  const double difference = value - usual;
  season_middle_.follow(difference, kMiddlePace * factor);
  season_slow_.follow(difference, kSeasonSlowPace * factor);
  season_fast_.follow(difference, kFastPace);
  scaled_value_.follow(value, kScaledPace * factor);
  scaled_usual_.follow(usual, kScaledPace * factor);
}

// The first values only start the levels and the deviation.
void BandJudge::begin(double value, double usual) {
  follow(value, usual);
  if (values_ > 0) {
    constexpr double kOfSteps = 0.7;  // a step is the difference of two deviations
    recent_deviation_ += (kOfSteps * std::fabs(value - previous_value_) - recent_deviation_) /
                         static_cast<double>(values_);
  }
  for (const Predictor level : {kSlow, kMiddle, kFast}) errors_[level] = recent_deviation_;
}

Band BandJudge::add(int64_t slot, double value, const SeriesHistory& history, int64_t season,
                    bool around) {
  Band band{kNone, kNone, kNone, kNone, AnomalyKind::kHigh};
  const double usual = season > 0 ? history.usual(slot, season, around) : kNone;
  if (values_ < kValuesMin) {
    begin(value, usual);
  } else {
    const Predictions predictions = predict(usual);
    best_ = best_of(predictions);
    double slope = 0;
    if (best_ >= kSeason) {
      for (const int64_t neighbour : {slot - 1, slot + 1}) {
        const double near = history.usual(neighbour, season, around);
        if (!std::isnan(near)) slope = std::max(slope, std::fabs(near - usual));
      }
    }
    const double expected = predictions[best_];
    const Deviation deviation = deviation_of(value, expected, scale_of(slot, expected, slope));
    const Border border = border_of_single();
    set_bounds(deviation, border, band);
    judge_sums(deviation, band);
    judge_spread(deviation, band);
    judge_run(value, band);
    ++past_.count;
    learn_tail(single_.up, deviation.z, border.up);
    learn_tail(single_.down, -deviation.z, border.down);
    const bool hit = band.score >= 1;
    since_hit_ = hit ? 0 : since_hit_ + 1;
    constexpr int64_t kHitsMax = 1000;
    hits_ = hit ? std::min(hits_ + 1, kHitsMax) : std::max<int64_t>(0, hits_ - 2);
    learn(slot, deviation, predictions, band, usual);
  }
  ++values_;
  previous_value_ = value;
  return band;
}

}  // namespace tocsin
