// A batch as text, one row per line, for tests that check what a parser produced.
#pragma once

#include <map>
#include <random>
#include <string>
#include <string_view>

#include <fmt/format.h>

#include "db/schema/batch.h"

namespace tocsin {

inline std::string value_text(const Lane& lane, size_t i) {
  switch (lane.type) {
    case ColumnType::kI64: return fmt::format("{}i", lane.i64[i]);
    case ColumnType::kU64: return fmt::format("{}u", lane.u64[i]);
    case ColumnType::kF64: return fmt::format("{}f", lane.f64[i]);
    case ColumnType::kBool: return lane.i64[i] != 0 ? "true" : "false";
    case ColumnType::kString: return fmt::format("'{}'", lane.text_of(i));
  }
  return "?";
}

/// `measurement @time tag:key='x' key=1i`, columns sorted by name, rows by measurement in order of
/// arrival.
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

/// Everything in a batch, including lines, texts of numbers and the order of lanes, to compare two
/// ways of parsing.
inline std::string batch_image(const Batch& batch) {
  std::string out;
  for (const RowBatch& rows : batch.measurements()) {
    if (rows.row_count() == 0) continue;
    out += fmt::format("[{}]\n", rows.measurement());
    for (size_t row = 0; row < rows.row_count(); ++row) {
      out += fmt::format("@{} {}\n", rows.times()[row], rows.lines()[row]);
    }
    for (const Lane& lane : rows.lanes()) {
      if (lane.rows.empty()) continue;
      out += fmt::format("{} {} {}:", lane.name, static_cast<int>(lane.type),
                         static_cast<int>(lane.kind));
      for (size_t i = 0; i < lane.rows.size(); ++i) {
        out += fmt::format(" {}={} '{}'", lane.rows[i], value_text(lane, i), lane.text_of(i));
      }
      out += "\n";
    }
  }
  return out;
}

/// Makes up to four random changes: replaces a byte by one of `spice`, inserts one, or deletes
/// some.
inline void change_text(std::mt19937& random, std::string_view spice, std::string& text) {
  for (unsigned changes = random() % 5; changes > 0; --changes) {
    const size_t at = random() % text.size();
    const char c = spice[random() % spice.size()];
    switch (random() % 3) {
      case 0: text[at] = c; break;
      case 1: text.insert(at, 1, c); break;
      default: text.erase(at, 1 + random() % 3); break;
    }
    if (text.empty()) text = "\n";
  }
}

}  // namespace tocsin
