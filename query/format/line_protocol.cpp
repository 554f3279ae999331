// Results as InfluxDB line protocol: `measurement` and `time` become a line's name and timestamp.
// All other columns become fields, because a result does not know which of its columns were tags.
#include <cmath>

#include "query/format/format.h"
#include "query/format/result_writer.h"

namespace tocsin {
void add_line_protocol_name(std::string& out, std::string_view text, std::string_view escaped) {
  for (const char c : text) {
    if (c == '\n') {
      out += "\\n";
      continue;
    }
    if (escaped.find(c) != std::string_view::npos) out += '\\';
    out += c;
  }
}

void add_line_protocol_string(std::string& out, std::string_view text) {
  out += '"';
  size_t written = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '"' && text[i] != '\\') continue;
    out += text.substr(written, i - written);
    out += '\\';
    written = i;
  }
  out += text.substr(written);
  out += '"';
}

namespace {

void add_field_value(std::string& out, const Value& value) {
  out += value.type == ValueType::kString ? "" : plain_text(value, true);
  switch (value.type) {
    case ValueType::kString:
      add_line_protocol_string(out, std::get<std::string>(value.data));
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

class LineProtocolWriter final : public ResultWriter {
 public:
  explicit LineProtocolWriter(const ResultTable& table)
      : ResultWriter(table), measurement_(table.find("measurement")), time_(table.find("time")) {
    const size_t count = table.columns.size();
    has_name_ = measurement_ < count && table.columns[measurement_].type == ValueType::kString;
    has_time_ = time_ < count && table.columns[time_].type == ValueType::kTime;
  }

 private:
  void write_row(size_t row, std::string& out) override {
    const std::string name =
        has_name_ ? plain_text(table_.columns[measurement_].at(row), true) : std::string();
    add_line_protocol_name(out, name.empty() ? "result" : name, kEscapedInMeasurement);
    char separator = ' ';
    for (size_t i = 0; i < table_.columns.size(); ++i) {
      if ((has_name_ && i == measurement_) || (has_time_ && i == time_)) continue;
      const Value value = table_.columns[i].at(row);
      if (!is_writable(value)) continue;
      out += separator;
      separator = ',';
      add_line_protocol_name(out, table_.columns[i].name, kEscapedInKey);
      out += '=';
      add_field_value(out, value);
    }
    if (separator == ' ') out += " _=t";  // a line needs a field; import drops this one
    if (has_time_ && table_.columns[time_].valid[row] != 0) {
      out += ' ';
      out += std::to_string(table_.columns[time_].i64[row]);
    }
    out += '\n';
  }

  const size_t measurement_, time_;  // columns
  bool has_name_ = false, has_time_ = false;
};

}  // namespace

std::unique_ptr<ResultWriter> make_line_protocol_writer(const ResultTable& table) {
  return std::make_unique<LineProtocolWriter>(table);
}

}  // namespace tocsin
