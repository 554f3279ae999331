#include "query/aggregate/rank_select.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "db/base/check.h"

namespace tocsin {
namespace {

/// Fewer values are selected in a copy.
constexpr size_t kCountedMin = 4096;

double value_of_rank_key(uint64_t key) {
  const bool is_negative = key >> 63 == 0;
  return std::bit_cast<double>(is_negative ? ~key : key ^ uint64_t{1} << 63);
}

// From the smallest rank to the largest: what stands before one is not looked at for the next.
void select_in(std::span<double> values, std::span<const size_t> ranks, std::span<double> out) {
  std::vector<size_t> order(ranks.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::ranges::sort(order, {}, [&](size_t i) { return ranks[i]; });
  size_t settled = 0;  // values in their places, none of which is above any behind them
  for (const size_t i : order) {
    if (ranks[i] >= settled) {
      const auto behind = values.subspan(settled);
      std::ranges::nth_element(behind, behind.begin() + static_cast<ptrdiff_t>(ranks[i] - settled));
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

void WantedValues::choose(const RankCounts& counts, std::span<const size_t> ranks) {
  mark(false);
  prefixes_ = {{0, counts.total()}};  // all values begin with no digit
  places_.assign(ranks.begin(), ranks.end());
  depth_ = 0;
  refine(std::span(&counts, 1));
}

void WantedValues::mark(bool wanted) {
  for (const Prefix& prefix : prefixes_) {
    wanted_[prefix.key >> (64 - RankCounts::kDigitBits)] = wanted;
  }
}

void WantedValues::refine(std::span<const RankCounts> counts) {
  const unsigned shift = 64 - RankCounts::kDigitBits * (depth_ + 1);
  std::vector<size_t> order(places_.size());  // of the places: ascending
  std::iota(order.begin(), order.end(), size_t{0});
  std::ranges::sort(order, {}, [&](size_t i) { return places_[i]; });
  auto next = order.begin();
  std::vector<Prefix> longer;
  size_t wanted = 0;  // values of the longer prefixes
  size_t below = 0;   // values of all buckets before this one
  for (size_t i = 0; i < prefixes_.size(); ++i) {
    for (uint32_t bucket = counts[i].min_; bucket <= counts[i].max_; ++bucket) {
      const size_t count = counts[i].counts_[bucket];
      const bool holds_place = next != order.end() && places_[*next] < below + count;
      for (; next != order.end() && places_[*next] < below + count; ++next) {
        places_[*next] = wanted + (places_[*next] - below);
      }
      if (holds_place)
        longer.push_back({prefixes_[i].key | uint64_t{bucket} << shift, wanted += count});
      below += count;
    }
  }
  TOCSIN_CHECK(next == order.end());
  if (depth_ != 0) mark(false);
  prefixes_ = std::move(longer);
  ++depth_;
  mark(depth_ < RankCounts::kDigitsMax);
}

size_t WantedValues::count() const {
  return depth_ == RankCounts::kDigitsMax || prefixes_.empty() ? 0 : prefixes_.back().end;
}

size_t WantedValues::find_prefix(double value) const {
  const uint64_t key = rank_key(value);
  const auto behind = std::ranges::upper_bound(prefixes_, key, {}, &Prefix::key);
  if (behind == prefixes_.begin()) return kNone;
  const unsigned shift = 64 - RankCounts::kDigitBits * depth_;
  const auto found = behind - 1;
  if (found->key >> shift != key >> shift) return kNone;
  return static_cast<size_t>(found - prefixes_.begin());
}

bool WantedValues::are_in(std::span<const uint8_t> buckets) const {
  return depth_ == RankCounts::kDigitsMax ||
         std::ranges::all_of(prefixes_, [&](const Prefix& prefix) {
           return buckets[prefix.key >> (64 - RankCounts::kDigitBits)] != 0;
         });
}

void WantedValues::select(std::span<double> values, std::span<double> out) const {
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
  wanted_.choose(counts_, ranks);
  counts_.clear();
  select(lists, group, wanted_, out);
}

void RankSelect::select(const ValueLists& lists, size_t group, const WantedValues& wanted,
                        std::span<double> out) {
  values_.resize(wanted.count() + 1);  // one more: where what is not wanted is written
  size_t at = 0;
  lists.for_each_chunk(group, [&](std::span<const double> chunk) {
    for (const double value : chunk) {
      values_[at] = value;
      at += wanted.holds(value);
    }
  });
  wanted.select(std::span(values_).first(at), out);
}

}  // namespace tocsin
