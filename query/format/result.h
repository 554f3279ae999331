// The result of a query: a table that owns its data, with statistics of the run.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "query/base/value.h"
#include "query/plan/plan.h"

namespace tocsin {

/// A column of a result. The vector that matches `type` has one entry per row; the others are
/// empty. kTime and kDuration use `i64`.
struct ResultColumn {
  std::string name;
  ValueType type = ValueType::kNull;
  /// Has the values of another type of the column before it that has the same name. Only in results
  /// with QueryOptions::keep_siblings.
  bool sibling = false;
  std::vector<uint8_t> valid;  ///< one per row: 0 is null
  std::vector<int64_t> i64;
  std::vector<uint64_t> u64;
  std::vector<double> f64;
  std::vector<uint8_t> boolean;
  std::vector<std::string> text;

  Value at(size_t row) const;
  void append(const Value& value);  ///< Requires: value is null or value.type == type
};

/// The `stage_end` of the step that orders the groups of a `stats` after the last stage.
inline constexpr size_t kOrderStep = SIZE_MAX;

/// One step of a run: stages of the plan that were executed together.
struct StepStatistics {
  /// The end of the step's stages, which start at the end of the step before. The first step also
  /// reads the source.
  size_t stage_end = 0;
  uint64_t rows_out = 0;  ///< of the step's last stage
  int64_t elapsed_us = 0;
};

struct QueryStatistics {
  uint64_t rows_scanned = 0;
  uint64_t segments_read = 0;
  uint64_t segments_skipped = 0;    ///< because of their time range or statistics
  uint64_t windows_remembered = 0;  ///< baseline windows answered from memory
  uint64_t invalid_utf8 = 0;
  int64_t elapsed_us = 0;
  uint64_t segments_answered = 0;  ///< from metadata or remembered results, without reading rows
  uint64_t bytes_read = 0;         ///< of decoded values
  uint64_t bytes_spilled = 0;      ///< written to disk by a `stats` that needs too much memory
  std::vector<StepStatistics> steps;
};

struct ResultTable {
  std::vector<ResultColumn> columns;
  size_t row_count = 0;
  bool has_more_rows = false;  ///< those beyond QueryOptions::rows_max are not here
  QueryStatistics statistics;
  std::vector<std::string> warnings;
  /// Source events that passed every `where` before the first `stats`, baseline windows included. A
  /// rule becomes `blind` if this stays 0.
  uint64_t rows_matched = 0;

  /// The index of the first column with that name, or columns.size().
  size_t find(std::string_view name) const;
};

enum class ResultFormat { kTable, kCsv, kJson, kNdjson, kLineProtocol };
struct FormatOptions {
  bool times_as_ns = false;  ///< times as integers instead of RFC 3339
  /// kTable: texts are cut and columns left out, and named, to fit; 0: everything is shown.
  size_t terminal_width = 0;
  bool safe = false;       ///< kCsv: texts cannot become formulas of a spreadsheet
  bool statistics = true;  ///< kJson, kNdjson: include `stats`
};

/// The whole table as text in that format. Invalid UTF-8 is shown as U+FFFD, NaN and infinities as
/// null (JSON) or empty (CSV). kTable escapes control characters.
std::string format_result(const ResultTable& table, ResultFormat format,
                          const FormatOptions& options = {});
/// Parses `table`, `csv`, `json`, `ndjson` or `lp`; the kInvalid message lists them.
Result<ResultFormat> parse_result_format(std::string_view name);

}  // namespace tocsin
