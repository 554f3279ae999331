// The result of a query from its last table.
#include <algorithm>
#include <utility>

#include "db/base/check.h"
#include "query/format/format.h"
#include "query/vector/table.h"

namespace tocsin {
namespace {

bool has_values(const ResultColumn& column) {
  return std::ranges::any_of(column.valid, [](uint8_t valid) { return valid != 0; });
}

// Makes the column one of texts, with those of the sibling's values in the rows that have one.
void absorb(const ResultColumn& sibling, ResultColumn& column) {
  const size_t rows = column.valid.size();
  ResultColumn texts;
  texts.name = column.name;
  texts.type = ValueType::kString;
  texts.valid = column.valid;
  texts.text.resize(rows);
  for (size_t row = 0; row < rows; ++row) {
    const ResultColumn& from = sibling.valid[row] != 0 ? sibling : column;
    texts.valid[row] = from.valid[row];
    if (from.valid[row] != 0) texts.text[row] = plain_text(from.at(row), false);
  }
  column = std::move(texts);
}

// Merges every sibling that has values into the column of its name, and removes all siblings.
Status merge_siblings(MemoryGauge& gauge, size_t bytes, ResultTable& table) {
  for (ResultColumn& sibling : table.columns) {
    if (!sibling.sibling || !has_values(sibling)) continue;
    ResultColumn& column = table.columns[table.find(sibling.name)];
    if (column.sibling) continue;  // the column of that name is gone
    if (has_values(column)) {
      // Numbers as texts are short: no more than the string object.
      bytes += 2 * sizeof(std::string) * table.row_count;
      TOCSIN_RETURN_IF_ERROR(gauge.set(bytes));
      absorb(sibling, column);
    } else {
      column = std::move(sibling);
      column.sibling = false;
    }
  }
  std::erase_if(table.columns, [](const ResultColumn& column) { return column.sibling; });
  return {};
}

}  // namespace

Result<ResultTable> to_result(Budget& budget, Table table, std::span<const PlanColumn> plan_columns,
                              bool keep_siblings) {
  TOCSIN_CHECK(table.columns.size() == plan_columns.size());
  ResultTable result;
  result.row_count = table.row_count;
  MemoryGauge gauge(budget);
  size_t text_bytes = 0;
  bool siblings = false;
  for (size_t i = 0; i < table.columns.size(); ++i) {
    TableColumn& column = table.columns[i];
    ResultColumn& out = result.columns.emplace_back();
    out.name = plan_columns[i].name;
    out.type = plan_columns[i].type;
    out.sibling = plan_columns[i].sibling;
    siblings = siblings || out.sibling;
    if (column.absent) column.resize(table.row_count);
    // Equal strings of the table share their memory; those of the result do not.
    for (const std::string_view text : column.text) text_bytes += sizeof(std::string) + text.size();
    TOCSIN_RETURN_IF_ERROR(gauge.set(table.memory_bytes() + text_bytes));
    TOCSIN_RETURN_IF_ERROR(budget.check());
    out.valid = std::move(column.valid);
    out.i64 = std::move(column.i64);
    out.u64 = std::move(column.u64);
    out.f64 = std::move(column.f64);
    out.boolean = std::move(column.boolean);
    out.text.assign(column.text.begin(), column.text.end());
    column.text = {};
  }
  if (siblings && !keep_siblings) {
    TOCSIN_RETURN_IF_ERROR(merge_siblings(gauge, table.memory_bytes() + text_bytes, result));
  }
  return result;
}

}  // namespace tocsin
