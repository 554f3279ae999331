#include "query/rank_select.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "db/base/check.h"

namespace tocsin {
namespace {

/// Fewer values are selected in a copy.
constexpr size_t kCountedMin = 4096;

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
  if (min_ <= max_) std::fill(wanted_.begin() + min_, wanted_.begin() + max_ + 1, uint8_t{0});
  min_ = counts.min_;
  max_ = counts.max_;
  count_ = 0;
  std::vector<size_t> ascending(ranks.begin(), ranks.end());
  std::ranges::sort(ascending);
  size_t below = 0;                               // values in the buckets before this one
  std::vector<std::pair<size_t, size_t>> places;  // rank, and that among the wanted values
  for (uint32_t bucket = min_; bucket <= max_; ++bucket) {
    const size_t end = below + counts.counts_[bucket];
    while (places.size() < ascending.size() && ascending[places.size()] < end) {
      const size_t rank = ascending[places.size()];
      places.emplace_back(rank, count_ + (rank - below));
      wanted_[bucket] = 1;
    }
    if (wanted_[bucket]) count_ += counts.counts_[bucket];
    below = end;
  }
  TOCSIN_CHECK(places.size() == ranks.size());
  places_.clear();
  for (const size_t rank : ranks) {
    places_.push_back(std::ranges::lower_bound(places, std::pair(rank, size_t{0}))->second);
  }
}

bool WantedValues::are_in(std::span<const uint8_t> buckets) const {
  for (uint32_t bucket = min_; bucket <= max_; ++bucket) {
    if (wanted_[bucket] && !buckets[bucket]) return false;
  }
  return true;
}

void WantedValues::select(std::span<double> values, std::span<double> out) const {
  TOCSIN_CHECK(values.size() == count_);
  select_in(values, places_, out);
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
