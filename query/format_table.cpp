// Results for people: aligned columns, numbers to the right, nulls as `-`.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "db/base/text.h"
#include "query/format.h"

namespace tocsin {
namespace {

constexpr std::string_view kGap = "  ";

// A terminal must not obey what a log line says: control characters (C0, DEL, C1) are shown.
std::string escaped(std::string_view text) {
  size_t replaced = 0;
  const std::string valid = valid_utf8(text, replaced);
  std::string out;
  for (size_t i = 0; i < valid.size(); ++i) {
    const auto c = static_cast<unsigned char>(valid[i]);
    const auto next = i + 1 < valid.size() ? static_cast<unsigned char>(valid[i + 1]) : 0u;
    if (c == '\n') {
      out += "\\n";
    } else if (c == '\t') {
      out += "\\t";
    } else if (c == '\r') {
      out += "\\r";
    } else if (c < 0x20 || c == 0x7f) {
      out += fmt::format("\\x{:02x}", c);
    } else if (c == 0xc2 && next >= 0x80 && next < 0xa0) {  // U+0080 to U+009F
      out += fmt::format("\\x{:02x}", next);
      ++i;
    } else {
      out += valid[i];
    }
  }
  return out;
}

// Six significant digits are enough to read; whole numbers are shown whole.
std::string readable(double value) {
  constexpr double kWholeMax = 1e15;
  if (!std::isfinite(value)) return "-";
  const std::string exact = text_of(value);
  constexpr size_t kShort = 9;
  if (exact.size() <= kShort) return exact;
  if (value == std::trunc(value) && std::fabs(value) < kWholeMax) return fmt::format("{:.0f}", value);
  if (std::fabs(value) >= 1000 && std::fabs(value) < kWholeMax) return fmt::format("{:.3f}", value);
  return fmt::format("{:.6g}", value);
}

std::string cell_text(const Value& value, bool times_as_ns) {
  if (value.is_null()) return "-";
  if (value.type == ValueType::kF64) return readable(std::get<double>(value.data));
  if (value.type == ValueType::kTime && !times_as_ns) {
    return format_time_short(std::get<int64_t>(value.data));
  }
  return escaped(plain_text(value, times_as_ns));
}

size_t width_of(std::string_view text) {  // code points
  return static_cast<size_t>(
      std::ranges::count_if(text, [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

// The first `width` code points, the last of them a sign that more follow.
std::string cut(std::string line, size_t width) {
  if (width == 0 || width_of(line) <= width) return line;
  size_t at = 0;
  for (size_t points = 0; at < line.size(); ++at) {
    if ((static_cast<unsigned char>(line[at]) & 0xc0) != 0x80 && ++points == width) break;
  }
  line.resize(at);
  return line + "…";
}

void add_line(std::string& out, std::string line, size_t terminal_width) {
  line.erase(line.find_last_not_of(' ') + 1);
  out += cut(std::move(line), terminal_width);
  out += '\n';
}

}  // namespace

std::string format_table(const ResultTable& table, const FormatOptions& options) {
  const size_t column_count = table.columns.size();
  std::vector<std::vector<std::string>> cells(column_count);
  std::vector<size_t> widths(column_count);
  for (size_t i = 0; i < column_count; ++i) {
    cells[i].push_back(escaped(table.columns[i].name));
    for (size_t row = 0; row < table.row_count; ++row) {
      cells[i].push_back(cell_text(table.columns[i].at(row), options.times_as_ns));
    }
    for (const std::string& cell : cells[i]) widths[i] = std::max(widths[i], width_of(cell));
  }
  std::string out;
  for (size_t line_index = 0; line_index <= table.row_count; ++line_index) {
    std::string line;
    for (size_t i = 0; i < column_count; ++i) {
      const std::string& cell = cells[i][line_index];
      const std::string padding(widths[i] - width_of(cell), ' ');
      const bool right = is_number(table.columns[i].type);
      if (i > 0) line += kGap;
      line += right ? padding + cell : cell + padding;
    }
    add_line(out, std::move(line), options.terminal_width);
  }
  if (options.terminal_width != 0) {
    out += fmt::format("{} row{}, {} ms\n", table.row_count, table.row_count == 1 ? "" : "s",
                       table.statistics.elapsed_us / 1000);
  }
  return out;
}

}  // namespace tocsin
