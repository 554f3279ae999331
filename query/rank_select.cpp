#include "query/rank_select.h"

#include <algorithm>
#include <array>
#include <bit>
#include <numeric>

#include "db/base/check.h"

namespace tocsin {
namespace {

// Sign, exponent and four bits of the fraction: a sixteenth of a binade.
constexpr unsigned kLeadingBits = 16;
constexpr size_t kBucketCount = size_t{1} << kLeadingBits;
/// Fewer values are selected in a copy.
constexpr size_t kCountedMin = 4096;

// Numbers that order like the doubles, cut to their leading bits: for negative ones all bits are
// turned over, for others the sign.
uint32_t bucket_of(double value) {
  const auto bits = std::bit_cast<uint64_t>(value);
  const uint64_t flip = (uint64_t{0} - (bits >> 63)) | (uint64_t{1} << 63);
  return static_cast<uint32_t>((bits ^ flip) >> (64 - kLeadingBits));
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
  const size_t total = lists.count(group);
  if (total < kCountedMin) return select_in(copy(lists, group), ranks, out);

  counts_.resize(kBucketCount);
  wanted_.resize(kBucketCount);
  uint32_t min = kBucketCount - 1;
  uint32_t max = 0;
  lists.for_each_chunk(group, [&](std::span<const double> chunk) {
    for (const double value : chunk) {
      const uint32_t bucket = bucket_of(value);
      ++counts_[bucket];
      min = std::min(min, bucket);
      max = std::max(max, bucket);
    }
  });

  // Where each rank lies among the values of the wanted buckets alone.
  std::vector<size_t> ascending(ranks.begin(), ranks.end());
  std::ranges::sort(ascending);
  size_t below = 0;                               // values in the buckets before this one
  size_t wanted_below = 0;                        // those of wanted buckets
  std::vector<std::pair<size_t, size_t>> places;  // rank, place
  for (uint32_t bucket = min; bucket <= max; ++bucket) {
    const size_t end = below + counts_[bucket];
    while (places.size() < ascending.size() && ascending[places.size()] < end) {
      const size_t rank = ascending[places.size()];
      places.emplace_back(rank, wanted_below + (rank - below));
      wanted_[bucket] = 1;
    }
    if (wanted_[bucket]) wanted_below += counts_[bucket];
    below = end;
  }
  TOCSIN_CHECK(places.size() == ranks.size());

  values_.resize(wanted_below + 1);  // one more: where what is not wanted is written
  size_t at = 0;
  lists.for_each_chunk(group, [&](std::span<const double> chunk) {
    for (const double value : chunk) {
      values_[at] = value;
      at += wanted_[bucket_of(value)];
    }
  });
  std::vector<size_t> in_wanted;
  for (const size_t rank : ranks) {
    in_wanted.push_back(std::ranges::lower_bound(places, std::pair(rank, size_t{0}))->second);
  }
  select_in(std::span(values_).first(wanted_below), in_wanted, out);
  std::fill(counts_.begin() + min, counts_.begin() + max + 1, 0u);
  std::fill(wanted_.begin() + min, wanted_.begin() + max + 1, uint8_t{0});
}

}  // namespace tocsin
