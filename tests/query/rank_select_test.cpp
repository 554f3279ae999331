#include "query/rank_select.h"

#include <algorithm>
#include <random>
#include <vector>

#include <catch2/catch.hpp>

namespace tocsin {
namespace {

TEST_CASE("rank select: ranks come in any order, and twice", "[query]") {
  std::mt19937 random(3);
  RankSelect select;  // reused: nothing of one list may stay for the next
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
  check(20'000, 3);  // so many are counted by their leading bits first
  check(20'000, 1'000'000);
}

TEST_CASE("rank select: of few values, where those of many more are to be expected", "[query]") {
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
    // Beyond the smallest and the largest so far, where the rank is near to these.
    CHECK(is_near(-1e30) == (rank < 100));
    CHECK(is_near(1e30) == (rank > 9'899));
  }

  const std::vector<size_t> ranks = {50, 5'000};
  WantedValues wanted;
  wanted.choose(few, ranks);
  CHECK(wanted.are_in(few.buckets_near(ranks, 0)));
  CHECK_FALSE(wanted.are_in(few.buckets_near(std::vector<size_t>{50}, 0)));
}

}  // namespace
}  // namespace tocsin
