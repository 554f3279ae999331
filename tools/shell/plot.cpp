#include "tools/shell/plot.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <optional>
#include <vector>

#include <fmt/format.h>

#include "db/base/text.h"
#include "query/base/terminal_text.h"
#include "query/format/format.h"

namespace tocsin {
namespace {

constexpr size_t kChartCountMax = 6;
constexpr size_t kBarCountMax = 50;
constexpr size_t kLabelWidthMax = 40;
constexpr size_t kWidthMin = 20;

struct Point {
  Timestamp time = 0;
  double value = 0;
};
struct Series {
  std::string label;
  size_t column = 0;  ///< index of the value column; series of one column share a scale
  std::vector<Point> points;
};

std::optional<double> number_at(const ResultColumn& column, size_t row) {
  if (column.valid[row] == 0) return std::nullopt;
  switch (column.type) {
    case ValueType::kI64: return static_cast<double>(column.i64[row]);
    case ValueType::kU64: return static_cast<double>(column.u64[row]);
    case ValueType::kF64: return column.f64[row];
    case ValueType::kDuration: return static_cast<double>(column.i64[row]) / 1e9;
    default: return std::nullopt;
  }
}

bool is_drawable(ValueType type) { return is_number(type) || type == ValueType::kDuration; }

// Truncated or padded to exactly `width` columns.
std::string fitted(std::string_view text, size_t width, bool right = false) {
  std::string out = cut_to(escape_controls(text), width);
  const std::string padding(width - width_of(out), ' ');
  return right ? padding + out : out + padding;
}

std::string short_number(double value) { return fmt::format("{:.4g}", value); }

// ---- lines ----

// A grid of dots, two by four per character (Unicode block Braille Patterns).
class Canvas {
 public:
  Canvas(size_t width, size_t height) : width_(width), height_(height), cells_(width * height, 0) {}

  long dots_wide() const { return static_cast<long>(width_) * 2; }
  long dots_high() const { return static_cast<long>(height_) * 4; }

  void dot(long x, long y) {  // y upwards
    static constexpr std::array<std::array<uint8_t, 2>, 4> kBits = {
        {{0x01, 0x08}, {0x02, 0x10}, {0x04, 0x20}, {0x40, 0x80}}};
    const long down = dots_high() - 1 - y;
    if (x < 0 || x >= dots_wide() || down < 0 || down >= dots_high()) return;
    const size_t cell = static_cast<size_t>(down / 4) * width_ + static_cast<size_t>(x / 2);
    cells_[cell] |= kBits[static_cast<size_t>(down % 4)][static_cast<size_t>(x % 2)];
  }

  void line(long x0, long y0, long x1, long y1) {
    const long steps = std::max({std::labs(x1 - x0), std::labs(y1 - y0), 1L});
    for (long i = 0; i <= steps; ++i) {
      dot(x0 + (x1 - x0) * i / steps, y0 + (y1 - y0) * i / steps);
    }
  }

  std::string row(size_t index) const {
    std::string out;
    for (size_t x = 0; x < width_; ++x) {
      const uint8_t bits = cells_[index * width_ + x];
      if (bits == 0) {
        out += ' ';
        continue;
      }
      // U+2800 + bits in UTF-8.
      out += '\xE2';
      out += static_cast<char>(0xA0 | bits >> 6);
      out += static_cast<char>(0x80 | (bits & 0x3F));
    }
    return out;
  }

