#include "query/aggregate/rank_select.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "db/base/check.h"

namespace tocsin {
namespace {

/// Shorter lists are copied and selected with nth_element.
constexpr size_t kCountedMin = 4096;

double value_of_rank_key(uint64_t key) {
  const bool is_negative = key >> 63 == 0;
  return std::bit_cast<double>(is_negative ? ~key : key ^ uint64_t{1} << 63);
}

// Ranks are processed in ascending order, so that the search for each starts after the one before.
void select_in(std::span<double> values, std::span<const size_t> ranks, std::span<double> out) {
  std::vector<size_t> order(ranks.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::ranges::sort(order, {}, [&](size_t i) { return ranks[i]; });
  size_t settled = 0;  // the first values, which are not greater than any of the others
  for (const size_t i : order) {
    if (ranks[i] >= settled) {
      const auto rest = values.subspan(settled);
      std::ranges::nth_element(rest, rest.begin() + static_cast<ptrdiff_t>(ranks[i] - settled));
      settled = ranks[i] + 1;
    }
    out[i] = values[ranks[i]];
  }
}

}  // namespace

void RankCounts::add(const RankCounts& other) {
  for (uint32_t bucket = other.min_; bucket <= other.max_; ++bucket) {
    if (other.counts_[bucket] != 0) add(bucket, other.counts_[bucket]);
  }
}

void RankCounts::add(const ValueLists& lists, size_t group) {
  lists.for_each_chunk(group, [&](std::span<const double> chunk) {
    for (const double value : chunk) add(value);
  });
}

size_t RankCounts::total() const {
  return std::accumulate(counts_.begin(), counts_.end(), size_t{0});
}

size_t RankCounts::count_in(std::span<const uint8_t> buckets) const {
  size_t count = 0;
  for (uint32_t bucket = min_; bucket <= max_; ++bucket) {
    if (buckets[bucket]) count += counts_[bucket];
  }
  return count;
}

// Requires: rank < total().
uint32_t RankCounts::bucket_at(size_t rank) const {
  uint32_t bucket = min_;
  for (size_t end = counts_[bucket]; end <= rank; end += counts_[bucket]) ++bucket;
  return bucket;
}

std::vector<uint8_t> RankCounts::buckets_near(std::span<const size_t> ranks, size_t margin) const {
  std::vector<uint8_t> near(kBucketCount);
  const size_t count = total();
  for (const size_t rank : ranks) {
    const uint32_t first = rank < margin ? 0 : bucket_at(rank - margin);
    const uint32_t last = rank + margin < count ? bucket_at(rank + margin) : kBucketCount - 1;
    std::fill(near.begin() + first, near.begin() + last + 1, uint8_t{1});
  }
  return near;
}

void RankCounts::clear() {
  if (min_ <= max_) std::fill(counts_.begin() + min_, counts_.begin() + max_ + 1, 0u);
  min_ = kBucketCount - 1;
  max_ = 0;
}

void RankCandidates::choose(const RankCounts& counts, std::span<const size_t> ranks) {
  mark(false);
  prefixes_ = {{0, counts.total()}};  // the empty prefix, which all values share
  places_.assign(ranks.begin(), ranks.end());
  depth_ = 0;
  refine(std::span(&counts, 1));
}

void RankCandidates::mark(bool held) {
  for (const Prefix& prefix : prefixes_) {
    holds_digit_[prefix.key >> (64 - RankCounts::kDigitBits)] = held;
  }
}

void RankCandidates::refine(std::span<const RankCounts> counts) {
  const unsigned shift = 64 - RankCounts::kDigitBits * (depth_ + 1);
  std::vector<size_t> order(places_.size());  // indexes of places_, by ascending place
  std::iota(order.begin(), order.end(), size_t{0});
  std::ranges::sort(order, {}, [&](size_t i) { return places_[i]; });
  auto next = order.begin();
  std::vector<Prefix> longer;
  size_t held = 0;   // values with one of the longer prefixes
  size_t below = 0;  // values in all buckets before this one
  for (size_t i = 0; i < prefixes_.size(); ++i) {
    for (uint32_t bucket = counts[i].min_; bucket <= counts[i].max_; ++bucket) {
      const size_t count = counts[i].counts_[bucket];
      const bool holds_place = next != order.end() && places_[*next] < below + count;
      for (; next != order.end() && places_[*next] < below + count; ++next) {
        places_[*next] = held + (places_[*next] - below);
      }
      if (holds_place) {
        longer.push_back({prefixes_[i].key | uint64_t{bucket} << shift, held += count});
      }
      below += count;
    }
  }
  TOCSIN_CHECK(next == order.end());
  if (depth_ != 0) mark(false);
  prefixes_ = std::move(longer);
  ++depth_;
  mark(depth_ < RankCounts::kDigitsMax);
}

size_t RankCandidates::count() const {
  return depth_ == RankCounts::kDigitsMax || prefixes_.empty() ? 0 : prefixes_.back().end;
}

size_t RankCandidates::find_prefix(double value) const {
  const uint64_t key = rank_key(value);
  const auto next = std::ranges::upper_bound(prefixes_, key, {}, &Prefix::key);
  if (next == prefixes_.begin()) return kNone;
  const unsigned shift = 64 - RankCounts::kDigitBits * depth_;
  const auto found = next - 1;
  if (found->key >> shift != key >> shift) return kNone;
  return static_cast<size_t>(found - prefixes_.begin());
}

bool RankCandidates::are_in(std::span<const uint8_t> buckets) const {
  return depth_ == RankCounts::kDigitsMax ||
         std::ranges::all_of(prefixes_, [&](const Prefix& prefix) {
           return buckets[prefix.key >> (64 - RankCounts::kDigitBits)] != 0;
         });
}

void RankCandidates::select(std::span<double> values, std::span<double> out) const {
  TOCSIN_CHECK(values.size() == count());
  if (depth_ < RankCounts::kDigitsMax) return select_in(values, places_, out);
  for (size_t i = 0; i < places_.size(); ++i) {
    const auto found = std::ranges::upper_bound(prefixes_, places_[i], {}, &Prefix::end);
    out[i] = value_of_rank_key(found->key);
  }
}

std::span<double> RankSelect::copy(const ValueLists& lists, size_t group) {
  values_.resize(lists.count(group));
  size_t at = 0;
  lists.for_each_chunk(group, [&](std::span<const double> chunk) {
    std::ranges::copy(chunk, values_.begin() + static_cast<ptrdiff_t>(at));
    at += chunk.size();
  });
  return values_;
}

void RankSelect::select(const ValueLists& lists, size_t group, std::span<const size_t> ranks,
                        std::span<double> out) {
  if (lists.count(group) < kCountedMin) return select_in(copy(lists, group), ranks, out);
  counts_.add(lists, group);
  candidates_.choose(counts_, ranks);
  counts_.clear();
  select(lists, group, candidates_, out);
}

void RankSelect::select(const ValueLists& lists, size_t group, const RankCandidates& candidates,
                        std::span<double> out) {
  values_.resize(candidates.count() + 1);  // the last one receives values that are not candidates
  size_t at = 0;
  lists.for_each_chunk(group, [&](std::span<const double> chunk) {
    for (const double value : chunk) {
      values_[at] = value;
      at += candidates.holds(value);
    }
  });
  candidates.select(std::span(values_).first(at), out);
}

}  // namespace tocsin
