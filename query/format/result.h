// A query's answer: a table that owns its data, with statistics of how it was found.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "query/base/value.h"
#include "query/plan/plan.h"

namespace tocsin {

/// One column of a result. The vector that matches `type` has one entry per row; the others are
/// empty. kTime and kDuration use `i64`.
struct ResultColumn {
  std::string name;
  ValueType type = ValueType::kNull;
  std::vector<uint8_t> valid;  ///< one per row: 0 is null
  std::vector<int64_t> i64;
  std::vector<uint64_t> u64;
  std::vector<double> f64;
  std::vector<uint8_t> boolean;
  std::vector<std::string> text;

  Value at(size_t row) const;
  void append(const Value& value);  ///< Requires: value.type == type or null
};

/// One step of a run: stages that were executed together, and what left the last of them.
struct StepStatistics {
  size_t stage_end =
      0;  ///< the stages of the plan from the step before up to here; the first reads the source
  uint64_t rows_out = 0;
  int64_t elapsed_us = 0;
};

struct QueryStatistics {
  uint64_t rows_scanned = 0;
  uint64_t segments_read = 0;
  uint64_t segments_skipped = 0;    ///< by their time range or statistics
  uint64_t windows_remembered = 0;  ///< baseline windows answered from memory
  uint64_t invalid_utf8 = 0;
  int64_t elapsed_us = 0;
  uint64_t segments_answered = 0;  ///< from their metadata or remembered results, no row read
  uint64_t bytes_read = 0;         ///< of decoded values
  uint64_t bytes_spilled = 0;      ///< written to disk by a `stats` that memory is too small for
  std::vector<StepStatistics> steps;
};

struct ResultTable {
  std::vector<ResultColumn> columns;
  size_t row_count = 0;
  QueryStatistics statistics;
  std::vector<std::string> warnings;
  /// Source events that passed every `where` before the first `stats`: what rules call `blind` when
  /// 0 over the whole range, baseline included.
  uint64_t rows_matched = 0;

  /// Index of the column of that name, or columns.size().
  size_t find(std::string_view name) const;
};

enum class ResultFormat { kTable, kCsv, kJson, kNdjson, kLineProtocol };
struct FormatOptions {
  bool times_as_ns = false;   ///< integers instead of RFC 3339
  size_t terminal_width = 0;  ///< kTable: columns are cut to fit; 0 does not cut
  bool statistics = true;     ///< kJson, kNdjson: with `stats`
};

/// The whole table as text of that format. Invalid UTF-8 is shown as U+FFFD, NaN and infinities as
/// null (JSON) or empty (CSV). kTable escapes control characters.
std::string format_result(const ResultTable& table, ResultFormat format,
                          const FormatOptions& options = {});
/// `table`, `csv`, `json`, `ndjson`, `lp`; kInvalid names them.
Result<ResultFormat> parse_result_format(std::string_view name);

}  // namespace tocsin
