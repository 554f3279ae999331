#include "db/write/clock_guard.h"

#include <cstdlib>
#include <utility>

#include <fmt/format.h>

#include "db/base/log.h"

namespace tocsin {

ClockGuard::ClockGuard(const Clock& clock, Duration jump_min, Duration grace)
    : clock_(clock), jump_min_(std::min(jump_min, kClockJumpMax)), grace_(grace) {}

void ClockGuard::start(const ClockRecord& last) {
  const MutexLock lock(mutex_);
  if (started_) return;
  started_ = true;
  observed_at_ = clock_.running();
  believed_ = last.believed;
  offset_ = last.offset;
  remaining_ = last.remaining;
}

ClockView ClockGuard::observe() {
  const MutexLock lock(mutex_);
  return look();
}

ClockView ClockGuard::look() {
  const Timestamp now = clock_.now();
  if (!started_) return {now, now, 0};
  const bool first = !std::exchange(looked_, true);
  const Duration running = clock_.running();
  const Duration passed = running - observed_at_;
  observed_at_ = running;
  believed_ += passed;
  const Duration offset = now - believed_;
  if (std::abs(offset) <= jump_min_) {
    if (offset_ != 0) log(LogLevel::kInfo, "the clock is back at the expected time");
    believed_ = now;
    offset_ = remaining_ = 0;
    return {now, now, 0};
  }
  if (offset_ == 0 || std::abs(offset - offset_) > jump_min_) {
    offset_ = offset;
    remaining_ = grace_;
    note_jump(now, offset, first);
  } else {
    remaining_ = std::max<Duration>(remaining_ - passed, 0);
  }
  if (remaining_ == 0 && offset <= kClockJumpMax) {
    log(LogLevel::kInfo, fmt::format("the clock is believed from now on: {}",
                                     format_time_short(now / kSecond * kSecond)));
    believed_ = now;
    offset_ = 0;
  }
  return {now, believed_, remaining_};
}

void ClockGuard::note_jump(Timestamp now, Duration offset, bool first) {
  const auto text = [](Timestamp time) { return format_time_short(time / kSecond * kSecond); };
  const char* until = offset > kClockJumpMax ? "until `tocsin retention confirm`"
                                             : "until it has been there for store.retention_grace";
  // Most likely nothing was written for a while.
  const bool at_start = first && offset > 0;
  const std::string what =
      at_start ? fmt::format("the last commit was at {}, and the clock shows {}", text(believed_),
                             text(now))
               : fmt::format("the clock jumped {} from about {} to {}",
                             offset > 0 ? "ahead" : "back", text(believed_), text(now));
  log(at_start ? LogLevel::kInfo : LogLevel::kWarning,
      fmt::format("{}; {} nothing is deleted because of its age, and events of both times are "
                  "accepted",
                  what, until));
}

ClockRecord ClockGuard::record(uint64_t commit_number) {
  const MutexLock lock(mutex_);
  const ClockView view = look();
  return {commit_number, view.believed, offset_, remaining_};
}

void ClockGuard::believe() {
  const MutexLock lock(mutex_);
  believed_ = clock_.now();
  observed_at_ = clock_.running();
  offset_ = remaining_ = 0;
}

}  // namespace tocsin
