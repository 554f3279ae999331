// The band judge: what a bucket should have been, the band around it, and how far outside it is.
//
// The expectation comes from whichever simple predictor has been best lately: the usual value of
// the season, corrected by the recent level, or the level alone. Four views judge the deviation:
// the bucket alone, sums of the last buckets (level changes, slow drifts), their spread, and runs
// of equal values. Each view has borders from the tails of its own past.
#pragma once

#include <array>
#include <cstdint>

#include "query/series/history.h"
#include "query/series/tail.h"

namespace tocsin {

enum class AnomalyKind : uint8_t { kHigh, kLow, kSpread, kFrozen, kPattern };

struct Band {
  double expected;
  double lower;
  double upper;
  double score;  ///< 1.0 is the border
  AnomalyKind kind;
};

class BandJudge {
 public:
  struct Options {
    int64_t day = 288;     ///< buckets in a day, at least 1
    bool counts = false;   ///< the values are counts, which vary at least like Poisson's
    double rarity = 1e-4;  ///< the probability of a value beyond the border, for each view
  };

  explicit BandJudge(const Options& options) : options_(options) {}

  /// Judges bucket `slot` by `history`, which ends before it, and then learns it. With `around`,
  /// the history may contain the bucket and later ones (to learn the past again with another
  /// season). `season` is in buckets, 0: none. The band is NaN until kValuesMin values are known.
  /// Requires: value is not NaN.
  Band add(int64_t slot, double value, const SeriesHistory& history, int64_t season, bool around);

 private:
  static constexpr int kRing = 64;
  static constexpr std::array<int, 3> kSums = {3, 12, 48};
  static constexpr int kSpreadBuckets = 24;
  static constexpr int64_t kCalm = 6;  ///< buckets after an unusual one
  static constexpr int64_t kLongCalm = 24;

  /// Values that follow the series at a pace, NaN until there is one.
  struct Level {
    double value;
    Level();
    void follow(double target, double pace);
  };
  enum Predictor : uint8_t {
    kSlow,
    kMiddle,
    kFast,  // levels
    kSeason,
    kSeasonMiddle,
    kSeasonScaled,
    kSeasonSlow,
    kSeasonFast,
    kPredictors,
  };
  using Predictions = std::array<double, kPredictors>;

  /// One value compared with its expectation.
  struct Deviation {
    double value = 0;
    double expected = 0;
    double scale = 0;       ///< a usual deviation
    double rate = 0;        ///< of counts: the expectation, at least kRateMin
    double low_rate = 0;    ///< the expectation, at least 0: fewer events than kRateMin are not few
    double dispersion = 1;  ///< of counts: how much more they vary than Poisson's
    double z = 0;           ///< in usual deviations
  };
  struct Border {
    double up = 0;
    double down = 0;
  };
  struct Past {  ///< of the last kRing buckets
    std::array<float, kRing> z{};
    std::array<float, kRing> clipped_z{};
    std::array<float, kRing> value{};
    std::array<float, kRing> rate{};
    std::array<float, kRing> low_rate{};
    std::array<float, kRing> dispersion{};
    int64_t count = 0;
    size_t place(int64_t ago) const {
      return static_cast<size_t>((count - ago) % kRing);
    }  ///< Requires: ago <= count
  };
  struct Tails {
    RecentTail up;
    RecentTail down;
  };

  Predictions predict(double usual) const;
  uint8_t best_of(const Predictions& predictions) const;
  double scale_of(int64_t slot, double expected, double slope) const;
  Deviation deviation_of(double value, double expected, double scale) const;
  Border border_of_single() const;
  void set_bounds(const Deviation& deviation, Border border, Band& band) const;
  void judge_sums(const Deviation& deviation, Band& band);
  void judge_spread(const Deviation& deviation, Band& band);
  void judge_run(double value, Band& band);
  void learn_tail(RecentTail& tail, double value, double border);
  void learn(int64_t slot, const Deviation& deviation, const Predictions& predictions,
             const Band& band, double usual);
  void follow(double value, double usual);
  void begin(double value, double usual);
  bool lasts() const;  ///< what is unusual has become usual

  Options options_;
  int64_t values_ = 0;
  double previous_value_ = 0;
  // Predictors.
  Level slow_, middle_, fast_;
  Level season_middle_, season_slow_, season_fast_;  // differences from the usual value
  Level scaled_value_, scaled_usual_;
  std::array<double, kPredictors> errors_{};
  std::array<int64_t, kPredictors> predicted_{};
  uint8_t best_ = kMiddle;
  // Usual deviations: the last ones, and those at this hour of the day.
  double recent_deviation_ = 0;
  std::array<float, 24> hourly_deviation_{};
  std::array<int64_t, 24> hourly_count_{};
  // Views.
  Tails single_;
  std::array<Tails, kSums.size()> sums_;
  int64_t sums_count_ = 0;
  Tails spread_;
  double spread_mean_ = 0;
  int64_t spread_count_ = 0;
  Past past_;
  int64_t run_ = 1;
  double run_score_ = 0;
  std::array<int64_t, 2> longest_run_{};  // of other values, of zeros
  std::array<double, 2> repeat_share_{};  // the share of values that repeat the one before
  // Unusual times.
  int64_t since_hit_ = 1000;
  int64_t hits_ = 0;  ///< buckets beyond the border, minus those within
};

}  // namespace tocsin
