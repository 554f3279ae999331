// Results as CSV (RFC 4180): with a header, CRLF line ends, and quotes where needed.
#include "db/base/text.h"
#include "query/format/format.h"
#include "query/format/result_writer.h"

namespace tocsin {

std::string spreadsheet_text(std::string text) {
  const bool is_formula = text.find_first_of("=+-@\t\r") == 0;
  return is_formula ? "'" + text : text;
}

void add_csv_field(std::string& out, std::string_view text, bool quoted) {
  if (!quoted && text.find_first_of(",\"\r\n") == std::string_view::npos) {
    out += text;
    return;
  }
  out += '"';
  for (const char c : text) {
    if (c == '"') out += '"';
    out += c;
  }
  out += '"';
}

namespace {

class CsvWriter final : public ResultWriter {
 public:
  CsvWriter(const ResultTable& table, const FormatOptions& options)
      : ResultWriter(table), times_as_ns_(options.times_as_ns), safe_(options.safe) {}

 private:
  void begin(std::string& out) override {
    for (size_t i = 0; i < table_.columns.size(); ++i) {
      if (i > 0) out += ',';
      add_csv_field(out, shown(table_.columns[i].name), false);
    }
    out += "\r\n";
  }

  void write_row(size_t row, std::string& out) override {
    for (size_t i = 0; i < table_.columns.size(); ++i) {
      if (i > 0) out += ',';
      const Value value = table_.columns[i].at(row);
      // Empty strings are quoted to tell them apart from null.
      const bool is_text = value.type == ValueType::kString;
      const std::string plain = plain_text(value, times_as_ns_);
      add_csv_field(out, is_text ? shown(plain) : plain, is_text && plain.empty());
    }
    out += "\r\n";
  }

  std::string shown(std::string_view text) {
    std::string valid = valid_utf8(text, replaced_);
    return safe_ ? spreadsheet_text(std::move(valid)) : valid;
  }

  const bool times_as_ns_, safe_;
  size_t replaced_ = 0;  // invalid UTF-8 sequences so far
};

}  // namespace

std::unique_ptr<ResultWriter> make_csv_writer(const ResultTable& table,
                                              const FormatOptions& options) {
  return std::make_unique<CsvWriter>(table, options);
}

}  // namespace tocsin
