// Random queries over random data: the executor returns the same as a naive interpreter.
// TOCSIN_LONG_TESTS=1 runs thousands of queries from a random seed, TOCSIN_SEED sets the seed,
// TOCSIN_ALL_FAULTS=1 continues after the first difference.
#include <cstdlib>
#include <optional>
#include <set>
#include <variant>

#include <catch2/catch.hpp>
#include <fmt/format.h>

#include "query/check/prepare.h"
#include "query/function/functions.h"
#include "query/query.h"
#include "tests/db/db_support.h"
#include "tests/query/oracle/compare.h"
#include "tests/query/sample_catalog.h"

using namespace tocsin;
using oracle::Random;
using oracle::Row;
using oracle::World;
using tocsin::testing::take;

namespace {

// Runs a query in each way; returns the first difference from the oracle, or nothing. Counts
// queries whose results are only rounding error.
std::string check_query(const World& world, const QueryEngine& engine, const oracle::Query& query,
                        const QueryOptions& options, size_t& incomparable) {
  const Plan plan = take(build_plan(query.text, *world.database->catalog(), options));
  std::optional<std::vector<Row>> expected;
  try {
    expected = oracle::interpret(plan, world.data);
  } catch (const oracle::Failure&) {
    // The executor must fail too.
  } catch (const oracle::Incomparable&) {
    ++incomparable;
    return "";
  } catch (const std::exception& error) {
    return fmt::format("the interpreter failed: {}", error.what());
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

/// The parts of the language that the queries used.
class Coverage {
 public:
  void add(const Plan& plan) {
    for (const Stage& stage : plan.stages) {
      stages_.insert(stage.operation.index());
      std::visit([&](const auto& operation) { add(operation); }, stage.operation);
    }
  }

  /// Stages, functions and aggregates that no query used.
  std::vector<std::string> missing() const {
    std::vector<std::string> out;
    // changepoint, forecast and diff, the last ones, are compared with naive counts by tests of
    // their own.
    constexpr size_t kOwnTests = 3;
    for (size_t i = 0; i + kOwnTests < std::variant_size_v<decltype(Stage::operation)>; ++i) {
      if (!stages_.contains(i)) out.push_back(fmt::format("stage {}", i));
    }
    for (auto f = Function::kAnd; f <= Function::kToTime; f = Function{uint16_t(uint16_t(f) + 1)}) {
      if (!functions_.contains(f)) out.emplace_back(name_of(f));
    }
    for (const AggregateEntry& entry : all_aggregates()) {
      if (!aggregates_.contains(entry.kind)) out.emplace_back(name_of(entry.kind));
    }
    return out;
  }

 private:
  void add(const Expression& expression) {
    if (expression.kind == Expression::Kind::kCall) functions_.insert(expression.function);
    for (const Expression& argument : expression.arguments) add(argument);
  }
  void add(const FilterStage& filter) { add(filter.condition); }
  void add(const LetStage& let) {
    for (const NamedExpression& each : let.definitions) add(each.expression);
  }
  void add(const StatsStage& stats) {
    for (const Aggregate& each : stats.aggregates) {
      aggregates_.insert(each.kind);
      if (each.argument) add(*each.argument);
      if (each.where) add(*each.where);
    }
  }
  template <class Other>
  void add(const Other&) {}

  std::set<size_t> stages_;
  std::set<Function> functions_;
  std::set<AggregateKind> aggregates_;
};

void check_random_queries(size_t world_count, size_t query_count, size_t event_count) {
  const uint32_t seed = oracle::seed_of_run();
  Random random(seed);
  QueryOptions options;
  options.now = kSampleNow;
  options.keep_siblings = true;
  size_t empty = 0, asked = 0, incomparable = 0;
  Coverage coverage;
  for (size_t world_index = 0; world_index < world_count; ++world_index) {
    const bool ties = world_index % 2 == 1;
    const World world(random, event_count, ties);
    const QueryEngine engine(*world.database);
    const auto catalog = world.database->catalog();
    oracle::QueryGenerator generator(random, *catalog, options, ties);
    for (size_t i = 0; i < query_count; ++i) {
      const oracle::Query query = generator.next();
      const std::string wrong = check_query(world, engine, query, options, incomparable);
      if (!wrong.empty()) {
        UNSCOPED_INFO("TOCSIN_SEED=" << seed << ", database " << world_index << ", query " << i
                                     << ":\n"
                                     << query.text << "\n"
                                     << wrong);
        FAIL_CHECK("the executor and the interpreter differ");
        if (std::getenv("TOCSIN_ALL_FAULTS") == nullptr) return;
      }
      ++asked;
      coverage.add(take(build_plan(query.text, *catalog, options)));
      const auto table = engine.run(query.text, options);
      empty += !table || table->row_count == 0;
    }
  }
  CHECK(empty < asked / 2);
  CHECK(incomparable < asked / 50);
  INFO("TOCSIN_SEED=" << seed);
  CHECK(coverage.missing() == std::vector<std::string>{});
}

}  // namespace

TEST_CASE("oracle: random queries return the same as a naive interpreter", "[query]") {
  if (oracle::long_tests()) {
    check_random_queries(20, 500, 3'000);
  } else {
    check_random_queries(4, 300, 800);
  }
}
