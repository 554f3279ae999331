// Writes rows as JSON lines: one object per row, without nulls.
#include <cmath>

#include "db/base/binary_text.h"
#include "db/base/json.h"
#include "db/base/text.h"
#include "net/parse/typed_json.h"
#include "tools/export/row_writer.h"

namespace tocsin {
namespace {

class JsonRows final : public RowWriter {
 public:
  JsonRows(const std::vector<TypedMeasurement>& measurements, bool typed)
      : RowWriter(measurements), typed_(typed) {
    for (const TypedMeasurement& measurement : measurements) {
      Names names{"{\"measurement\":" + name_text(measurement.name), {}};
      const std::vector<std::string> keys = typed_json_keys(measurement.columns);
      for (size_t i = 0; i < keys.size(); ++i) {
        const std::string& key = typed ? keys[i] : measurement.columns[i].name;
        names.keys.push_back("," + json_quote(key) + ":");
      }
      names_.push_back(std::move(names));
    }
  }

  Status begin(std::string& out) override {
    if (!typed_) return {};
    TOCSIN_TRY(const std::string header, typed_json_header(measurements_));
    out += header;
    return {};
  }

  void write(const ExportRow& row, std::string& out) override {
    const size_t start = out.size();
    out += names_[row.measurement].measurement;
    out += ",\"time\":\"";
    out += format_time(row.time);
    out += '"';
    for (const ExportCell& cell : row.cells) {
      out += names_[row.measurement].keys[cell.column];
      add_value(row, cell, out);
    }
    out += "}\n";
    if (typed_) drop_too_long(row, start, out);
  }

 private:
  struct Names {
    std::string measurement;        // the beginning of its rows
    std::vector<std::string> keys;  // by column, with the comma before it
  };

  std::string name_text(const std::string& name) const {
    return json_quote(typed_ ? exact_name(name) : name);
  }

  void add_value(const ExportRow& row, const ExportCell& cell, std::string& out) {
    const TypedColumn& column = measurement_of(row).columns[cell.column];
    switch (column.type) {
      case ColumnType::kI64:
        if (column.kind == ColumnKind::kTime && !typed_) {
          out += json_quote(format_time(cell.i64()));
        } else {
          add_number(out, cell.i64());
        }
        break;
      case ColumnType::kU64: return add_number(out, cell.bits);
      case ColumnType::kBool: out += cell.bits != 0 ? "true" : "false"; break;
      case ColumnType::kF64: return add_float(row, column, cell.f64(), out);
      case ColumnType::kString: return add_text(row, column, cell.text, out);
    }
  }

  void add_float(const ExportRow& row, const TypedColumn& column, double value, std::string& out) {
    if (std::isfinite(value)) {
      const size_t start = out.size();
      add_exact_f64(out, value);
      // Without a decimal point, most readers would see an integer.
      if (out.find_first_of(".e", start) == out.npos) out += ".0";
    } else if (typed_) {
      out += '"';
      add_exact_f64(out, value);
      out += '"';
    } else {
      out += "null";
      losses_.add(kLostNumber, measurement_of(row), row.time, column.name);
    }
  }

  void add_text(const ExportRow& row, const TypedColumn& column, std::string_view text,
                std::string& out) {
    if (column.base64) {
      out += '"' + base64_text(text) + '"';
      return;
    }
    out += json_quote(text);
    if (!is_valid_utf8(text)) losses_.add(kLostText, measurement_of(row), row.time, column.name);
  }

  const bool typed_;
  std::vector<Names> names_;  // by measurement
};

}  // namespace

std::unique_ptr<RowWriter> make_json_rows(const std::vector<TypedMeasurement>& measurements,
                                          bool typed) {
  return std::make_unique<JsonRows>(measurements, typed);
}

}  // namespace tocsin
