// Results as InfluxDB line protocol: the columns `measurement` and `time` in their places, all others
// as fields. A result does not know which of its columns were tags.
#include <cmath>

#include "query/format.h"

namespace tocsin {
namespace {

void add_escaped(std::string& out, std::string_view text, std::string_view special) {
  for (const char c : text) {
    if (c == '\n') {  // no line protocol can hold it in a name
      out += "\\n";
      continue;
    }
    if (special.find(c) != std::string_view::npos) out += '\\';
    out += c;
  }
}

void add_field_value(std::string& out, const Value& value) {
  out += value.type == ValueType::kString ? "" : plain_text(value, true);
  switch (value.type) {
    case ValueType::kString:
      out += '"';
      for (const char c : std::get<std::string>(value.data)) {
        if (c == '"' || c == '\\') out += '\\';
        out += c;
      }
      out += '"';
      break;
    case ValueType::kI64:
    case ValueType::kTime:
    case ValueType::kDuration: out += 'i'; break;
    case ValueType::kU64: out += 'u'; break;
    default: break;
  }
}

bool is_writable(const Value& value) {
  if (value.is_null()) return false;
  const auto* number = std::get_if<double>(&value.data);
  return !number || std::isfinite(*number);
}

}  // namespace

std::string format_line_protocol(const ResultTable& table) {
  const size_t measurement = table.find("measurement");
  const size_t time = table.find("time");
  const bool has_name = measurement < table.columns.size() &&
                        table.columns[measurement].type == ValueType::kString;
  const bool has_time =
      time < table.columns.size() && table.columns[time].type == ValueType::kTime;
  std::string out;
  for (size_t row = 0; row < table.row_count; ++row) {
    const std::string name =
        has_name ? plain_text(table.columns[measurement].at(row), true) : std::string();
    add_escaped(out, name.empty() ? "result" : name, ", ");
    char separator = ' ';
    for (size_t i = 0; i < table.columns.size(); ++i) {
      if ((has_name && i == measurement) || (has_time && i == time)) continue;
      const Value value = table.columns[i].at(row);
      if (!is_writable(value)) continue;
      out += separator;
      separator = ',';
      add_escaped(out, table.columns[i].name, ",= ");
      out += '=';
      add_field_value(out, value);
    }
    if (separator == ' ') out += " _=t";  // a row needs a field; import drops this one again
    if (has_time && table.columns[time].valid[row] != 0) {
      out += ' ';
      out += std::to_string(table.columns[time].i64[row]);
    }
    out += '\n';
  }
  return out;
}

}  // namespace tocsin
