// Writes rows as line protocol. A value that a tag cannot hold (empty, with a newline, or ending in
// a backslash) is written as a string field of the same name: an import puts both into one column.
#include <cmath>

#include "query/format/format.h"
#include "tools/export/row_writer.h"

namespace tocsin {
namespace {

constexpr const char* kNotFinite = "values that are NaN or infinite";
constexpr const char* kBadName = "values in columns whose names line protocol cannot represent";
constexpr const char* kSecondType = "values that are not of the first type of their column";
constexpr const char* kBadMeasurement =
    "rows of measurements whose names line protocol cannot represent";

// A newline would end the line, and a backslash at the end would escape the next character.
bool is_token(std::string_view text) {
  return !text.empty() && text.back() != '\\' && text.find('\n') == text.npos;
}

// Blanks and tabs before the fields are skipped.
bool is_key(std::string_view name) { return is_token(name) && name.front() != '\t'; }

// Lines that begin with one of these characters are comments or JSON, or lose their blanks or NUL
// bytes.
bool is_measurement(std::string_view name) {
  constexpr std::string_view kLost("#{\t\r\0", 5);
  return is_token(name) && kLost.find(name.front()) == kLost.npos;
}

std::string escaped(std::string_view name, std::string_view special) {
  std::string out;
  add_line_protocol_name(out, name, special);
  return out;
}

class LineProtocolRows final : public RowWriter {
 public:
  explicit LineProtocolRows(const std::vector<TypedMeasurement>& measurements)
      : RowWriter(measurements) {
    for (const TypedMeasurement& measurement : measurements) {
      Names names;
      if (is_measurement(measurement.name)) {
        names.measurement = escaped(measurement.name, kEscapedInMeasurement);
      }
      for (const TypedColumn& column : measurement.columns) {
        names.keys.push_back(is_key(column.name) ? escaped(column.name, kEscapedInKey) + '='
                                                 : std::string());
      }
      names_.push_back(std::move(names));
    }
  }

  void write(const ExportRow& row, std::string& out) override {
    const TypedMeasurement& measurement = measurement_of(row);
    const Names& names = names_[row.measurement];
    if (names.measurement.empty()) return losses_.add(kBadMeasurement, measurement, row.time);
    const size_t start = out.size();
    out += names.measurement;
    for (const ExportCell& cell : row.cells) {
      if (!is_tag(measurement, names, cell)) continue;
      out += ',';
      out += names.keys[cell.column];
      add_line_protocol_name(out, cell.text, kEscapedInKey);
    }
    char separator = ' ';
    for (const ExportCell& cell : row.cells) {
      if (is_tag(measurement, names, cell)) continue;
      const TypedColumn& column = measurement.columns[cell.column];
      if (column.first) {
        losses_.add(kSecondType, measurement, row.time, column.name);
      } else if (names.keys[cell.column].empty()) {
        losses_.add(kBadName, measurement, row.time, column.name);
      } else if (column.type == ColumnType::kF64 && !std::isfinite(cell.f64())) {
        losses_.add(kNotFinite, measurement, row.time, column.name);
      } else {
        out += separator;
        separator = ',';
        out += names.keys[cell.column];
        add_value(out, column.type, cell);
      }
    }
    if (separator == ' ') out += " _=t";  // a line needs a field; an import drops this one
    out += ' ';
    add_number(out, row.time);
    out += '\n';
    drop_too_long(row, start, out);
  }

 private:
  struct Names {
    std::string measurement;        // empty: line protocol cannot represent it
    std::vector<std::string> keys;  // by column, with the `=`; empty likewise
  };

  static bool is_tag(const TypedMeasurement& measurement, const Names& names,
                     const ExportCell& cell) {
    const TypedColumn& column = measurement.columns[cell.column];
    return column.kind == ColumnKind::kTag && !column.first && !names.keys[cell.column].empty() &&
           is_token(cell.text);
  }

  static void add_value(std::string& out, ColumnType type, const ExportCell& cell) {
    switch (type) {
      case ColumnType::kI64:
        add_number(out, cell.i64());
        out += 'i';
        break;
      case ColumnType::kU64:
        add_number(out, cell.bits);
        out += 'u';
        break;
      case ColumnType::kF64: add_number(out, cell.f64()); break;
      case ColumnType::kBool:
        out += cell.bits != 0 ? "true" : "false";  // `_=t` would be dropped
        break;
      case ColumnType::kString: add_line_protocol_string(out, cell.text); break;
    }
  }

  std::vector<Names> names_;  // by measurement
};

}  // namespace

std::unique_ptr<RowWriter> make_line_protocol_rows(
    const std::vector<TypedMeasurement>& measurements) {
  return std::make_unique<LineProtocolRows>(measurements);
}

}  // namespace tocsin
