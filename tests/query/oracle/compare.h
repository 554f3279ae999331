// Comparing a result with what an oracle says: integers and texts to the letter, floats to 1e-9.
#pragma once

#include <string>
#include <vector>

#include "query/format/result.h"
#include "tests/query/oracle/generator.h"
#include "tests/support/temporary_folder.h"

namespace tocsin::oracle {

/// TOCSIN_LONG_TESTS=1: thousands of queries instead of hundreds.
bool long_tests();
/// TOCSIN_SEED; else one at random for the long tests, and always the same for the quick ones.
uint32_t seed_of_run();

std::vector<Row> rows_of(const ResultTable& table);

/// Empty when both are the same; else the first row that differs. Rows that are not ordered are
/// compared as multisets.
std::string difference(std::vector<Row> expected, std::vector<Row> found, bool ordered);

/// Random data, in memory and in a database whose clock stands at kSampleNow.
struct World {
  World(Random& random, size_t event_count, bool ties);

  test::TemporaryFolder folder;
  ManualClock clock;
  Data data;
  std::unique_ptr<Database> database;
};

}  // namespace tocsin::oracle
