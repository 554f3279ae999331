// The rows of a query's answer.
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
  size_t slice_bytes_max = 32 * kMiB;  ///< of memory, of one slice of a long answer
};

/// Opens the database for reading.
using OpenDatabase = std::function<Result<std::unique_ptr<Database>>()>;

/// The rows of the answer, which must have a column `time`; its other columns are the stored ones
/// of that name, or fields. When every row of it comes from one row of the store (`where`, `let`,
/// `keep`, `drop`), it is asked for in slices of time, each as of its own moment, and the database
/// is opened anew now and then, which drops what it keeps of segments that were read: so memory
/// does not depend on the answer's length. Any other answer is held whole, within the query's
/// memory limit. kInvalid is a wrong query, rendered, or one whose answer is no rows; else the
/// errors of opening.
Result<std::unique_ptr<RowSource>> open_query_rows(OpenDatabase open_database,
                                                   const QueryRowsOptions& options);

}  // namespace tocsin
