// The physical operators, which transform tables. One function per stage, mostly in a file of the
// same name.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "query/plan/windows.h"
#include "query/scan/execution.h"
#include "query/scan/source_reader.h"
#include "query/stats/stats.h"
#include "query/vector/program.h"
#include "query/vector/table.h"

namespace tocsin {

class WindowMemory;

/// By column of the input of stage `index`: whether that stage, a later one, or the result needs
/// it. If `index` is the number of stages, the columns are those of the result.
std::vector<uint8_t> live_columns(const Plan& plan, size_t index);

// ---- from the source ----------------------------------------------------------------------------

/// Which rows of the source to read: all in ascending time, or the first ones of an order.
struct RowsRequest {
  std::vector<SortKey> order;     ///< over the program's columns; empty: ascending time
  std::optional<uint64_t> limit;  ///< Requires: set when `order` is not empty
  std::vector<uint8_t> live;      ///< by column of the program; columns with 0 are absent
};
Result<Table> read_rows(Execution& execution, const Scan& scan, const Program& program,
                        const RowsRequest& request);

/// The filters and lets right after a stats over the source.
struct StatsTail {
  /// Called with each part of the groups as soon as it is complete, from several threads.
  std::function<Result<Table>(Table)> finish;
  uint64_t group_count = 0;  ///< set by source_stats
};

/// stats over the source. With windows, `counts` receives the row counts of the wanted ones. `tail`
/// may be null.
Result<Table> source_stats(Execution& execution, const Scan& scan, const Program& program,
                           const StatsPlan& stats, const Windows* windows, WindowCounts* counts,
                           StatsTail* tail);

/// distinct over the source: keeps the first of equal rows.
Result<Table> source_distinct(Execution& execution, const Scan& scan, const Program& program,
                              const DistinctStage& stage);

/// diff over the source. `scan` has the rows from the first of the stage's ranges to the last.
Result<Table> source_diff(Execution& execution, Scan scan, const Program& program,
                          const DiffStage& stage);

/// Runs the stages up to and including the baseline, which is stage `at`. `memory` may be null.
Result<Table> run_baseline(Execution& execution, const Database& database, size_t at,
                           WindowMemory* memory);

// ---- from a table -------------------------------------------------------------------------------
// A windowed table has one more column than its stage: the last one is each row's window (i64).

/// Filters, lets and projections. `live` says which of the program's columns are needed; empty:
/// all. Requires: `program` was made for the table's columns.
Result<Table> table_rows(Execution& execution, Table input, const Program& program,
                         std::span<const uint8_t> live, const Windows* windows);
Result<Table> table_stats(Execution& execution, const Table& input, const Program& program,
                          const StatsPlan& stats, const Windows* windows);
Result<Table> table_distinct(Execution& execution, Table input, const DistinctStage& stage);
/// A stable sort. With `limit`, returns only the first rows.
Result<Table> table_sort(Execution& execution, Table input, std::span<const SortKey> keys,
                         std::optional<uint64_t> limit);
/// The row numbers of a table in that order; nulls come last in both directions.
Result<std::vector<uint32_t>> sorted_rows(Execution& execution, const Table& table,
                                          std::span<const SortKey> keys,
                                          std::optional<uint64_t> limit);
Result<Table> table_limit(Execution& execution, Table input, uint64_t count);
Result<Table> table_fill(Execution& execution, Table input, const FillStage& stage);
Result<Table> table_changepoint(Execution& execution, Table input, const ChangepointStage& stage);
Result<Table> table_forecast(Execution& execution, Table input, const ForecastStage& stage);

/// Appends the rows of `from` to those of `to`, which has the same columns.
void append_table(Table& to, Table from);

/// A table of the rows of all `parts`, which have the same columns. Requires: not empty
Table join_tables(std::vector<Table> parts);

/// A table of the given rows, in that order; frees each column of `input` when it is done.
Result<Table> gather_rows(Execution& execution, Table input, std::span<const uint32_t> rows);

/// Sorts the rows into their pending order.
Result<Table> settle_order(Execution& execution, Table input);

}  // namespace tocsin
