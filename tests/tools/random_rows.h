// Random rows with values that are hard to format, for tests that store, export and import them.
#pragma once

#include <random>
#include <string>
#include <vector>

#include "db/database.h"

namespace tocsin::test {

struct RandomRowsOptions {
  /// Only values that line protocol can represent: no NaN or infinity, no newline or backslash
  /// where it would escape something, no measurement that looks like a comment or JSON.
  bool for_line_protocol = false;
  size_t batch_count = 3;
  size_t rows_max = 60;  ///< per measurement and batch
};

/// Rows of several measurements, with columns of every type and kind. The column `plain` is a tag
/// with ordinary values only.
std::vector<Batch> random_rows(std::mt19937& random, const RandomRowsOptions& options);

}  // namespace tocsin::test
