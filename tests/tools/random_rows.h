// Random rows with all that is hard to write down: for tests that store, export and import them
// again.
#pragma once

#include <random>
#include <string>
#include <vector>

#include "db/database.h"

namespace tocsin::test {

struct RandomRowsOptions {
  /// Only what line protocol can hold: no NaN or infinite floats, no newline or backslash where it
  /// would escape something, no measurement that looks like a comment or JSON.
  bool for_line_protocol = false;
  size_t batch_count = 3;
  size_t rows_max = 60;  ///< of each measurement in a batch
};

/// Rows of several measurements, with columns of every type and kind. The column `plain` is a tag
/// whose values all are what tags usually are.
std::vector<Batch> random_rows(std::mt19937& random, const RandomRowsOptions& options);

}  // namespace tocsin::test
