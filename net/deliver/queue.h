// Decides which alerts a forwarder is sent next, and when: order, groups, back-off and giving up.
// It does no I/O and has no clock, so every delivery rule can be tested directly.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "db/base/time.h"
#include "rules/alert.h"

namespace tocsin {

struct DeliveryPolicy {
  size_t group_max = 64;           ///< alerts in one request
  Duration backoff_min = kSecond;  ///< after the first failure; doubles with each further one
  Duration backoff_max = 5 * kMinute;
  Duration give_up_after = 3 * kDay;  ///< counted from when the alert was written
};

struct OutboxEntry {
  std::string key;
  AlertEvent event;
};

enum class DeliveryVerdict : uint8_t { kDelivered, kRefused, kRetry };

/// A receiver's answer to a request.
struct DeliveryAnswer {
  int64_t http_status = 0;   ///< 0: no answer
  std::string error;         ///< empty after success
  Duration retry_after = 0;  ///< requested by the receiver
  Duration latency = 0;
  std::optional<DeliveryVerdict> verdict = {};  ///< of what is not HTTP
};

struct DeliveryTime {
  /// Ages count up to this time. While the clock is ahead of the time that the database believes
  /// (DatabaseCounters::clock_ahead), it is the latter. Alerts that were written while the clock
  /// was ahead are kept until a receiver answers or that time comes.
  Timestamp believed = 0;
  Duration running = 0;  ///< as of Clock::running(); back-off counts in it
};

/// 2xx: delivered. 4xx other than 408, 425 and 429: refused for good. Anything else: retry.
DeliveryVerdict verdict_of(const DeliveryAnswer& answer);

/// The end of an entry's delivery, as recorded in `deliveries`.
struct DeliveryOutcome {
  OutboxEntry entry;
  bool delivered = false;
  int64_t http_status = 0;
  int64_t attempts = 0;
  Duration latency = 0;
  std::string error;
};

/// The waiting entries of one forwarder. Call group() for a request, answer() with the result of
/// the request, and forget() once the outcomes are committed.
class DeliveryQueue {
 public:
  DeliveryQueue(DeliveryPolicy policy, uint64_t seed) : policy_(policy), random_(seed) {}

  /// Replaces the entries with those of the outbox, in order. Requires: no outcomes are waiting for
  /// their commit.
  void load(std::vector<OutboxEntry> entries);

  bool empty() const { return entries_.empty(); }
  size_t size() const { return entries_.size(); }
  /// The earliest running time of the next request.
  Duration next_attempt() const { return next_attempt_; }
  int64_t attempts() const { return attempts_; }

  /// The alerts of the next request. A retry returns the same ones, so that the request's id stays
  /// the same. A group never holds two states of one alert, because a receiver reads a request as
  /// one moment in time.
  std::vector<AlertEvent> group();

  /// Returns the outcomes that follow from the answer; the other alerts are sent again. After a
  /// failure that can be retried, all alerts that are too old are given up, including those after
  /// the group. A refused group is sent again one by one, so that one bad alert does not affect the
  /// others.
  std::vector<DeliveryOutcome> answer(const DeliveryAnswer& answer, const DeliveryTime& time);

  /// Removes the entries whose outcomes have been committed.
  void forget(std::span<const DeliveryOutcome> outcomes);

 private:
  size_t group_end() const;
  std::vector<DeliveryOutcome> finish(const DeliveryAnswer& answer, bool delivered);
  std::vector<DeliveryOutcome> retry(const DeliveryAnswer& answer, const DeliveryTime& time);
  Duration backoff();

  const DeliveryPolicy policy_;
  std::mt19937_64 random_;
  std::deque<OutboxEntry> entries_;
  size_t group_size_ = 0;  // the first entries, which form the current group; 0: no group
  size_t one_by_one_ = 0;  // entries left of a refused group
  int64_t attempts_ = 0;   // of the current group
  Duration next_attempt_ = 0;
};

}  // namespace tocsin
