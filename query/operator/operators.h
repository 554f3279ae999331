// The physical operators: tables in, tables out. One function per stage; each in its own file.
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

/// Which columns of a stage's input the later stages and the result need. `index`: of that stage;
/// the number of stages stands for the result.
std::vector<uint8_t> live_columns(const Plan& plan, size_t index);

// ---- from the source ----------------------------------------------------------------------------

/// Rows of the source in ascending time, or those that an order and a limit leave.
struct RowsRequest {
  std::vector<SortKey> order;     ///< over the program's columns; empty: ascending time
  std::optional<uint64_t> limit;  ///< Requires: set when `order` is not empty
  std::vector<uint8_t> live;      ///< by column of the program: others stay absent
};
Result<Table> read_rows(Execution& execution, const Scan& scan, const Program& program,
                        const RowsRequest& request);

/// The filters and lets right behind a stats over the source.
struct StatsTail {
  /// What becomes of a part of the groups as soon as it is complete. Thread-safe.
  std::function<Result<Table>(Table)> finish;
  uint64_t group_count = 0;  ///< set by source_stats
};

/// stats over the source. With windows, `counts` receives what was seen of each wanted one. `tail`
/// may be null.
Result<Table> source_stats(Execution& execution, const Scan& scan, const Program& program,
                           const StatsPlan& stats, const Windows* windows, WindowCounts* counts,
                           StatsTail* tail);

/// distinct over the source: the first of equal rows stays.
Result<Table> source_distinct(Execution& execution, const Scan& scan, const Program& program,
                              const DistinctStage& stage);

/// Everything up to and with the baseline, which is stage `at`. `memory` may be null.
Result<Table> run_baseline(Execution& execution, const Database& database, size_t at,
                           WindowMemory* memory);

// ---- from a table -------------------------------------------------------------------------------
// A windowed table has one column more than its stage says, the last: each row's window (i64).

/// Filters, lets and projections. `live` tells which of the program's columns are needed; empty:
/// all. Requires: program was made for the table's columns.
Result<Table> table_rows(Execution& execution, Table input, const Program& program,
                         std::span<const uint8_t> live, const Windows* windows);
Result<Table> table_stats(Execution& execution, Table input, const Program& program,
                          const StatsPlan& stats, const Windows* windows);
Result<Table> table_distinct(Execution& execution, Table input, const DistinctStage& stage);
/// Stable; only the first `limit` rows when that is given.
Table table_sort(Table input, std::span<const SortKey> keys, std::optional<uint64_t> limit);
Table table_limit(Table input, uint64_t count);
Result<Table> table_fill(Execution& execution, Table input, const FillStage& stage);
Result<Table> table_detect(Execution& execution, Table input, const DetectStage& stage);

/// Moves the rows of `from` behind those of `to`, which has the same columns.
void append_table(Table& to, Table from);

/// Puts the rows into their pending order.
Table settle_order(Table input);

}  // namespace tocsin
