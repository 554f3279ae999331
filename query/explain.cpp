#include "query/explain.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "db/base/lines.h"

namespace tocsin {
namespace {

class Explanation {
 public:
  Explanation() {
    add_column("stage", ValueType::kString);
    for (const char* name :
         {"rows", "time", "bytes", "segments", "skipped", "answered", "windows"}) {
      add_column(name, std::string_view(name) == "time" ? ValueType::kDuration : ValueType::kI64);
    }
  }

  size_t add_row(std::string stage) {
    table_.columns[0].append(Value::of(std::move(stage)));
    for (size_t i = 1; i < table_.columns.size(); ++i) table_.columns[i].append(Value::null());
    return table_.row_count++;
  }

  void set(size_t row, std::string_view column, uint64_t value) {
    ResultColumn& found = table_.columns[table_.find(column)];
    found.valid[row] = 1;
    found.i64[row] = static_cast<int64_t>(value);
  }

  ResultTable release() { return std::move(table_); }

 private:
  void add_column(const char* name, ValueType type) {
    ResultColumn& column = table_.columns.emplace_back();
    column.name = name;
    column.type = type;
  }

  ResultTable table_;
};

void set_source(const QueryStatistics& statistics, Explanation& out) {
  out.set(0, "rows", statistics.rows_scanned);
  out.set(0, "bytes", statistics.bytes_read);
  out.set(0, "segments", statistics.segments_read);
  out.set(0, "skipped", statistics.segments_skipped);
  out.set(0, "answered", statistics.segments_answered);
  out.set(0, "windows", statistics.windows_remembered);
}

// The last `where` that ran in one step with the source, counted from 1; 0 if there is none. The
// number of rows that passed it is known.
size_t last_filter(const Plan& plan, size_t stage_end) {
  size_t found = 0;
  for (size_t i = 0; i < stage_end && i < plan.stages.size(); ++i) {
    const auto& operation = plan.stages[i].operation;
    if (std::holds_alternative<FilterStage>(operation)) found = i + 1;
    if (!std::holds_alternative<FilterStage>(operation) &&
        !std::holds_alternative<LetStage>(operation)) {
      break;
    }
  }
  return found;
}

}  // namespace

ResultTable explain(const Plan& plan, const ResultTable& result) {
  Explanation out;
  for (std::string& line : lines_of(print_plan(plan))) out.add_row(std::move(line));
  set_source(result.statistics, out);
  const auto& steps = result.statistics.steps;
  if (!steps.empty()) {
    if (const size_t row = last_filter(plan, steps[0].stage_end); row > 0) {
      out.set(row, "rows", result.rows_matched);
    }
  }
  if (!steps.empty() && result.statistics.bytes_spilled > 0) {
    out.set(steps[0].stage_end, "bytes", result.statistics.bytes_spilled);
  }
  for (const StepStatistics& step : steps) {
    if (step.stage_end == kOrderStep) {
      const size_t row = out.add_row("(order by the keys of `stats`)");
      out.set(row, "rows", step.rows_out);
      out.set(row, "time", static_cast<uint64_t>(step.elapsed_us * kMicrosecond));
      continue;
    }
    // A step that ends at stage 0 is the source alone, whose rows are set already.
    if (step.stage_end > 0) out.set(step.stage_end, "rows", step.rows_out);
    out.set(step.stage_end, "time", static_cast<uint64_t>(step.elapsed_us * kMicrosecond));
  }
  ResultTable table = out.release();
  table.warnings = result.warnings;
  table.statistics = result.statistics;
  return table;
}

}  // namespace tocsin
