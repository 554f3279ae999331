// Random histories against a naive model: every accepted row comes back unchanged.
//
// TOCSIN_LONG=10000 runs 10,000 of the short ones; TOCSIN_SEED=n starts with another seed.
#include <catch2/catch.hpp>

#include "tests/db/random_history.h"
#include "tests/support/temporary_folder.h"

namespace tocsin {
namespace {

using namespace testing;

void run_history(unsigned seed, int steps, RandomHistory::Options sizes) {
  INFO("seed " << seed);
  const test::TemporaryFolder directory;
  RandomHistory history(directory.path(), seed, sizes);
  history.run(steps);
  history.check();
  history.open();
  history.check();
}

TEST_CASE("database: every accepted row of long random histories comes back", "[db]") {
  for (unsigned seed : {1U, 2U}) run_history(seed, 40, {});
}

TEST_CASE("database: every accepted row of many short random histories comes back", "[db]") {
  const unsigned first = first_seed();
  const auto count = static_cast<unsigned>(trial_count(60));
  for (unsigned seed = first; seed < first + count; ++seed) {
    RandomHistory::Options sizes;
    sizes.rows_max = 20;
    sizes.large_rows = 100;
    run_history(seed, 25, sizes);
  }
}

}  // namespace
}  // namespace tocsin
