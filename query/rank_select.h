// The values of given ranks in an unsorted list, in two passes over it: a first one counts the
// values by the leading bits of a number that orders like them, a second one collects those that
// share these bits with a wanted value.
#pragma once

#include <bit>
#include <cstdint>
#include <span>
#include <vector>

#include "query/value_lists.h"

namespace tocsin {

/// How many values have which leading bits. Up to UINT32_MAX values, none of them NaN.
class RankCounts {
 public:
  /// Sign, exponent and four bits of the fraction: a sixteenth of a binade.
  static constexpr unsigned kLeadingBits = 16;
  static constexpr uint32_t kBucketCount = uint32_t{1} << kLeadingBits;
  static constexpr size_t kMemoryBytes = kBucketCount * sizeof(uint32_t);

  RankCounts() : counts_(kBucketCount) {}

  void add(double value) { add(bucket_of(value), 1); }
  void add(const ValueLists& lists, size_t group);
  void add(const RankCounts& other);
  size_t total() const;
  /// By bucket: whether, of many more values like those counted, the one of a rank in proportion to
  /// one of `ranks`, give or take `margin`, is to be expected there. Rank 0 is the smallest.
  std::vector<uint8_t> buckets_near(std::span<const size_t> ranks, size_t margin) const;
  /// Leaves it as it was made.
  void clear();

  // Numbers that order like the doubles, cut to their leading bits: for negative ones all bits are
  // turned over, for others the sign.
  static uint32_t bucket_of(double value) {
    const auto bits = std::bit_cast<uint64_t>(value);
    const uint64_t flip = (uint64_t{0} - (bits >> 63)) | (uint64_t{1} << 63);
    return static_cast<uint32_t>((bits ^ flip) >> (64 - kLeadingBits));
  }

 private:
  friend class WantedValues;
  void add(uint32_t bucket, uint32_t count) {
    counts_[bucket] += count;
    min_ = bucket < min_ ? bucket : min_;
    max_ = bucket > max_ ? bucket : max_;
  }
  uint32_t bucket_at(size_t rank) const;

  std::vector<uint32_t> counts_;
  uint32_t min_ = kBucketCount - 1;  // all values are in [min_, max_]
  uint32_t max_ = 0;
};

/// Which values may have one of some ranks.
class WantedValues {
 public:
  WantedValues() : wanted_(RankCounts::kBucketCount) {}

  /// Rank 0 is the smallest. Requires: ranks are below the number of values counted.
  void choose(const RankCounts& counts, std::span<const size_t> ranks);
  bool holds(double value) const { return wanted_[RankCounts::bucket_of(value)] != 0; }
  /// How many of the values counted are wanted.
  size_t count() const { return count_; }
  /// Whether all of them are in these buckets.
  bool are_in(std::span<const uint8_t> buckets) const;
  /// out[i] is the value of rank ranks[i]. Requires: `values` are those wanted; reorders them.
  void select(std::span<double> values, std::span<double> out) const;

 private:
  std::vector<uint8_t> wanted_;  // by bucket
  size_t count_ = 0;
  std::vector<size_t> places_;  // by rank given: its rank among the wanted values alone
  uint32_t min_ = 0, max_ = 0;  // of the buckets that were looked at
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
