#include "query/series/detector.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace tocsin {
namespace {

constexpr double kNoScore = std::numeric_limits<double>::quiet_NaN();

constexpr double kRarityMin = 5e-6;
constexpr double kRarityMax = 1e-3;
/// The pattern judge speaks less often than the band judge.
constexpr double kPatternRarity = 3;

constexpr double kShapeWeight = 2.5;

constexpr int64_t kLearningDays = 2;
constexpr int64_t kLearningSlotsMin = 48;

/// An incident is flagged for at most this many buckets, so that a long one is a single alert.
constexpr int64_t kFlaggedMax = 12;
/// Another one begins after kRest quiet buckets, or when the score rises to kWorse times its peak.
constexpr double kWorse = 2;
constexpr int64_t kRest = 24;

constexpr Band kNotJudged{kNoScore, kNoScore, kNoScore, kNoScore, AnomalyKind::kHigh};

int64_t slots_of_day(Duration bucket) { return std::max<int64_t>(1, kDay / bucket); }

BandJudge::Options band_options(const DetectorOptions& options) {
  BandJudge::Options out;
  out.day = slots_of_day(options.bucket);
  out.counts = options.counts;
  const double slots_of_month = 30 * static_cast<double>(out.day);
  out.rarity = std::clamp(options.false_alarms / slots_of_month, kRarityMin, kRarityMax);
  return out;
}

}  // namespace

Duration detect_history(Duration bucket) {
  if (bucket > kDetectHistoryMax / kDetectSlotsMax) return kDetectHistoryMax;
  return kDetectSlotsMax * bucket;
}

Timestamp learning_start(Timestamp start, Duration bucket) {
  const Duration history = detect_history(bucket);
  const Duration step = history / 4;
  if (start < kTimeMin + 2 * history) return start;
  const Timestamp earliest = start - history;
  const Duration phase = (earliest % step + step) % step;
  return phase == 0 ? earliest : earliest - phase + step;
}

SeriesDetector::SeriesDetector(const DetectorOptions& options)
    : options_(options),
      band_options_(band_options(options)),
      slots_max_(
          std::max<int64_t>(detect_history(options.bucket) / options.bucket, kLearningSlotsMin)),
      learning_slots_(std::max(
          kLearningDays * band_options_.day,
          std::min(kLearningSlotsMin, detect_history(options.bucket) / options.bucket / 2))),
      history_(slots_max_),
      band_(band_options_),
      season_(options.season / options.bucket) {}

int64_t SeriesDetector::slot_of(int64_t start) const {
  const int64_t slot = start / options_.bucket;
  return start % options_.bucket < 0 ? slot - 1 : slot;
}

DetectorVerdict SeriesDetector::add(int64_t slot, double value, double missing) {
  if (history_.empty()) {
    next_check_ = slot;
    history_.begin(slot);
  }
  if (slot < history_.end()) return {kNotJudged, true, false};
  if (slot - history_.end() > slots_max_) {
    *this = SeriesDetector(options_);
    return add(slot, value, missing);
  }
  while (history_.end() < slot) add_next(missing);
  return add_next(value);
}

DetectorVerdict SeriesDetector::add_next(double value) {
  const int64_t slot = history_.end();
  check_season();
  const double pattern_rarity = kPatternRarity * band_options_.rarity;
  const std::optional<double> pattern = pattern_.add(value, pattern_rarity);
  DetectorVerdict out{kNotJudged, history_.age() < learning_slots_, false};
  if (!std::isnan(value)) {
    out.band = band_.add(slot, value, history_, season_, false);
    // A new shape whose values are all usual says little.
    const double shape = std::min(pattern.value_or(0), kShapeWeight * out.band.score);
    if (shape > out.band.score) {
      out.band.score = shape;
      out.band.kind = AnomalyKind::kPattern;
    }
    if (!out.learning) out.anomaly = flag(out.band.score);
  }
  history_.append(value);
  return out;
}

bool SeriesDetector::flag(double score) {
  if (!(score >= 1)) {
    ++quiet_;
    if (flagged_ > 0) ++flagged_;
    return false;
  }
  if (quiet_ >= kRest || score > kWorse * peak_) {
    flagged_ = 0;
    peak_ = 0;
  }
  peak_ = std::max(peak_, score);
  quiet_ = 0;
  return ++flagged_ <= kFlaggedMax;
}

void SeriesDetector::check_season() {
  if (options_.season != 0 || history_.end() < next_check_) return;
  next_check_ = history_.end() + band_options_.day;
  if (kDay % options_.bucket != 0) return;
  const int64_t found = history_.find_season(band_options_.day);
  if (found == season_) return;
  season_ = found;
  if (season_ == 0) return;  // the levels have been followed all the time
  BandJudge learnt(band_options_);
  for (int64_t slot = history_.start(); slot < history_.end(); ++slot) {
    const double value = history_.at(slot);
    if (!std::isnan(value)) learnt.add(slot, value, history_, season_, true);
  }
  band_ = learnt;
}

size_t SeriesDetector::memory_bytes() const {
  return sizeof *this + history_.memory_bytes() + pattern_.memory_bytes();
}

}  // namespace tocsin
