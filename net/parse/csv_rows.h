// Parses CSV into rows; no I/O. The first line of a plain file names the columns. A typed file has
// two header lines: types, then names.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "db/base/result.h"
#include "db/schema/batch.h"
#include "net/parse/line_protocol.h"
#include "net/parse/typed_columns.h"

namespace tocsin {

inline constexpr size_t kCsvColumnCountMax = 10'000;  ///< of one file
/// The start of a typed file, followed by the types of the other columns: `#measurement,time,i64
/// field`.
inline constexpr std::string_view kTypedCsvStart = "#measurement,time";

/// How a plain file is written.
struct CsvLayout {
  char separator = ',';
  bool has_header = true;    ///< else the columns are called column1, column2, ...
  bool check_header = true;  ///< refuse a header that looks like data
};

/// The header lines of a file. Shared by the threads that parse the rest.
struct CsvHeader {
  std::vector<TypedColumn> columns;  ///< in a plain file, types are guessed and kinds unknown
  bool typed = false;                ///< the first two columns are measurement and time
  char separator = ',';
  std::string oddity;  ///< plain: what became of the first name that was empty, too long or twice
};

/// Removes the header lines from the front of `records` and guesses the column types of a plain
/// file from the records that follow: a column whose values are all integers, numbers or booleans
/// has that type; any other is text. Without a header, the first column of times is called `time`.
/// Errors: kInvalid, also for a header that looks like data; kLimit for too many columns.
/// Requires: `records` holds whole records.
Result<CsvHeader> read_csv_header(std::string_view& records, CsvLayout layout = {});

/// Parses whole records. Like parse_line_protocol, it adds bad ones to `errors`. An empty value
/// without quotes is null. A record whose number of values differs from the header's is an error.
///
/// In a plain file, measurement, time and tags are found as in JSON lines: the column
/// `measurement`, the first time key with a valid time, and the tag keys. A value that does not fit
/// the guessed type gets the type that fits it. In a typed file such a value is an error.
void parse_csv(std::string_view buffer, const CsvHeader& header, const ParseOptions& options,
               Batch& batch, LineErrors& errors);

}  // namespace tocsin
