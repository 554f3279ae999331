// Compares the clock with the time of the last commit and with the time that has passed since, so
// that a clock that jumped does not decide what is old.
#pragma once

#include <algorithm>

#include "db/base/mutex.h"
#include "db/base/time.h"
#include "db/catalog/store.h"
#include "db/limits.h"

namespace tocsin {

/// What the guard knows about the clock at one moment.
struct ClockView {
  Timestamp now = 0;
  /// `now`, or, after a jump, the time that should be now: it only advances with running time.
  Timestamp believed = 0;
  /// After a jump: running time until the clock is believed.
  Duration remaining = 0;

  Timestamp earliest() const { return std::min(now, believed); }
  Timestamp latest() const { return std::max(now, believed); }
  /// How far the clock is ahead of the believed time; 0: it is believed, or behind.
  Duration ahead() const { return now - earliest(); }
  bool needs_confirmation() const { return ahead() > kClockJumpMax; }
};

/// A clock jumps when it is further from the believed time than DatabaseOptions::future_max, but at
/// most kClockJumpMax. It is believed again when it returns, or when it has been there for
/// `retention_grace` of running time; when it is more than kClockJumpMax ahead, only on believe().
/// Safe from any thread.
class ClockGuard {
 public:
  /// `clock` must outlive the guard. Until start(), every time is believed.
  ClockGuard(const Clock& clock, Duration jump_min, Duration grace);

  /// Continues from the record of the last commit. Further calls have no effect.
  void start(const ClockRecord& last);
  /// Reads the clock and compares. Logs jumps and their ends.
  ClockView observe();
  /// As observe(), as the record of a commit.
  ClockRecord record(uint64_t commit_number);
  /// Believes the clock, whatever it shows.
  void believe();

 private:
  ClockView look() TOCSIN_REQUIRES(mutex_);
  void note_jump(Timestamp now, Duration offset, bool first) TOCSIN_REQUIRES(mutex_);

  const Clock& clock_;
  const Duration jump_min_;
  const Duration grace_;

  Mutex mutex_;
  bool started_ TOCSIN_GUARDED_BY(mutex_) = false;
  bool looked_ TOCSIN_GUARDED_BY(mutex_) = false;       // since start()
  Duration observed_at_ TOCSIN_GUARDED_BY(mutex_) = 0;  // running time of the last look
  Timestamp believed_ TOCSIN_GUARDED_BY(mutex_) = 0;    // at that moment
  Duration offset_ TOCSIN_GUARDED_BY(mutex_) = 0;       // as in ClockRecord
  Duration remaining_ TOCSIN_GUARDED_BY(mutex_) = 0;
};

}  // namespace tocsin
