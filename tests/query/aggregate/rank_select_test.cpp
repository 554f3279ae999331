#include "query/aggregate/rank_select.h"

#include <algorithm>
#include <bit>
#include <iterator>
#include <random>
#include <vector>

#include <catch2/catch.hpp>

namespace tocsin {
namespace {

TEST_CASE("rank select: accepts ranks in any order, and repeated ones", "[query]") {
  std::mt19937 random(3);
  RankSelect select;  // reused: no list may affect the next
  const auto check = [&](size_t count, unsigned distinct) {
    ValueLists lists;
    lists.resize(1);
    std::vector<double> sorted;
    for (size_t i = 0; i < count; ++i) {
      sorted.push_back(static_cast<double>(random() % distinct) / 8 - 20);
      lists.append(0, sorted.back());
    }
    std::ranges::sort(sorted);
    const std::vector<size_t> ranks = {count - 1, count / 2,  0,
                                       count / 2, count / 20, count * 19 / 20};
    std::vector<double> found(ranks.size());
    select.select(lists, 0, ranks, found);
    for (size_t i = 0; i < ranks.size(); ++i) CHECK(found[i] == sorted[ranks[i]]);
  };
  check(1, 100);
  check(2, 100);
  check(1000, 5);
  check(1000, 1'000'000);
  check(20'000, 3);  // long lists are counted by their leading bits first
  check(20'000, 1'000'000);
}

TEST_CASE("rank select: predicts the buckets of wanted ranks from few of the values", "[query]") {
  std::mt19937 random(5);
  RankCounts few;
  std::vector<double> sorted;
  for (int i = 0; i < 10'000; ++i) {
    sorted.push_back(static_cast<double>(random() % 1'000'000) - 300'000);
    few.add(sorted.back());
  }
  std::ranges::sort(sorted);
  for (const size_t rank : {size_t{0}, size_t{50}, size_t{5'000}, size_t{9'999}}) {
    CAPTURE(rank);
    const std::vector<uint8_t> near = few.buckets_near(std::vector{rank}, 100);
    const auto is_near = [&](double value) { return near[RankCounts::bucket_of(value)] != 0; };
    for (size_t i = 0; i < sorted.size(); ++i) {
      const bool is_in_margin = std::max(rank, i) - std::min(rank, i) <= 100;
      CHECK(is_near(sorted[i]) >= is_in_margin);
    }
    CHECK_FALSE(is_near(sorted[(rank + 5'000) % sorted.size()]));
    // Values below the smallest and above the largest are near if the rank is near to these.
    CHECK(is_near(-1e30) == (rank < 100));
    CHECK(is_near(1e30) == (rank > 9'899));
  }

  const std::vector<size_t> ranks = {50, 5'000};
  RankCandidates candidates;
  candidates.choose(few, ranks);
  CHECK(candidates.are_in(few.buckets_near(ranks, 0)));
  CHECK_FALSE(candidates.are_in(few.buckets_near(std::vector<size_t>{50}, 0)));
}

TEST_CASE("rank select: digit by digit, down to the value", "[query]") {
  std::mt19937_64 random(7);
  std::vector<double> values = {-1e308, -0.5, 0, 5e-324, 1e308};
  for (int i = 0; i < 2'000; ++i) {
    values.push_back(std::bit_cast<double>(random() >> 2));                 // any bits
    values.push_back(-static_cast<double>(random() % 5) - 1);               // many equal values
    values.push_back(1e9 + static_cast<double>(random() % 100) * 0x1p-20);  // differ in late digits
  }
  std::vector<double> sorted = values;
  std::ranges::sort(sorted);
  std::vector<size_t> ranks;
  for (size_t rank = 0; rank < sorted.size(); rank += 97) ranks.push_back(rank);
  std::ranges::shuffle(ranks, random);
  ranks.push_back(ranks.front());

  RankCounts first;
  for (const double value : values) first.add(value);
  RankCandidates candidates;
  candidates.choose(first, ranks);
  for (;;) {
    CAPTURE(candidates.depth());
    std::vector<double> kept;
    std::ranges::copy_if(values, std::back_inserter(kept),
                         [&](double value) { return candidates.holds(value); });
    CHECK(kept.size() == candidates.count());
    std::vector<double> found(ranks.size());
    candidates.select(kept, found);
    for (size_t i = 0; i < ranks.size(); ++i) CHECK(found[i] == sorted[ranks[i]]);
    if (candidates.depth() == RankCounts::kDigitsMax) break;
    std::vector<RankCounts> counts(candidates.prefix_count());
    for (const double value : values) {
      const size_t prefix = candidates.prefix_of(value);
      CHECK((prefix != RankCandidates::kNone) == candidates.holds(value));
      if (prefix == RankCandidates::kNone) continue;
      counts.at(prefix).add(RankCounts::bucket_of(value, candidates.depth()), 1);
    }
    candidates.refine(counts);
  }
}

}  // namespace
}  // namespace tocsin
