// A batch as text, one row a line, for tests that compare what a parser made.
#pragma once

#include <fmt/format.h>

#include <map>
#include <string>

#include "db/batch.h"

namespace tocsin {

inline std::string value_text(const Lane& lane, size_t i) {
  switch (lane.type) {
    case ColumnType::kI64: return fmt::format("{}i", lane.i64[i]);
    case ColumnType::kU64: return fmt::format("{}u", lane.u64[i]);
    case ColumnType::kF64: return fmt::format("{}f", lane.f64[i]);
    case ColumnType::kBool: return lane.i64[i] != 0 ? "true" : "false";
    case ColumnType::kString: return fmt::format("'{}'", lane.text[i]);
  }
  return "?";
}

/// `measurement @time tag:key='x' key=1i`, columns by name, rows in order of arrival by measurement.
inline std::string batch_text(const Batch& batch) {
  std::string out;
  for (const RowBatch& rows : batch.measurements()) {
    std::vector<std::map<std::string, std::string>> columns(rows.row_count());
    for (const Lane& lane : rows.lanes()) {
      for (size_t i = 0; i < lane.rows.size(); ++i) {
        const std::string kind = lane.kind == ColumnKind::kTag ? "tag:" : "";
        columns[lane.rows[i]][kind + lane.name] += value_text(lane, i);
      }
    }
    for (size_t row = 0; row < rows.row_count(); ++row) {
      if (!out.empty()) out += "\n";
      out += fmt::format("{} @{}", rows.measurement(), rows.times()[row]);
      for (const auto& [name, value] : columns[row]) out += fmt::format(" {}={}", name, value);
    }
  }
  return out;
}

}  // namespace tocsin
