// Random queries over random data: the executor gives what a naive interpreter gives.
// TOCSIN_LONG_TESTS=1 asks thousands; TOCSIN_SEED repeats a run.
#include <cstdlib>
#include <optional>

#include <catch2/catch.hpp>
#include <fmt/format.h>

#include "query/prepare.h"
#include "query/query.h"
#include "tests/db/db_support.h"
#include "tests/query/oracle_compare.h"
#include "tests/query/sample_catalog.h"

using namespace tocsin;
using oracle::Random;
using oracle::Row;
using oracle::World;
using tocsin::testing::take;

namespace {

// What one query gives, in each way to run it.
std::string check_query(const World& world, const QueryEngine& engine, const oracle::Query& query,
                        const QueryOptions& options) {
  const Plan plan = take(build_plan(query.text, *world.database->catalog(), options));
  std::optional<std::vector<Row>> expected;
  try {
    expected = oracle::interpret(plan, world.data);
  } catch (const oracle::Failure&) {
    // The executor must fail, too.
  }
  for (const unsigned threads : {1u, 2u}) {
    for (const bool remember : {false, true}) {
      QueryOptions run = options;
      run.threads = threads;
      run.remember = remember;
      const auto table = engine.execute(plan, run);
      const std::string how = fmt::format(" ({} threads, remember {})", threads, remember);
      if (!table && expected) return table.error().message + how;
      if (table && !expected) return "a sum that does not fit was no error" + how;
      if (!table) continue;
      const std::string found =
          oracle::difference(*expected, oracle::rows_of(*table), query.ordered);
      if (!found.empty()) return found + how;
    }
  }
  return "";
}

void check_random_queries(size_t world_count, size_t query_count, size_t event_count) {
  const uint32_t seed = oracle::seed_of_run();
  Random random(seed);
  QueryOptions options;
  options.now = kSampleNow;
  size_t empty = 0, asked = 0;
  for (size_t world_index = 0; world_index < world_count; ++world_index) {
    const bool ties = world_index % 2 == 1;
    const World world(random, event_count, ties);
    const QueryEngine engine(*world.database);
    const auto catalog = world.database->catalog();
    oracle::QueryGenerator generator(random, *catalog, options, ties);
    for (size_t i = 0; i < query_count; ++i) {
      const oracle::Query query = generator.next();
      const std::string wrong = check_query(world, engine, query, options);
      if (!wrong.empty()) {
        UNSCOPED_INFO("TOCSIN_SEED=" << seed << ", database " << world_index << ", query " << i
                                     << ":\n"
                                     << query.text << "\n"
                                     << wrong);
        FAIL_CHECK("the executor and the interpreter differ");
        if (std::getenv("TOCSIN_ALL_FAULTS") == nullptr) return;
      }
      ++asked;
      const auto table = engine.run(query.text, options);
      empty += !table || table->row_count == 0;
    }
  }
  CHECK(empty < asked / 2);
}

}  // namespace

TEST_CASE("oracle: random queries give what a naive interpreter gives", "[query]") {
  if (oracle::long_tests()) {
    check_random_queries(20, 500, 3'000);
  } else {
    check_random_queries(2, 150, 1'500);
  }
}
