// Results as JSON: one object, or one line per row.
#include <fmt/format.h>

#include "db/base/text.h"
#include "query/format.h"

namespace tocsin {
namespace {

class JsonWriter {
 public:
  JsonWriter(const ResultTable& table, const FormatOptions& options)
      : table_(table), options_(options) {}

  std::string document() {
    out_ = "{\"columns\":[";
    for (size_t i = 0; i < table_.columns.size(); ++i) {
      const ResultColumn& column = table_.columns[i];
      out_ += fmt::format("{}{{\"name\":{},\"type\":\"{}\"}}", i == 0 ? "" : ",",
                          json_quote(column.name), name_of(column.type));
    }
    out_ += "],\"rows\":[";
    for (size_t row = 0; row < table_.row_count; ++row) {
      out_ += row == 0 ? "\n[" : ",\n[";
      for (size_t i = 0; i < table_.columns.size(); ++i) {
        if (i > 0) out_ += ',';
        add_value(i, row);
      }
      out_ += ']';
    }
    out_ += table_.row_count == 0 ? "]" : "\n]";
    if (!table_.warnings.empty()) {
      out_ += ",\"warnings\":";
      add_warnings();
    }
    if (options_.statistics) {
      out_ += ",\"stats\":";
      add_statistics();
    }
    out_ += "}\n";
    return std::move(out_);
  }

  std::string lines() {
    std::vector<std::string> names;
    for (const ResultColumn& column : table_.columns) names.push_back(json_quote(column.name));
    for (size_t row = 0; row < table_.row_count; ++row) {
      out_ += '{';
      for (size_t i = 0; i < table_.columns.size(); ++i) {
        if (i > 0) out_ += ',';
        out_ += names[i];
        out_ += ':';
        add_value(i, row);
      }
      out_ += "}\n";
    }
    if (!options_.statistics) return std::move(out_);
    out_ += "{\"stats\":";
    add_statistics();
    if (!table_.warnings.empty()) {
      out_ += ",\"warnings\":";
      add_warnings();
    }
    out_ += "}\n";
    return std::move(out_);
  }

 private:
  void add_value(size_t column_index, size_t row) {
    const ResultColumn& column = table_.columns[column_index];
    if (column.type == ValueType::kString && column.valid[row] != 0) {
      out_ += json_quote(valid_utf8(column.text[row], replaced_));
    } else {
      out_ += json_of(column.at(row), options_.times_as_ns);
    }
  }

  void add_warnings() {
    out_ += '[';
    for (size_t i = 0; i < table_.warnings.size(); ++i) {
      if (i > 0) out_ += ',';
      out_ += json_quote(table_.warnings[i]);
    }
    out_ += ']';
  }

  void add_statistics() {
    const QueryStatistics& s = table_.statistics;
    out_ += fmt::format(
        "{{\"rows\":{},\"rows_matched\":{},\"rows_scanned\":{},\"segments_read\":{},"
        "\"segments_skipped\":{},\"segments_answered\":{},\"bytes_read\":{},\"windows_remembered\":{},"
        "\"invalid_utf8\":{},\"elapsed_us\":{}}}",
        table_.row_count, table_.rows_matched, s.rows_scanned, s.segments_read, s.segments_skipped,
        s.segments_answered, s.bytes_read, s.windows_remembered, s.invalid_utf8 + replaced_,
        s.elapsed_us);
  }

  const ResultTable& table_;
  const FormatOptions& options_;
  std::string out_;
  size_t replaced_ = 0;  // invalid UTF-8 sequences so far
};

}  // namespace

std::string format_json(const ResultTable& table, const FormatOptions& options) {
  return JsonWriter(table, options).document();
}

std::string format_ndjson(const ResultTable& table, const FormatOptions& options) {
  return JsonWriter(table, options).lines();
}

}  // namespace tocsin
