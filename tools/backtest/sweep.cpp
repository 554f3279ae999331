#include "tools/backtest/sweep.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include <fmt/format.h>

#include "query/format/text_table.h"
#include "rules/backtest_report.h"
#include "tools/backtest/labels.h"

namespace tocsin::backtesting {
namespace {

constexpr const char* kSweepForm = "--sweep: expected NAME=FROM:TO:STEP, as min_events=10:100:10";

/// Removes a number from the start of `text`, and the character `after` that has to follow it; with
/// 0, the text has to end there.
bool take_number(std::string_view& text, char after, double& out) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (error != std::errc() || !std::isfinite(out)) return false;
  text.remove_prefix(static_cast<size_t>(end - text.data()));
  if (after == '\0') return text.empty();
  if (!text.starts_with(after)) return false;
  text.remove_prefix(1);
  return true;
}

}  // namespace

Result<Sweep> parse_sweep(std::string_view text) {
  Sweep sweep;
  const size_t equals = text.find('=');
  if (equals == std::string_view::npos || equals == 0) return fail(ErrorCode::kInvalid, kSweepForm);
  sweep.name = text.substr(text.starts_with('$') ? 1 : 0, equals - (text.starts_with('$') ? 1 : 0));
  std::string_view numbers = text.substr(equals + 1);
  double from = 0, to = 0, step = 0;
  const bool valid = take_number(numbers, ':', from) && take_number(numbers, ':', to) &&
                     take_number(numbers, '\0', step);
  if (!valid || step <= 0 || to < from) return fail(ErrorCode::kInvalid, kSweepForm);
  // A little more than the end, because the sum of steps is not exact.
  const double count = std::floor((to - from) / step + 1e-9) + 1;
  if (count > static_cast<double>(kSweepValuesMax)) {
    return fail(ErrorCode::kLimit, fmt::format("--sweep: {:.0f} values are too many; at most {}",
                                               count, kSweepValuesMax));
  }
  for (int i = 0; i < static_cast<int>(count); ++i) {
    const double value = from + i * step;
    sweep.values.push_back(std::round(value * 1e9) / 1e9);
  }
  return sweep;
}

void SweepTable::add(const std::string& value, const BacktestReport& report, TimeRange range,
                     const detection::KindFigures& figures) {
  rows_.push_back(
      {value, report.firings.size(), pages_per_week(count_pages(report), range), figures});
}

std::string SweepTable::text() const {
  std::vector<std::string> names{name_, "firings", "pages/week"};
  if (with_labels_) names.insert(names.end(), {"precision", "recall", "F1", "best"});
  TextTable table(names);
  double best = 0;
  for (const Row& row : rows_) best = std::max(best, f1_of(row.figures));
  for (const Row& row : rows_) {
    std::vector<std::string> cells{row.value, std::to_string(row.firings),
                                   fmt::format("{:.2g}", row.pages_per_week)};
    if (with_labels_) {
      const double f1 = f1_of(row.figures);
      cells.push_back(fmt::format("{:.3f}", row.figures.precision().value()));
      cells.push_back(fmt::format("{:.3f}", row.figures.recall().value()));
      cells.push_back(fmt::format("{:.3f}", f1));
      cells.push_back(best > 0 && f1 == best ? "best" : "");
    }
    table.add(cells);
  }
  return table.text();
}

}  // namespace tocsin::backtesting
