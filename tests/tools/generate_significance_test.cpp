// The tests that decide whether a label counts, against exact values (computed with rational and
// 50-digit arithmetic).
#include <catch2/catch.hpp>

#include "tools/generate/worlds/significance.h"

namespace tocsin::generate {

TEST_CASE("significance: Poisson tails are exact, also far out", "[generate]") {
  const auto check = [](uint64_t count, double mean, double at_least) {
    CHECK(poisson_at_least(count, mean) == Approx(at_least).epsilon(1e-9));
  };
  check(0, 3, 1);
  check(1, 0, 0);
  check(1, 0.5, 3.934693402874e-01);
  check(10, 3, 1.102488130115e-03);
  check(30, 10, 2.509951201528e-07);
  check(5, 20, 9.999830552561e-01);
  check(200, 100, 9.343150072988e-19);
  check(1100, 1000, 9.626304058666e-04);
  CHECK(poisson_below(0, 5) == 0);
  CHECK(poisson_below(5, 0) == 1);
  CHECK(poisson_below(5, 20) == Approx(1.694474393007e-05).epsilon(1e-9));
  CHECK(poisson_below(10, 3) == Approx(9.988975118699e-01).epsilon(1e-9));
}

TEST_CASE("significance: binomial tails are exact, also far out", "[generate]") {
  const auto check = [](uint64_t count, uint64_t trials, double probability, double at_least) {
    CHECK(binomial_at_least(count, trials, probability) == Approx(at_least).epsilon(1e-9));
  };
  check(0, 10, 0.1, 1);
  check(11, 10, 0.1, 0);
  check(3, 10, 0, 0);
  check(10, 10, 1, 1);
  check(1, 10, 0.1, 6.513215599000e-01);
  check(12, 100, 0.02, 8.420024304713e-07);
  check(60, 1000, 0.02, 1.871500539909e-13);
  check(30, 40, 0.5, 1.110716886615e-03);
  check(5, 40, 0.5, 9.999999071488e-01);
}

TEST_CASE("significance: a rising count shows from the mean on that reaches the critical value",
          "[generate]") {
  // At a mean of 10, 29 events are critical; a mean of 38.5 reaches them with 95.2 %, 38 with 94.3.
  CHECK(count_differs(10, 38.5));
  CHECK(!count_differs(10, 38));
  CHECK(count_differs(100, 173));
  CHECK(!count_differs(100, 172.5));
  CHECK(!count_differs(100, 100));
}

TEST_CASE("significance: a falling count shows only where silence would be improbable",
          "[generate]") {
  CHECK(count_differs(100, 44));
  CHECK(!count_differs(100, 44.5));
  CHECK(count_differs(14, 0));     // e^-14 is 8e-7
  CHECK(!count_differs(13.5, 0));  // e^-13.5 is 1.4e-6
  CHECK(!count_differs(0, 0));
}

TEST_CASE("significance: a rising share shows from the rate on that reaches the critical value",
          "[generate]") {
  // Of 1000 at 2 %, 45 are critical; a share of 5.7 % reaches them with 96.0 %, 5.6 with 94.7.
  CHECK(share_rises(1000, 0.02, 0.057));
  CHECK(!share_rises(1000, 0.02, 0.056));
  CHECK(!share_rises(1000, 0.02, 0.02));
  CHECK(!share_rises(0, 0.02, 0.9));
  CHECK(share_rises(100, 0, 0.04));  // any failure is impossible before; 1 - 0.96^100 is 98 %
}

TEST_CASE("significance: a shifted mean shows at 4.75 plus 1.64 standard errors", "[generate]") {
  CHECK(normal_at_least(0) == 0.5);
  CHECK(normal_at_least(4.7534243) == Approx(1e-6).epsilon(1e-6));
  CHECK(mean_rises(100, 0.641, 1));
  CHECK(!mean_rises(100, 0.639, 1));
  CHECK(!mean_rises(100, -5, 1));
}

}  // namespace tocsin::generate
