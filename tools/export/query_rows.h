// The rows of a query result.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "db/database.h"
#include "query/query.h"
#include "tools/export/row_source.h"

namespace tocsin {

struct QueryRowsOptions {
  std::string text;
  std::string measurement;  ///< of rows that have no column `measurement`; may be empty
  QueryOptions query;
  size_t slice_bytes_max = 32 * kMiB;  ///< memory for one slice of a long result
};

/// Opens the database for reading.
using OpenDatabase = std::function<Result<std::unique_ptr<Database>>()>;

/// The rows of the result, which must have a column `time`. Its other columns keep the kind of the
/// stored column of the same name, or become fields.
///
/// If every row comes from a single stored row (only `where`, `let`, `keep` and `drop`), the query
/// runs in slices of time, each on its own snapshot, and the database is reopened regularly to drop
/// the segments that it has cached. Memory then does not depend on the length of the result. Any
/// other result is held completely, within the memory limit of the query.
///
/// kInvalid: an invalid query, with a rendered message, or a result without the necessary columns;
/// otherwise the errors of opening the database.
Result<std::unique_ptr<RowSource>> open_query_rows(OpenDatabase open_database,
                                                   const QueryRowsOptions& options);

}  // namespace tocsin
