// A table of texts that is laid out like the result of a query.
#pragma once

#include <string>
#include <vector>

#include "query/format/result.h"

namespace tocsin {

class TextTable {
 public:
  explicit TextTable(const std::vector<std::string>& names) {
    for (const std::string& name : names) {
      ResultColumn column;
      column.name = name;
      column.type = ValueType::kString;
      table_.columns.push_back(std::move(column));
    }
  }

  /// Requires: one cell for each column.
  void add(const std::vector<std::string>& cells) {
    for (size_t i = 0; i < cells.size(); ++i) table_.columns[i].append(Value::of(cells[i]));
    ++table_.row_count;
  }

  std::string text() const { return format_result(table_, ResultFormat::kTable); }

 private:
  ResultTable table_;
};

}  // namespace tocsin
