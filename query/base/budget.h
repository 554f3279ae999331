// The limits of one run of a query: time, cancellation and memory.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "db/base/result.h"
#include "query/base/options.h"

namespace tocsin {

/// Long loops call check() at least once per this many bytes of text.
inline constexpr size_t kUncheckedBytesMax = kMiB;

/// Shared by the operators and threads of one run. `options` must outlive it.
class Budget {
 public:
  explicit Budget(const QueryOptions& options);

  const QueryOptions& options() const { return options_; }
  int64_t elapsed_us() const;

  /// kCancelled or kTimeout if the query has to stop. Takes about 30 ns.
  Status check() const;

  std::atomic<bool> memory_exceeded{false};  ///< some MemoryGauge returned kLimit
  /// Computed texts that became null because they were longer than kStringBytesMax.
  std::atomic<uint64_t> texts_too_long{0};

 private:
  friend class MemoryGauge;

  const QueryOptions& options_;
  int64_t started_ns_;   // by the monotonic clock
  int64_t deadline_ns_;  // INT64_MAX: none
  std::atomic<size_t> memory_bytes_{0};
};

/// Accounts for the memory held by one operator, or by one of its threads, until destroyed.
class MemoryGauge {
 public:
  explicit MemoryGauge(Budget& budget) : budget_(&budget) {}
  ~MemoryGauge() { budget_->memory_bytes_ -= held_; }
  MemoryGauge(MemoryGauge&& other) noexcept
      : budget_(other.budget_), held_(std::exchange(other.held_, 0)) {}
  MemoryGauge& operator=(MemoryGauge&&) = delete;

  /// Sets the number of bytes held. kLimit if all operators together hold too much.
  Status set(size_t bytes);
  /// Replaces `before`, which is a part of the bytes held, by `after`.
  Status change(size_t before, size_t after) { return set(held_ - before + after); }
  /// The same as set() for callers that can reduce their memory: false if all operators together
  /// hold too much. The bytes count even then, until the next call.
  bool try_set(size_t bytes);

 private:
  Budget* budget_;
  size_t held_ = 0;
};

}  // namespace tocsin
