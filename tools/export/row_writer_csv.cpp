// Writes rows as CSV (RFC 4180): measurement, time, then every column of every measurement. Null is
// empty, and an empty string is `""`.
#include <cmath>
#include <map>

#include <fmt/format.h>

#include "db/base/binary_text.h"
#include "db/base/text.h"
#include "net/parse/csv_rows.h"
#include "query/format/format.h"
#include "tools/export/row_writer.h"

namespace tocsin {
namespace {

class CsvRows final : public RowWriter {
 public:
  CsvRows(const std::vector<TypedMeasurement>& measurements, const ExportFormatOptions& options)
      : RowWriter(measurements), typed_(options.typed), safe_(options.safe) {
    std::map<std::string, size_t> known;
    for (const TypedMeasurement& measurement : measurements) {
      measurement_texts_.push_back(name_text(measurement.name));
      auto& places = places_.emplace_back();
      for (const TypedColumn& column : measurement.columns) {
        // One column per name; in a typed file, one per type and name.
        TypedColumn plain = column;
        plain.base64 = false;
        const std::string key = typed_ ? type_text(plain) + ' ' + column.name : column.name;
        const auto [found, added] = known.emplace(key, columns_.size());
        if (added) columns_.push_back(column);
        columns_[found->second].base64 |= column.base64;
        places.push_back(found->second);
      }
    }
    cells_.resize(columns_.size());
  }

  Status begin(std::string& out) override {
    if (columns_.size() > kCsvColumnCountMax) {
      return fail(
          ErrorCode::kLimit,
          fmt::format("the rows have {} columns, but a CSV file can have at most {}; export fewer "
                      "measurements at a time, or use --format json",
                      columns_.size(), kCsvColumnCountMax));
    }
    if (typed_) {
      out += kTypedCsvStart;
      for (const TypedColumn& column : columns_) out += "," + type_text(column);
      out += "\r\n";
    }
    out += "measurement,time";
    for (const TypedColumn& column : columns_) {
      out += ',';
      add_field(out, name_text(column.name), false);
    }
    out += "\r\n";
    return {};
  }

  void write(const ExportRow& row, std::string& out) override {
    const size_t start = out.size();
    const auto& places = places_[row.measurement];
    for (const ExportCell& cell : row.cells) cells_[places[cell.column]] = &cell;
    add_field(out, measurement_texts_[row.measurement], false);
    out += ',';
    out += format_time(row.time);
    for (size_t i = 0; i < cells_.size(); ++i) {
      out += ',';
      if (cells_[i] == nullptr) continue;
      add_value(row, columns_[i], *cells_[i], out);
      cells_[i] = nullptr;
    }
    out += "\r\n";
    if (typed_) drop_too_long(row, start, out);
  }

 private:
  std::string name_text(const std::string& name) const {
    size_t ignored = 0;
    return typed_ ? exact_name(name) : valid_utf8(name, ignored);
  }

  void add_field(std::string& out, std::string_view text, bool quoted) const {
    if (!safe_) return add_csv_field(out, text, quoted);
    add_csv_field(out, spreadsheet_text(std::string(text)), quoted);
  }

  void add_value(const ExportRow& row, const TypedColumn& column, const ExportCell& cell,
                 std::string& out) {
    switch (measurement_of(row).columns[cell.column].type) {
      case ColumnType::kI64:
        if (column.kind == ColumnKind::kTime && !typed_) {
          out += format_time(cell.i64());
        } else {
          add_number(out, cell.i64());
        }
        break;
      case ColumnType::kU64: return add_number(out, cell.bits);
      case ColumnType::kBool: out += cell.bits != 0 ? "true" : "false"; break;
      case ColumnType::kF64:
        if (typed_ || std::isfinite(cell.f64())) return add_exact_f64(out, cell.f64());
        losses_.add(kLostNumber, measurement_of(row), row.time, column.name);
        break;
      case ColumnType::kString: return add_text(row, column, cell.text, out);
    }
  }

  void add_text(const ExportRow& row, const TypedColumn& column, std::string_view text,
                std::string& out) {
    if (column.base64) return add_csv_field(out, base64_text(text), text.empty());
    if (is_valid_utf8(text)) return add_field(out, text, text.empty());
    size_t ignored = 0;
    add_field(out, valid_utf8(text, ignored), false);
    losses_.add(kLostText, measurement_of(row), row.time, column.name);
  }

  const bool typed_, safe_;
  std::vector<std::string> measurement_texts_;  // by measurement
  std::vector<TypedColumn> columns_;            // of the file, after measurement and time
  std::vector<std::vector<size_t>> places_;     // by measurement and column: index in columns_
  std::vector<const ExportCell*> cells_;        // of the current row; all null between rows
};

}  // namespace

std::unique_ptr<RowWriter> make_csv_rows(const std::vector<TypedMeasurement>& measurements,
                                         const ExportFormatOptions& options) {
  return std::make_unique<CsvRows>(measurements, options);
}

}  // namespace tocsin
