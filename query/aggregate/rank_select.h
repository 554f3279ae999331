// Finds the values with given ranks in an unsorted list. Each value maps to an integer with the
// same order. A first pass counts the values by the first digit of that integer; a second pass
// collects the values that share a digit with a wanted value. If these are too many, the second
// pass counts them by the next digit instead, and a third pass follows.
#pragma once

#include <bit>
#include <cstdint>
#include <span>
#include <vector>

#include "query/base/value_lists.h"

namespace tocsin {

/// Maps doubles to integers with the same order: inverts all bits of negative values, and the sign
/// bit of others. Requires: not NaN.
inline uint64_t rank_key(double value) {
  const auto bits = std::bit_cast<uint64_t>(value);
  const uint64_t flip = (uint64_t{0} - (bits >> 63)) | (uint64_t{1} << 63);
  return bits ^ flip;
}

/// The number of values with each digit. Counts up to UINT32_MAX values.
class RankCounts {
 public:
  static constexpr unsigned kDigitBits = 16;
  static constexpr unsigned kDigitsMax = 64 / kDigitBits;
  static constexpr uint32_t kBucketCount = uint32_t{1} << kDigitBits;
  static constexpr size_t kMemoryBytes = kBucketCount * sizeof(uint32_t);

  RankCounts() : counts_(kBucketCount) {}

  /// Counts a value by its first digit: sign, exponent and four bits of the fraction, which is a
  /// sixteenth of a binade.
  void add(double value) { add(bucket_of(value), 1); }
  void add(uint32_t bucket, uint32_t count) {
    counts_[bucket] += count;
    min_ = bucket < min_ ? bucket : min_;
    max_ = bucket > max_ ? bucket : max_;
  }
  void add(const ValueLists& lists, size_t group);
  void add(const RankCounts& other);
  size_t total() const;
  /// The number of values in the buckets whose entry in `buckets` is not 0.
  size_t count_in(std::span<const uint8_t> buckets) const;
  /// By bucket: whether it is between the values of rank - margin and rank + margin, for one of
  /// `ranks`. Rank 0 is the smallest value. If there is no such lower or upper rank, all lower or
  /// upper buckets are included.
  std::vector<uint8_t> buckets_near(std::span<const size_t> ranks, size_t margin) const;
  /// Removes all values.
  void clear();

  /// The digit after the first `depth` digits.
  static uint32_t bucket_of(double value, unsigned depth = 0) {
    return static_cast<uint32_t>(rank_key(value) << (depth * kDigitBits) >> (64 - kDigitBits));
  }

 private:
  friend class RankCandidates;
  uint32_t bucket_at(size_t rank) const;

  std::vector<uint32_t> counts_;
  uint32_t min_ = kBucketCount - 1;  // all values are in [min_, max_]
  uint32_t max_ = 0;
};

/// The values that may have one of the wanted ranks: all that share their first digits, the
/// *prefix*, with a value of a wanted rank.
class RankCandidates {
 public:
  static constexpr size_t kNone = SIZE_MAX;

  RankCandidates() : holds_digit_(RankCounts::kBucketCount) {}

  /// Chooses by the first digit. Rank 0 is the smallest value. Requires: ranks are below the number
  /// of values counted.
  void choose(const RankCounts& counts, std::span<const size_t> ranks);
  /// Narrows the choice by one more digit: counts[i] has the values with prefix i. Requires:
  /// depth() < kDigitsMax.
  void refine(std::span<const RankCounts> counts);

  /// Whether a value is a candidate.
  bool holds(double value) const {
    if (!holds_digit_[RankCounts::bucket_of(value)]) return false;
    return depth_ == 1 || find_prefix(value) != kNone;
  }
  /// The number of a value's prefix; kNone if the value is not a candidate.
  size_t prefix_of(double value) const {
    return holds_digit_[RankCounts::bucket_of(value)] ? find_prefix(value) : kNone;
  }
  size_t prefix_count() const { return prefixes_.size(); }
  /// The number of digits of a prefix. With kDigitsMax a prefix is a value, so that no values have
  /// to be collected.
  unsigned depth() const { return depth_; }
  /// How many of the counted values have to be collected.
  size_t count() const;
  /// Whether all candidates are in buckets whose entry is not 0.
  bool are_in(std::span<const uint8_t> buckets) const;
  /// out[i] becomes the value with rank ranks[i]. Reorders `values`. Requires: `values` are the
  /// candidates.
  void select(std::span<double> values, std::span<double> out) const;

 private:
  struct Prefix {
    uint64_t key;  // the digits after the prefix are 0
    size_t end;    // the number of candidates with this or a smaller prefix
  };

  size_t find_prefix(double value) const;
  void mark(bool held);

  std::vector<uint8_t> holds_digit_;  // by first digit: whether some candidate has it
  std::vector<Prefix> prefixes_;      // ascending
  std::vector<size_t> places_;        // by wanted rank: its rank among the candidates alone
  unsigned depth_ = 0;
};

/// Selects values without changing the lists. Use one per thread, repeatedly, so that its memory is
/// reused.
class RankSelect {
 public:
  /// out[i] becomes the value with rank ranks[i]; rank 0 is the smallest value. Requires: ranks are
  /// below the number of the group's values; no value is NaN.
  void select(const ValueLists& lists, size_t group, std::span<const size_t> ranks,
              std::span<double> out);
  /// The same for ranks whose candidates were chosen before. Requires: the list has all candidates.
  void select(const ValueLists& lists, size_t group, const RankCandidates& candidates,
              std::span<double> out);
  /// A copy of the group's values, which the caller may change. Lives until the next call.
  std::span<double> copy(const ValueLists& lists, size_t group);

 private:
  RankCounts counts_;  // empty between two calls
  RankCandidates candidates_;
  std::vector<double> values_;
};

}  // namespace tocsin
