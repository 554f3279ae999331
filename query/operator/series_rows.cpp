#include "query/operator/series_rows.h"

#include <bit>
#include <cmath>
#include <limits>

#include "query/operator/operators.h"

namespace tocsin {

Result<SeriesRows> series_rows(Execution& execution, const Table& table,
                               const SeriesInput& series) {
  std::vector<SortKey> keys;
  for (const uint32_t column : series.group_columns) keys.push_back({column, false});
  const TableOrder by_group(table, keys);
  keys.push_back({series.time_column, false});
  SeriesRows out;
  TOCSIN_TRY(out.rows, sorted_rows(execution, table, keys, std::nullopt));
  for (size_t i = 1; i <= out.rows.size(); ++i) {
    const bool is_end = i == out.rows.size() || by_group.compare(out.rows[i - 1], out.rows[i]) != 0;
    if (is_end) out.ends.push_back(i);
  }
  return out;
}

std::span<const uint32_t> same_bucket(const TableColumn& times, std::span<const uint32_t> rows) {
  size_t count = 1;
  while (count < rows.size() && !times.is_null(rows[count]) &&
         times.i64[rows[count]] == times.i64[rows[0]]) {
    ++count;
  }
  return rows.first(count);
}

double mean_value(const TableColumn& values, std::span<const uint32_t> rows) {
  double sum = 0;
  double count = 0;
  for (const uint32_t row : rows) {
    const double value = number_at(values, row);
    if (std::isnan(value)) continue;
    sum += value;
    ++count;
  }
  return count > 0 ? sum / count : std::numeric_limits<double>::quiet_NaN();
}

std::string group_text(const Table& table, std::span<const uint32_t> group_columns, uint32_t row) {
  std::string out;
  for (const uint32_t index : group_columns) {
    const TableColumn& column = table.columns[index];
    if (column.is_null(row)) {
      out += 'n';
      continue;
    }
    const Value value = column.at(row);
    const auto bytes = [&](auto number) {
      out += std::to_string(number);
      out += ';';
    };
    out += 'v';
    if (const auto* text = std::get_if<std::string>(&value.data)) {
      bytes(text->size());
      out += *text;
    } else if (const auto* real = std::get_if<double>(&value.data)) {
      bytes(std::bit_cast<uint64_t>(*real));
    } else if (const auto* whole = std::get_if<int64_t>(&value.data)) {
      bytes(*whole);
    } else if (const auto* natural = std::get_if<uint64_t>(&value.data)) {
      bytes(*natural);
    } else if (const auto* flag = std::get_if<bool>(&value.data)) {
      bytes(static_cast<int>(*flag));
    }
  }
  return out;
}

}  // namespace tocsin