 private:
  size_t width_, height_;
  std::vector<uint8_t> cells_;
};

struct Range {
  double min = 0, max = 0;
  void add(double value, bool first) {
    min = first ? value : std::min(min, value);
    max = first ? value : std::max(max, value);
  }
};

// The scales that all charts of a plot share: the times, and the values of each column.
struct Axes {
  Timestamp start = 0, end = 0;
  std::map<size_t, Range> values;
};

Axes axes_of(const std::vector<Series>& all) {
  Axes axes;
  bool first = true;
  for (const Series& series : all) {
    for (const Point& point : series.points) {
      axes.start = first ? point.time : std::min(axes.start, point.time);
      axes.end = first ? point.time : std::max(axes.end, point.time);
      const bool is_new = axes.values.count(series.column) == 0;
      axes.values[series.column].add(point.value, is_new);
      first = false;
    }
  }
  for (auto& [column, range] : axes.values) {
    if (range.min > 0) range.min = 0;  // the axis always includes zero
    if (range.max < 0) range.max = 0;
    if (range.max <= range.min) range.max = range.min + 1;
  }
  return axes;
}

std::string chart(const Series& series, const Axes& axes, PlotSize size) {
  const Range range = axes.values.at(series.column);
  const std::string top = short_number(range.max), bottom = short_number(range.min);
  const size_t margin = std::max(top.size(), bottom.size());
  Canvas canvas(size.width - margin - 2, size.height);
  const double span =
      std::max(1.0, static_cast<double>(axes.end) - static_cast<double>(axes.start));
  const auto x_of = [&](Timestamp time) {
    const double part = (static_cast<double>(time) - static_cast<double>(axes.start)) / span;
    return std::lround(part * static_cast<double>(canvas.dots_wide() - 1));
  };
  const auto y_of = [&](double value) {
    const double part = (value - range.min) / (range.max - range.min);
    return std::lround(part * static_cast<double>(canvas.dots_high() - 1));
  };
  for (size_t i = 0; i < series.points.size(); ++i) {
    const Point& here = series.points[i];
    const Point& before = series.points[i == 0 ? 0 : i - 1];
    canvas.line(x_of(before.time), y_of(before.value), x_of(here.time), y_of(here.value));
  }
  std::string out = fitted(series.label, size.width) + "\n";
  out.erase(out.find_last_not_of(" \n") + 1);
  out += '\n';
  for (size_t row = 0; row < size.height; ++row) {
    const bool last = row + 1 == size.height;
    out += fitted(row == 0 ? top : last ? bottom : "", margin, true);
    out += row == 0 || last ? " ┤" : " │";
    out += canvas.row(row);
    out.erase(out.find_last_not_of(' ') + 1);
    out += '\n';
  }
  return out;
}

std::string time_axis(const Axes& axes, PlotSize size) {
  const std::string start = format_time_short(axes.start), end = format_time_short(axes.end);
  if (start.size() + end.size() + 1 > size.width) return start + "\n" + end + "\n";
  return start + std::string(size.width - start.size() - end.size(), ' ') + end + "\n";
}

std::vector<Series> series_of(const ResultTable& table, size_t time) {
  std::vector<size_t> values, keys;
  for (size_t i = 0; i < table.columns.size(); ++i) {
    const ValueType type = table.columns[i].type;
    if (is_drawable(type)) values.push_back(i);
    if (type == ValueType::kString || type == ValueType::kBool) keys.push_back(i);
  }
  std::vector<Series> all;
  std::map<std::string, size_t> index;
  for (size_t row = 0; row < table.row_count; ++row) {
    if (table.columns[time].valid[row] == 0) continue;
    std::string group;
    for (const size_t key : keys) {
      group += (group.empty() ? "" : " ") + plain_text(table.columns[key].at(row), false);
    }
    for (const size_t i : values) {
      const auto value = number_at(table.columns[i], row);
      if (!value) continue;
      const std::string& name = table.columns[i].name;
      const std::string label = group.empty()        ? name
                                : values.size() == 1 ? group
                                                     : group + " " + name;
      const auto [place, is_new] = index.emplace(label, all.size());
      if (is_new) all.push_back({label, i, {}});
      all[place->second].points.push_back({table.columns[time].i64[row], *value});
    }
  }
  for (Series& series : all) std::ranges::stable_sort(series.points, {}, &Point::time);
  return all;
}

Result<std::string> plot_lines(const ResultTable& table, size_t time, PlotSize size) {
  std::vector<Series> all = series_of(table, time);
  if (all.empty()) {
    return fail(ErrorCode::kInvalid,
                "nothing to draw: no row of the result has both a time and a number");
  }
  const size_t count = all.size();
  if (count > kChartCountMax) all.resize(kChartCountMax);
  if (all.size() > 1) size.height = std::max<size_t>(3, size.height / 2);
  const Axes axes = axes_of(all);
  std::string out;
  for (const Series& series : all) out += chart(series, axes, size);
  out += time_axis(axes, size);
  if (count > all.size()) out += fmt::format("{} more not shown\n", count - all.size());
  return out;
}

// ---- bars ----

std::string repeated(const char* sign, size_t count) {
  std::string out;
  for (size_t i = 0; i < count; ++i) out += sign;
  return out;
}

std::string bar_to_right(double columns) {
  static constexpr std::array kEighths = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
  const auto eighths = static_cast<size_t>(std::lround(columns * 8));
  return repeated("█", eighths / 8) + kEighths[eighths % 8];
}

// In steps of half a column: Unicode has no other right-aligned blocks.
std::string bar_to_left(double columns, size_t width) {
  const auto halves = static_cast<size_t>(std::lround(columns * 2));
  const size_t taken = halves / 2 + halves % 2;
  return std::string(width - std::min(width, taken), ' ') + (halves % 2 == 1 ? "▐" : "") +
         repeated("█", halves / 2);
}

// The space for bars, and their scale. If there are negative values, a vertical line marks zero and
// their bars extend to its left.
class BarArea {
 public:
  BarArea(Range values, size_t width) {
    const double below = std::max(0.0, -values.min), above = std::max(0.0, values.max);
    has_zero_line_ = below > 0;
    const size_t room = has_zero_line_ ? std::max<size_t>(width, 3) - 1 : width;
    if (has_zero_line_) {
      // Divided by two, as the sum could overflow.
      const auto share = static_cast<size_t>(
          std::lround(static_cast<double>(room) * (below / 2 / (below / 2 + above / 2))));
      left_ = std::clamp<size_t>(share, 1, above > 0 ? room - 1 : room);
      per_unit_ = static_cast<double>(left_) / below;
    }
    if (above > 0) {
      const double per_unit = static_cast<double>(room - left_) / above;
      per_unit_ = has_zero_line_ ? std::min(per_unit_, per_unit) : per_unit;
    }
  }

