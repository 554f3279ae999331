// Compares a result with the oracle's: integers and strings exactly, floats to within 1e-9.
#pragma once

#include <string>
#include <vector>

#include "query/format/result.h"
#include "tests/query/oracle/generator.h"
#include "tests/support/seed.h"
#include "tests/support/temporary_folder.h"

namespace tocsin::oracle {

using test::long_tests;
using test::seed_of_run;

std::vector<Row> rows_of(const ResultTable& table);

/// Empty if both are the same, else the first difference. Unordered rows are compared as multisets.
std::string difference(std::vector<Row> expected, std::vector<Row> found, bool ordered);

/// The same random data in memory and in a database whose clock is kSampleNow.
struct World {
  World(Random& random, size_t event_count, bool ties);

  test::TemporaryFolder folder;
  ManualClock clock;
  Data data;
  std::unique_ptr<Database> database;
};

}  // namespace tocsin::oracle
