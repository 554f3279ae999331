#include "net/deliver/queue.h"

#include <algorithm>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "db/base/check.h"

namespace tocsin {

DeliveryVerdict verdict_of(const DeliveryAnswer& answer) {
  if (answer.verdict) return *answer.verdict;
  const int64_t status = answer.http_status;
  if (status >= 200 && status < 300) return DeliveryVerdict::kDelivered;
  // 408 request timeout, 425 too early, 429 too many requests: RFC 9110, 8470, 6585.
  const bool transient = status == 408 || status == 425 || status == 429;
  if (status >= 400 && status < 500 && !transient) return DeliveryVerdict::kRefused;
  return DeliveryVerdict::kRetry;
}

void DeliveryQueue::load(std::vector<OutboxEntry> entries) {
  // The current group is kept if the outbox still begins with it.
  const bool same =
      entries.size() >= group_size_ &&
      std::equal(entries_.begin(), entries_.begin() + static_cast<ptrdiff_t>(group_size_),
                 entries.begin(), [](const auto& a, const auto& b) { return a.key == b.key; });
  if (!same) {
    group_size_ = 0;
    attempts_ = 0;
  }
  entries_.assign(std::make_move_iterator(entries.begin()), std::make_move_iterator(entries.end()));
}

std::vector<AlertEvent> DeliveryQueue::group() {
  TOCSIN_CHECK(!entries_.empty());
  if (group_size_ == 0) group_size_ = group_end();
  std::vector<AlertEvent> alerts;
  for (size_t i = 0; i < group_size_; ++i) alerts.push_back(entries_[i].event);
  return alerts;
}

size_t DeliveryQueue::group_end() const {
  const size_t limit = std::min(entries_.size(), one_by_one_ > 0 ? 1 : policy_.group_max);
  std::set<std::string> fingerprints;
  size_t end = 0;
  while (end < limit && fingerprints.insert(entries_[end].event.fingerprint).second) ++end;
  return end;
}

std::vector<DeliveryOutcome> DeliveryQueue::answer(const DeliveryAnswer& answer,
                                                   const DeliveryTime& time) {
  if (group_size_ == 0) return {};
  ++attempts_;
  switch (verdict_of(answer)) {
    case DeliveryVerdict::kDelivered: return finish(answer, true);
    case DeliveryVerdict::kRefused:
      if (group_size_ == 1) return finish(answer, false);
      one_by_one_ = group_size_;
      group_size_ = 0;
      attempts_ = 0;
      return {};
    default: return retry(answer, time);
  }
}

std::vector<DeliveryOutcome> DeliveryQueue::finish(const DeliveryAnswer& answer, bool delivered) {
  std::vector<DeliveryOutcome> outcomes;
  for (size_t i = 0; i < group_size_; ++i) {
    outcomes.push_back({entries_[i], delivered, answer.http_status, attempts_, answer.latency,
                        delivered ? "" : answer.error});
  }
  next_attempt_ = 0;
  return outcomes;
}

std::vector<DeliveryOutcome> DeliveryQueue::retry(const DeliveryAnswer& answer,
                                                  const DeliveryTime& time) {
  const std::string error =
      fmt::format("given up after {}: {}", format_duration(policy_.give_up_after), answer.error);
  std::vector<DeliveryOutcome> outcomes;
  for (size_t i = 0; i < entries_.size(); ++i) {
    if (time.believed - entries_[i].event.written_at < policy_.give_up_after) continue;
    if (i < group_size_) {
      outcomes.push_back(
          {entries_[i], false, answer.http_status, attempts_, answer.latency, error});
    } else {
      outcomes.push_back({entries_[i], false, 0, 0, 0, error});  // not part of the request
    }
  }
  next_attempt_ =
      time.running + std::max(backoff(), std::min(answer.retry_after, policy_.backoff_max));
  return outcomes;
}

// Half of the doubled delay is fixed and half is random, so that retries do not all arrive at once.
// Source: M. Brooker, "Exponential Backoff and Jitter", AWS Architecture Blog 2015 ("equal
// jitter").
Duration DeliveryQueue::backoff() {
  Duration delay = policy_.backoff_min;
  for (int64_t i = 1; i < attempts_ && delay < policy_.backoff_max; ++i) delay *= 2;
  delay = std::min(delay, policy_.backoff_max);
  return delay / 2 + std::uniform_int_distribution<Duration>(0, delay / 2)(random_);
}

void DeliveryQueue::forget(std::span<const DeliveryOutcome> outcomes) {
  std::set<std::string> keys;
  for (const DeliveryOutcome& outcome : outcomes) keys.insert(outcome.entry.key);
  const auto is_over = [&](const OutboxEntry& entry) { return keys.contains(entry.key); };
  const auto over_among_first = [&](size_t count) {
    const auto end = entries_.begin() + static_cast<ptrdiff_t>(std::min(count, entries_.size()));
    return static_cast<size_t>(std::count_if(entries_.begin(), end, is_over));
  };
  one_by_one_ -= over_among_first(one_by_one_);
  // After some alerts of the group are given up, the next group continues its attempts.
  const size_t over = over_among_first(group_size_);
  if (over == group_size_) attempts_ = 0;
  if (over > 0) group_size_ = 0;
  std::erase_if(entries_, is_over);
}

}  // namespace tocsin
