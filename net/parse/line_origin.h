// How a line came in, as `rejected` records it, so that the line can be parsed again after a fix.
#pragma once

#include <string_view>

#include "db/base/result.h"
#include "db/schema/write_request.h"
#include "net/parse/line_protocol.h"

namespace tocsin {

// The values of LineOrigin::format.
inline constexpr std::string_view kOriginLineProtocol = "lp";
inline constexpr std::string_view kOriginJson = "json";
// LineOrigin::header describes the columns of these two; of `regex` it is the expression.
inline constexpr std::string_view kOriginTypedJson = "typed json";
inline constexpr std::string_view kOriginCsv = "csv";  ///< with commas
inline constexpr std::string_view kOriginText = "text";
inline constexpr std::string_view kOriginSyslog = "syslog";
// Decided for each line: JSON, or else line protocol or text. All names of the formats of files,
// such as `logfmt` and `auto logfmt`, are those of origin_name().
inline constexpr std::string_view kOriginAuto = "auto";
inline constexpr std::string_view kOriginAutoText = "auto text";
/// For CSV with that separator, which is one that guess_format() finds; described by its header,
/// too.
std::string_view csv_origin(char separator);

/// `path` and `header` are left to the caller.
LineOrigin origin_of(std::string_view format, const ParseOptions& options);

/// Parses one line, without its newline, as it was parsed when it came in; `now` is the time of a
/// row without one. kInvalid says why it has no row. Requires: `line` lives as long as the batch.
Status parse_line_again(const LineOrigin& origin, std::string_view line, Timestamp now,
                        Batch& batch);
/// Whether a value that does not fit its column rejects the row of that line.
ConflictPolicy conflict_policy_of(const LineOrigin& origin, std::string_view line);

}  // namespace tocsin
