// What one forwarder is to be sent next, and when: order, groups, back-off, giving up. No I/O, no
// clock of its own, so that every rule of delivery is tested as a table.
#pragma once

#include <cstdint>
#include <deque>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "db/base/time.h"
#include "rules/alert.h"

namespace tocsin {

struct DeliveryPolicy {
  size_t group_max = 64;           ///< alerts in one request
  Duration backoff_min = kSecond;  ///< after the first failure; doubles with each
  Duration backoff_max = 5 * kMinute;
  Duration give_up_after = 3 * kDay;  ///< since the alert was written
};

struct OutboxEntry {
  std::string key;
  AlertEvent event;
};

/// What a receiver said.
struct DeliveryAnswer {
  int64_t http_status = 0;   ///< 0: there was no answer
  std::string error;         ///< empty after success
  Duration retry_after = 0;  ///< asked for by the receiver
  Duration latency = 0;
};

enum class DeliveryVerdict : uint8_t { kDelivered, kRefused, kRetry };
/// 2xx is delivered; a 4xx other than 408, 425 and 429 says that it will never be taken.
DeliveryVerdict verdict_of(const DeliveryAnswer& answer);

/// An entry whose delivery is over, as a row of `deliveries` tells it.
struct DeliveryOutcome {
  OutboxEntry entry;
  bool delivered = false;
  int64_t http_status = 0;
  int64_t attempts = 0;
  Duration latency = 0;
  std::string error;
};

/// The waiting entries of one forwarder. Order of calls: group(), then answer() when the receiver
/// said something, then forget() when the outcomes are in the store.
class DeliveryQueue {
 public:
  DeliveryQueue(DeliveryPolicy policy, uint64_t seed) : policy_(policy), random_(seed) {}

  /// The outbox as it is, in order. Requires: no outcomes are on their way into the store.
  void load(std::vector<OutboxEntry> entries);

  bool empty() const { return entries_.empty(); }
  size_t size() const { return entries_.size(); }
  /// When the next request may be sent.
  Timestamp next_attempt() const { return next_attempt_; }
  int64_t attempts() const { return attempts_; }

  /// The alerts of the next request; the same ones at a repetition, so that its id is the same. Not
  /// two states of one alert at once: a receiver takes a request for one moment.
  std::vector<AlertEvent> group();

  /// What is over because of the answer; the rest is sent again. When the receiver cannot take
  /// anything at the moment, all that is too old is given up, in the group or behind it. A group
  /// that was refused is sent one by one, so that one bad alert does not take the others with it.
  std::vector<DeliveryOutcome> answer(const DeliveryAnswer& answer, Timestamp now);

  /// Takes entries out whose outcome has been committed.
  void forget(std::span<const DeliveryOutcome> outcomes);

 private:
  size_t group_end() const;
  std::vector<DeliveryOutcome> finish(const DeliveryAnswer& answer, bool delivered);
  std::vector<DeliveryOutcome> retry(const DeliveryAnswer& answer, Timestamp now);
  Duration backoff();

  const DeliveryPolicy policy_;
  std::mt19937_64 random_;
  std::deque<OutboxEntry> entries_;
  size_t group_size_ = 0;  // the first ones: sent, and not over yet; 0: none
  size_t one_by_one_ = 0;  // so many entries are left of a group that was refused
  int64_t attempts_ = 0;   // of the present group
  Timestamp next_attempt_ = 0;
};

}  // namespace tocsin