  std::string bar(double value) const {
    const double columns = std::fabs(value) * per_unit_;
    if (!has_zero_line_) return bar_to_right(columns);
    if (value < 0) return bar_to_left(columns, left_) + "│";
    return std::string(left_, ' ') + "│" + bar_to_right(columns);
  }

 private:
  bool has_zero_line_ = false;
  size_t left_ = 0;
  double per_unit_ = 0;
};

std::string label_of(const ResultTable& table, size_t row) {
  std::string out;
  for (const ResultColumn& column : table.columns) {
    if (is_drawable(column.type)) continue;
    const Value value = column.at(row);
    out +=
        (out.empty() ? "" : " ") + (value.is_null() ? std::string("-") : plain_text(value, false));
  }
  return escape_controls(out);
}

std::string plot_bars(const ResultTable& table, const ResultColumn& column, PlotSize size) {
  const size_t count = std::min(table.row_count, kBarCountMax);
  size_t label_width = width_of(escape_controls(column.name));
  size_t value_width = 1;
  Range range;  // includes zero
  std::vector<std::string> values(count), labels(count);
  for (size_t row = 0; row < count; ++row) {
    const Value value = column.at(row);
    values[row] = value.is_null()                  ? "-"
                  : column.type == ValueType::kF64 ? short_number(column.f64[row])
                                                   : plain_text(value, false);
    labels[row] = label_of(table, row);
    label_width = std::max(label_width, width_of(labels[row]));
    value_width = std::max(value_width, values[row].size());
    range.add(number_at(column, row).value_or(0), false);
  }
  label_width = std::min({label_width, kLabelWidthMax, size.width / 3});
  const size_t taken = label_width + value_width + 2;
  const size_t bar_width = size.width > taken ? size.width - taken : 1;
  const BarArea area(range, bar_width);
  std::string out = fitted("", label_width) + " " + escape_controls(column.name) + "\n";
  for (size_t row = 0; row < count; ++row) {
    out += fitted(labels[row], label_width) + " " + fitted(values[row], value_width, true) + " " +
           area.bar(number_at(column, row).value_or(0));
    out.erase(out.find_last_not_of(' ') + 1);
    out += '\n';
  }
  if (table.row_count > count) out += fmt::format("{} more not shown\n", table.row_count - count);
  return out;
}

}  // namespace

Result<std::string> plot(const ResultTable& table, PlotSize size) {
  size.width = std::max(size.width, kWidthMin);
  size.height = std::max<size_t>(size.height, 2);
  if (table.row_count == 0) return fail(ErrorCode::kInvalid, "nothing to draw: no rows");
  const auto time = std::ranges::find(table.columns, ValueType::kTime, &ResultColumn::type);
  const auto value = std::ranges::find_if(
      table.columns, [](const ResultColumn& column) { return is_drawable(column.type); });
  if (value == table.columns.end()) {
    return fail(ErrorCode::kInvalid,
                "nothing to draw: the result needs a column of numbers, as in "
                "`from audit last 1d | stats n = count() by time(15m)`");
  }
  const bool several = time != table.columns.end() && table.row_count > 1;
  if (!several) return plot_bars(table, *value, size);
  return plot_lines(table, static_cast<size_t>(time - table.columns.begin()), size);
}

}  // namespace tocsin
