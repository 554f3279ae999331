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

}  // namespace
}  // namespace tocsin
