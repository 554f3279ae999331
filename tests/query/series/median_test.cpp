#include "query/series/median.h"

#include <vector>

#include <catch2/catch.hpp>

using namespace tocsin;

TEST_CASE("median: the median of an even number of values is between two", "[query]") {
  std::vector<double> values = {9, 1, 4, 2};
  CHECK(median_of(values) == 3);
  values = {7, 1, 9};
  CHECK(median_of(values) == 7);
  values = {5};
  CHECK(median_of(values) == 5);
}
