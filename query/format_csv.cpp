// Results as CSV (RFC 4180): a header, CRLF line ends, quotes where they are needed.
#include "db/base/text.h"
#include "query/format.h"

namespace tocsin {
namespace {

void add_field(std::string& out, const std::string& text, bool quoted) {
  if (!quoted && text.find_first_of(",\"\r\n") == std::string::npos) {
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

}  // namespace

std::string format_csv(const ResultTable& table, const FormatOptions& options) {
  std::string out;
  size_t replaced = 0;
  for (size_t i = 0; i < table.columns.size(); ++i) {
    if (i > 0) out += ',';
    add_field(out, valid_utf8(table.columns[i].name, replaced), false);
  }
  out += "\r\n";
  for (size_t row = 0; row < table.row_count; ++row) {
    for (size_t i = 0; i < table.columns.size(); ++i) {
      if (i > 0) out += ',';
      const Value value = table.columns[i].at(row);
      // An empty string is quoted, so that it differs from null.
      const std::string text = valid_utf8(plain_text(value, options.times_as_ns), replaced);
      add_field(out, text, text.empty() && value.type == ValueType::kString);
    }
    out += "\r\n";
  }
  return out;
}

}  // namespace tocsin
