// All rows of a database, straight from its segments.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "db/database.h"
#include "tools/export/row_source.h"

namespace tocsin {

/// The rows of the measurements of that name as of one commit, in ascending time; those of equal
/// time in one measurement in the order in which the store has them. Holds a few thousand decoded
/// rows of each segment that overlaps the time it has come to, and lets go of each segment behind
/// its last row. The database is not needed any more: once it is closed, its cache does not hold
/// the segments either, and memory does not depend on how much there is to read.
Result<std::unique_ptr<RowSource>> open_store_rows(const Database& database,
                                                   const std::vector<std::string>& measurements);

}  // namespace tocsin
