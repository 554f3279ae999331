#include "query/series/tail.h"

#include <cmath>
#include <random>

#include <catch2/catch.hpp>

using namespace tocsin;

TEST_CASE("tail: the quantiles of an exponential distribution", "[query]") {
  std::mt19937 random(3);
  std::exponential_distribution<> exponential(1);
  UpperTail tail;
  for (int i = 0; i < 20'000; ++i) tail.add(exponential(random));
  for (const double q : {1e-3, 1e-4, 1e-5}) {
    CHECK(tail.quantile(q, 0) == Approx(-std::log(q)).epsilon(0.2));
  }
  CHECK(tail.rarity(-std::log(1e-4)) == Approx(4).epsilon(0.2));
  CHECK(tail.rarity(1) == 0);
}

TEST_CASE("tail: heavy tails reach farther, as far as the shape may", "[query]") {
  std::mt19937 random(3);
  std::student_t_distribution<> student(3);
  UpperTail tail;
  for (int i = 0; i < 20'000; ++i) tail.add(std::fabs(student(random)));
  CHECK(tail.quantile(1e-7, 0.4) > 1.15 * tail.quantile(1e-7, 0));
}

TEST_CASE("tail: a few values say nothing, equal ones no more than themselves", "[query]") {
  UpperTail tail;
  for (int i = 0; i < 10; ++i) tail.add(i);
  CHECK(std::isinf(tail.quantile(1e-3, 0)));
  CHECK(tail.rarity(100) == 0);
  UpperTail equal;
  for (int i = 0; i < 100; ++i) equal.add(5);
  CHECK(equal.quantile(1e-3, 0) == 5);
  CHECK(equal.rarity(5) == 0);
  CHECK(equal.rarity(6) > 6);
}

TEST_CASE("tail: a recent tail forgets what is older than two periods", "[query]") {
  RecentTail tail;
  for (int i = 0; i < 1000; ++i) tail.add(i % 100 + 1000, 1000);
  for (int i = 0; i < 999; ++i) tail.add(i % 100, 1000);
  CHECK(tail.quantile(0.001, 0) > 1000);
  for (int i = 0; i < 1001; ++i) tail.add(i % 100, 1000);
  CHECK(tail.quantile(0.001, 0) < 500);
}
