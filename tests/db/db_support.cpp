#include "tests/db/db_support.h"

#include <algorithm>
#include <bit>
#include <numeric>

#include "db/catalog/environment.h"
#include "db/catalog/store.h"

namespace tocsin::testing {
namespace {

tl::unexpected<Error> contradiction(const std::string& what) {
  return fail(ErrorCode::kInvalid, "a segment contradicts itself: " + what);
}

template <class T, class Read>
Result<std::vector<std::string>> read_numbers(size_t row_count, const char* type, Read read) {
  // Reads in two pieces of uneven size, so that ranges across vectors are tested as well.
  std::vector<T> values(row_count);
  const size_t cut = row_count / 3;
  TOCSIN_RETURN_IF_ERROR(read(0, std::span(values).first(cut)));
  TOCSIN_RETURN_IF_ERROR(read(cut, std::span(values).subspan(cut)));
  std::vector<std::string> texts;
  for (const T& value : values) {
    if constexpr (std::is_same_v<T, double>) {
      texts.push_back("f64:" + double_text(value));
    } else {
      texts.push_back(std::string(type) + ":" + std::to_string(value));
    }
  }
  return texts;
}

Result<std::vector<std::string>> read_strings(const SegmentColumn& column, size_t row_count) {
  std::vector<std::string> texts;
  std::vector<uint32_t> rows(row_count);
  std::iota(rows.begin(), rows.end(), 0);
  StringVector strings;
  TOCSIN_RETURN_IF_ERROR(column.read_strings(rows, strings));
  for (std::string_view value : strings.values) texts.push_back("string:" + std::string(value));
  if (!column.has_dictionary()) return texts;
  TOCSIN_TRY(auto entries, column.entries());
  std::vector<uint32_t> codes(row_count);
  TOCSIN_RETURN_IF_ERROR(column.read_codes(0, codes));
  std::vector<uint8_t> valid(row_count);
  TOCSIN_RETURN_IF_ERROR(column.read_valid(0, valid));
  for (size_t i = 0; i < row_count; ++i) {
    if (!valid[i]) continue;
    if (codes[i] >= entries.size() || texts[i] != "string:" + std::string(entries[codes[i]])) {
      return contradiction("a code of a dictionary");
    }
  }
  return texts;
}

Result<std::vector<std::string>> read_column(const SegmentColumn& column, size_t row_count) {
  switch (column.type()) {
    case ColumnType::kI64:
      return read_numbers<int64_t>(row_count, "i64", [&](size_t start, std::span<int64_t> out) {
        return column.read_i64(start, out);
      });
    case ColumnType::kU64:
      return read_numbers<uint64_t>(row_count, "u64", [&](size_t start, std::span<uint64_t> out) {
        return column.read_u64(start, out);
      });
    case ColumnType::kF64:
      return read_numbers<double>(row_count, "f64", [&](size_t start, std::span<double> out) {
        return column.read_f64(start, out);
      });
    case ColumnType::kBool:
      return read_numbers<uint8_t>(row_count, "bool", [&](size_t start, std::span<uint8_t> out) {
        return column.read_bool(start, out);
      });
    case ColumnType::kString: return read_strings(column, row_count);
  }
  return fail(ErrorCode::kInvalid, "unknown type");
}

Status append_rows(const Segment& segment, const Measurement& measurement,
                   std::vector<RowText>& rows) {
  const size_t row_count = segment.info().row_count;
  const size_t base = rows.size();
  std::vector<Timestamp> times(row_count);
  TOCSIN_RETURN_IF_ERROR(segment.read_times(0, times));
  if (!std::is_sorted(times.begin(), times.end())) return contradiction("times are not sorted");
  if (times.front() != segment.info().min_time || times.back() != segment.info().max_time) {
    return contradiction("first or last time");
  }
  rows.resize(base + row_count);
  for (size_t i = 0; i < row_count; ++i) rows[base + i].time = times[i];
  for (const Column& schema_column : measurement.columns) {
    TOCSIN_TRY(const SegmentColumn* column, segment.column(schema_column));
    if (column == nullptr) continue;
    std::vector<uint8_t> valid(row_count);
    TOCSIN_RETURN_IF_ERROR(column->read_valid(0, valid));
    TOCSIN_TRY(auto texts, read_column(*column, row_count));
    size_t nulls = 0;
    for (size_t i = 0; i < row_count; ++i) {
      if (valid[i]) {
        rows[base + i].values[schema_column.name] = texts[i];
      } else {
        ++nulls;
      }
    }
    if (nulls != column->statistics().null_count) return contradiction("null count");
  }
  return {};
}

}  // namespace

void write_future_format(const std::string& directory) {
  auto environment = take(Environment::open(directory, Environment::Mode::kWrite));
  auto transaction = take(environment->begin_write());
  take(write_format(transaction, 99));
  take(transaction.commit());
}

std::string double_text(double value) { return std::to_string(std::bit_cast<uint64_t>(value)); }

Result<std::vector<RowText>> read_rows(const Snapshot& snapshot, const std::string& measurement) {
  std::vector<RowText> rows;
  const Measurement* found = snapshot.catalog->find(measurement);
  if (found == nullptr) return rows;
  for (const auto& segment : snapshot.segments) {
    if (segment->info().measurement != found->id) continue;
    TOCSIN_RETURN_IF_ERROR(append_rows(*segment, *found, rows));
  }
  return rows;
}

Result<std::vector<RowText>> read_rows(const Database& database, const std::string& measurement) {
  TOCSIN_TRY(Snapshot snapshot, database.snapshot({{measurement}, {}}));
  return read_rows(snapshot, measurement);
}

}  // namespace tocsin::testing
