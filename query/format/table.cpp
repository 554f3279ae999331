// Results for people: aligned columns, numbers right-aligned, nulls as `-`.
#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "db/base/text.h"
#include "query/base/terminal_text.h"
#include "query/format/format.h"
#include "query/format/result_writer.h"

namespace tocsin {
namespace {

constexpr std::string_view kGap = "  ";

// Six significant digits are enough for people; whole numbers are shown in full.
std::string readable(double value) {
  constexpr double kWholeMax = 1e15;
  if (!std::isfinite(value)) return "-";
  std::string exact = text_of(value);
  constexpr size_t kShort = 9;
  if (exact.size() <= kShort) return exact;
  if (value == std::trunc(value) && std::fabs(value) < kWholeMax) {
    return fmt::format("{:.0f}", value);
  }
  if (std::fabs(value) >= 1000 && std::fabs(value) < kWholeMax) return fmt::format("{:.3f}", value);
  return fmt::format("{:.6g}", value);
}

std::string cell_text(const Value& value, bool times_as_ns) {
  if (value.is_null()) return "-";
  if (value.type == ValueType::kF64) return readable(std::get<double>(value.data));
  if (value.type == ValueType::kTime && !times_as_ns) {
    return format_time_short(std::get<int64_t>(value.data));
  }
  return escape_controls(plain_text(value, times_as_ns));
}

// How many columns fit into the terminal; at least one, which is cut if it must be.
size_t columns_that_fit(const std::vector<size_t>& widths, size_t terminal_width) {
  if (terminal_width == 0 || widths.empty()) return widths.size();
  size_t total = widths[0];
  size_t count = 1;
  while (count < widths.size()) {
    total += kGap.size() + widths[count];
    if (total > terminal_width) break;
    ++count;
  }
  return count;
}

void add_line(std::string& out, std::string line, size_t terminal_width) {
  line.erase(line.find_last_not_of(' ') + 1);
  out += terminal_width == 0 ? line : cut_to(std::move(line), terminal_width);
  out += '\n';
}

// Narrows the widest text columns until a line fits, or until all have their minimum width.
void fit(const ResultTable& table, size_t terminal_width, std::vector<size_t>& widths) {
  constexpr size_t kWidthMin = 8;
  const auto can_shrink = [&](size_t i) {
    return table.columns[i].type == ValueType::kString && widths[i] > kWidthMin;
  };
  size_t total = 0;
  for (size_t i = 0; i < widths.size(); ++i) {
    if (can_shrink(i)) widths[i] = std::min(widths[i], std::max(kWidthMin, terminal_width));
    total += widths[i] + (i > 0 ? kGap.size() : 0);
  }
  for (; total > terminal_width; --total) {
    size_t widest = widths.size();
    for (size_t i = 0; i < widths.size(); ++i) {
      if (can_shrink(i) && (widest == widths.size() || widths[i] > widths[widest])) widest = i;
    }
    if (widest == widths.size()) return;
    --widths[widest];
  }
}

class TableWriter final : public ResultWriter {
 public:
  TableWriter(const ResultTable& table, const FormatOptions& options)
      : ResultWriter(table), options_(options) {}

 private:
  // The column widths depend on all rows; each cell is made again when its row is written.
  void begin(std::string& out) override {
    std::vector<std::string> names;
    for (size_t i = 0; i < table_.columns.size(); ++i) {
      names.push_back(escape_controls(table_.columns[i].name));
      size_t width = width_of(names.back());
      for (size_t row = 0; row < table_.row_count; ++row) {
        width = std::max(width, width_of(cell(i, row)));
      }
      widths_.push_back(width);
    }
    if (options_.terminal_width != 0) fit(table_, options_.terminal_width, widths_);
    shown_ = columns_that_fit(widths_, options_.terminal_width);
    write_cells(std::move(names), out);
  }

  void end(std::string& out) override {
    if (shown_ < table_.columns.size()) add_hidden_columns(out);
  }

  // Names the columns for which the terminal is too narrow.
  void add_hidden_columns(std::string& out) const {
    constexpr size_t kNamesMax = 10;
    const size_t count = table_.columns.size() - shown_;
    out += fmt::format("… {} more column{}, too wide for the terminal: ", count,
                       count == 1 ? "" : "s");
    for (size_t i = 0; i < std::min(count, kNamesMax); ++i) {
      if (i > 0) out += ", ";
      out += escape_controls(table_.columns[shown_ + i].name);
    }
    out += count > kNamesMax ? ", …; choose with `| keep`\n" : "; choose with `| keep`\n";
  }

  void write_row(size_t row, std::string& out) override {
    std::vector<std::string> cells;
    for (size_t i = 0; i < shown_; ++i) cells.push_back(cell(i, row));
    write_cells(std::move(cells), out);
  }

  std::string cell(size_t column, size_t row) const {
    return cell_text(table_.columns[column].at(row), options_.times_as_ns);
  }

  void write_cells(std::vector<std::string> cells, std::string& out) const {
    std::string line;
    for (size_t i = 0; i < shown_; ++i) {
      const std::string cell = cut_to(std::move(cells[i]), widths_[i]);
      const std::string padding(widths_[i] - width_of(cell), ' ');
      const bool right = is_number(table_.columns[i].type);
      if (i > 0) line += kGap;
      line += right ? padding + cell : cell + padding;
    }
    add_line(out, std::move(line), options_.terminal_width);
  }

  std::vector<size_t> widths_;
  size_t shown_ = 0;  // how many columns fit the terminal
  const FormatOptions options_;
};

}  // namespace

std::unique_ptr<ResultWriter> make_table_writer(const ResultTable& table,
                                                const FormatOptions& options) {
  return std::make_unique<TableWriter>(table, options);
}

}  // namespace tocsin
