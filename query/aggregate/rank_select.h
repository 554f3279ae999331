// The values of given ranks among many that are not sorted: a first pass counts them by the first
// digit of a number that orders like them, a second one collects those that share it with a wanted
// value. When these are too many, it counts them by the next digit instead, and a third follows.
#pragma once

#include <bit>
#include <cstdint>
#include <span>
#include <vector>

#include "query/base/value_lists.h"

namespace tocsin {

/// A number that orders like the doubles: of negative ones all bits are turned over, of others the
/// sign. Requires: not NaN.
inline uint64_t rank_key(double value) {
  const auto bits = std::bit_cast<uint64_t>(value);
  const uint64_t flip = (uint64_t{0} - (bits >> 63)) | (uint64_t{1} << 63);
  return bits ^ flip;
}

/// How many values have which digit. Up to UINT32_MAX values.
class RankCounts {
 public:
  static constexpr unsigned kDigitBits = 16;
  static constexpr unsigned kDigitsMax = 64 / kDigitBits;
  static constexpr uint32_t kBucketCount = uint32_t{1} << kDigitBits;
  static constexpr size_t kMemoryBytes = kBucketCount * sizeof(uint32_t);

  RankCounts() : counts_(kBucketCount) {}

  /// By its first digit: sign, exponent and four bits of the fraction, a sixteenth of a binade.
  void add(double value) { add(bucket_of(value), 1); }
  void add(uint32_t bucket, uint32_t count) {
    counts_[bucket] += count;
    min_ = bucket < min_ ? bucket : min_;
    max_ = bucket > max_ ? bucket : max_;
  }
  void add(const ValueLists& lists, size_t group);
  void add(const RankCounts& other);
  size_t total() const;
  /// The values in the buckets that are not 0 there.
  size_t count_in(std::span<const uint8_t> buckets) const;
  /// By bucket: whether, of many more values like those counted, the one of a rank in proportion to
  /// one of `ranks`, give or take `margin`, is to be expected there. Rank 0 is the smallest.
  std::vector<uint8_t> buckets_near(std::span<const size_t> ranks, size_t margin) const;
  /// Leaves it as it was made.
  void clear();

  /// The digit behind `depth` others.
  static uint32_t bucket_of(double value, unsigned depth = 0) {
    return static_cast<uint32_t>(rank_key(value) << (depth * kDigitBits) >> (64 - kDigitBits));
  }

 private:
  friend class WantedValues;
  uint32_t bucket_at(size_t rank) const;

  std::vector<uint32_t> counts_;
  uint32_t min_ = kBucketCount - 1;  // all values are in [min_, max_]
  uint32_t max_ = 0;
};

/// Which values may have one of some ranks: those whose first digits, their *prefix*, are those of
/// a value that has one.
class WantedValues {
 public:
  static constexpr size_t kNone = SIZE_MAX;

  WantedValues() : wanted_(RankCounts::kBucketCount) {}

  /// By the first digit. Rank 0 is the smallest. Requires: ranks are below the number of values
  /// counted.
  void choose(const RankCounts& counts, std::span<const size_t> ranks);
  /// By one digit more: counts[i] are those with prefix i. Requires: depth() < kDigitsMax.
  void refine(std::span<const RankCounts> counts);

  /// Whether a value is wanted.
  bool holds(double value) const {
    if (!wanted_[RankCounts::bucket_of(value)]) return false;
    return depth_ == 1 || find_prefix(value) != kNone;
  }
  /// The number of the prefix of a value; kNone when it is not wanted.
  size_t prefix_of(double value) const {
    return wanted_[RankCounts::bucket_of(value)] ? find_prefix(value) : kNone;
  }
  size_t prefix_count() const { return prefixes_.size(); }
  /// Digits of a prefix. With kDigitsMax a prefix is a value: none is wanted any more.
  unsigned depth() const { return depth_; }
  /// How many of the values counted are wanted.
  size_t count() const;
  /// Whether all of them are in these buckets.
  bool are_in(std::span<const uint8_t> buckets) const;
  /// out[i] is the value of rank ranks[i]. Requires: `values` are those wanted; reorders them.
  void select(std::span<double> values, std::span<double> out) const;

 private:
  struct Prefix {
    uint64_t key;  // the digits behind it are 0
    size_t end;    // how many wanted values have this or a smaller one
  };

  size_t find_prefix(double value) const;
  void mark(bool wanted);

  std::vector<uint8_t> wanted_;   // by first digit
  std::vector<Prefix> prefixes_;  // ascending
  std::vector<size_t> places_;    // by rank given: its rank among the wanted values alone
  unsigned depth_ = 0;
};

/// Selects in lists that stay as they are. One per thread; reuse it to reuse its memory.
class RankSelect {
 public:
  /// out[i] is the value of rank ranks[i], 0 the smallest. Requires: ranks are below the number of
  /// the group's values; no value is NaN.
  void select(const ValueLists& lists, size_t group, std::span<const size_t> ranks,
              std::span<double> out);
  /// The same of values chosen before. Requires: the list has all of them.
  void select(const ValueLists& lists, size_t group, const WantedValues& wanted,
              std::span<double> out);
  /// All values of the group; may be reordered until the next call.
  std::span<double> copy(const ValueLists& lists, size_t group);

 private:
  RankCounts counts_;  // empty between two calls
  WantedValues wanted_;
  std::vector<double> values_;
};

}  // namespace tocsin
