// CSV: bytes in, rows out; no I/O. Plain files, whose first line names the columns, and typed ones,
// whose first line says their types and whose second one their names.
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
/// What a typed file begins with, before the types of the other columns: `#measurement,time,i64
/// field`.
inline constexpr std::string_view kTypedCsvStart = "#measurement,time";

/// What the first lines of a file say. Shared by the threads that parse the rest.
struct CsvHeader {
  std::vector<TypedColumn> columns;  ///< of a plain file, types are guesses and kinds not known
  bool typed = false;                ///< then the first two columns are measurement and time
};

/// Takes the first lines off the front of `records`, which are whole, and looks at the rest for the
/// types of a plain file: a column whose values are all integers, numbers or booleans is one, any
/// other is text. kInvalid says what is wrong; kLimit: too many columns.
Result<CsvHeader> read_csv_header(std::string_view& records);

/// Parses whole records under a header. As parse_line_protocol: bad ones go to `errors`. A value is
/// null when it is empty and has no quotes. A record with another number of values than the header
/// is an error.
///
/// In a plain file measurement, time and tags are found as in JSON lines: the column `measurement`,
/// the first of the time keys that there is, and the keys of tags; a value that does not fit the
/// guessed type is what it looks like. In a typed one such a value is an error.
void parse_csv(std::string_view buffer, const CsvHeader& header, const ParseOptions& options,
               Batch& batch, LineErrors& errors);

}  // namespace tocsin
