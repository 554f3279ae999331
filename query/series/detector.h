// Judges the buckets of one series, each by those before it alone.
//
// Combines the band judge, which explains, and the pattern judge, which finds unknown shapes. The
// season is chosen again every day; when it changes, the band judge learns the remembered history
// again. The state is bounded: kDetectorBytesMax.
#pragma once

#include <cstddef>
#include <cstdint>

#include "db/base/time.h"
#include "query/series/band.h"
#include "query/series/history.h"
#include "query/series/pattern.h"

namespace tocsin {

inline constexpr Duration kDetectHistoryMax = 28 * kDay;
/// 28 days of minutes; of narrower buckets, less time is remembered.
inline constexpr int64_t kDetectSlotsMax = 40'320;
inline constexpr size_t kDetectorBytesMax = 200'000;

/// How far back a detector remembers buckets of that width.
Duration detect_history(Duration bucket);

/// From where on the buckets before `start` are learnt: three to four quarters of the history, so
/// that the detectors of all ranges within a quarter of it start at the same bucket and agree.
Timestamp learning_start(Timestamp start, Duration bucket);

struct DetectorOptions {
  Duration bucket = 0;
  Duration season = 0;  ///< 0: chosen automatically. Requires: a multiple of `bucket`
  bool counts = false;
  /// False alarms of each of the judges' views, in 30 days without an incident: an upper bound for
  /// well-behaved series.
  double false_alarms = 0.7;
};

struct DetectorVerdict {
  Band band;  ///< NaN while too few values are known, or if the bucket is not judged
  bool learning = true;
  bool anomaly = false;
};

class SeriesDetector {
 public:
  explicit SeriesDetector(const DetectorOptions& options);

  /// The number of the bucket that starts at local time `start`.
  int64_t slot_of(int64_t start) const;
  /// Judges and learns the next bucket. NaN: it has no value. Buckets that were left out have no
  /// value either, or are `missing`. A bucket before the newest (clocks were set back) is not
  /// judged. After a gap longer than the history everything is learnt again.
  DetectorVerdict add(int64_t slot, double value, double missing);
  bool empty() const { return history_.empty(); }
  int64_t next_slot() const { return history_.end(); }
  size_t memory_bytes() const;

 private:
  DetectorVerdict add_next(double value);
  bool flag(double score);
  void check_season();

  DetectorOptions options_;
  BandJudge::Options band_options_;
  int64_t slots_max_;
  int64_t learning_slots_;
  SeriesHistory history_;
  BandJudge band_;
  PatternJudge pattern_;
  int64_t season_ = 0;  ///< in buckets
  int64_t next_check_ = 0;
  // The current incident.
  int64_t quiet_ = 1000;  ///< buckets since the last one beyond the border
  int64_t flagged_ = 0;   ///< buckets since it began
  double peak_ = 0;
};

}  // namespace tocsin
