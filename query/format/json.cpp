// Results as JSON: one object, or one line per row.
#include "db/base/json.h"

#include <vector>

#include <fmt/format.h>

#include "db/base/text.h"
#include "query/format/format.h"
#include "query/format/result_writer.h"

namespace tocsin {
namespace {

// The parts common to both forms: values, and the warnings and statistics after the rows.
class JsonParts : public ResultWriter {
 public:
  JsonParts(const ResultTable& table, const FormatOptions& options)
      : ResultWriter(table), options_(options) {}

 protected:
  void add_value(std::string& out, size_t column_index, size_t row) {
    const ResultColumn& column = table_.columns[column_index];
    if (column.type == ValueType::kString && column.valid[row] != 0) {
      out += json_quote(valid_utf8(column.text[row], replaced_));
    } else {
      out += json_of(column.at(row), options_.times_as_ns);
    }
  }

  void add_warnings(std::string& out) const {
    if (table_.warnings.empty()) return;
    out += ",\"warnings\":[";
    for (size_t i = 0; i < table_.warnings.size(); ++i) {
      if (i > 0) out += ',';
      out += json_quote(table_.warnings[i]);
    }
    out += ']';
  }

  void add_more_rows(std::string& out) const {
    if (table_.has_more_rows) out += ",\"has_more_rows\":true";
  }

  std::string statistics() const {
    const QueryStatistics& s = table_.statistics;
    return fmt::format(
        "{{\"rows\":{},\"rows_matched\":{},\"rows_scanned\":{},\"segments_read\":{},"
        "\"segments_skipped\":{},\"segments_answered\":{},\"bytes_read\":{},"
        "\"windows_remembered\":{},\"invalid_utf8\":{},\"elapsed_us\":{}}}",
        table_.row_count, table_.rows_matched, s.rows_scanned, s.segments_read, s.segments_skipped,
        s.segments_answered, s.bytes_read, s.windows_remembered, s.invalid_utf8 + replaced_,
        s.elapsed_us);
  }

  const FormatOptions options_;

 private:
  size_t replaced_ = 0;  // invalid UTF-8 sequences so far
};

class JsonWriter final : public JsonParts {
 public:
  using JsonParts::JsonParts;

 private:
  void begin(std::string& out) override {
    out += "{\"columns\":[";
    for (size_t i = 0; i < table_.columns.size(); ++i) {
      const ResultColumn& column = table_.columns[i];
      out += fmt::format("{}{{\"name\":{},\"type\":\"{}\"}}", i == 0 ? "" : ",",
                         json_quote(column.name), name_of(column.type));
    }
    out += "],\"rows\":[";
  }

  void write_row(size_t row, std::string& out) override {
    out += row == 0 ? "\n[" : ",\n[";
    for (size_t i = 0; i < table_.columns.size(); ++i) {
      if (i > 0) out += ',';
      add_value(out, i, row);
    }
    out += ']';
  }

  void end(std::string& out) override {
    out += table_.row_count == 0 ? "]" : "\n]";
    add_more_rows(out);
    add_warnings(out);
    if (options_.statistics) out += ",\"stats\":" + statistics();
    out += "}\n";
  }
};

class NdjsonWriter final : public JsonParts {
 public:
  NdjsonWriter(const ResultTable& table, const FormatOptions& options) : JsonParts(table, options) {
    for (const ResultColumn& column : table.columns) names_.push_back(json_quote(column.name));
  }

 private:
  void write_row(size_t row, std::string& out) override {
    out += '{';
    for (size_t i = 0; i < table_.columns.size(); ++i) {
      if (i > 0) out += ',';
      out += names_[i];
      out += ':';
      add_value(out, i, row);
    }
    out += "}\n";
  }

  void end(std::string& out) override {
    if (!options_.statistics) return;
    out += "{\"stats\":" + statistics();
    add_more_rows(out);
    add_warnings(out);
    out += "}\n";
  }

  std::vector<std::string> names_;  // quoted
};

}  // namespace

std::unique_ptr<ResultWriter> make_json_writer(const ResultTable& table,
                                               const FormatOptions& options) {
  return std::make_unique<JsonWriter>(table, options);
}

std::unique_ptr<ResultWriter> make_ndjson_writer(const ResultTable& table,
                                                 const FormatOptions& options) {
  return std::make_unique<NdjsonWriter>(table, options);
}

}  // namespace tocsin
