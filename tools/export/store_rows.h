// All rows of a database, read directly from its segments.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "db/database.h"
#include "tools/export/row_source.h"

namespace tocsin {

/// The rows of the named measurements as of one commit, in ascending time. Rows of one measurement
/// with equal times keep their stored order. Holds a few thousand decoded rows of each segment that
/// overlaps the current time, and releases each segment after its last row.
///
/// The database may be closed afterwards. If it is, its cache does not keep the segments either,
/// and memory does not depend on the amount of data.
Result<std::unique_ptr<RowSource>> open_store_rows(const Database& database,
                                                   const std::vector<std::string>& measurements);

}  // namespace tocsin
