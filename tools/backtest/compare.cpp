#include "tools/backtest/compare.h"

#include <algorithm>
#include <vector>

#include <fmt/format.h>

#include "query/format/text_table.h"
#include "rules/backtest_report.h"

namespace tocsin::backtesting {
namespace {

bool are_same(const BacktestFiring& a, const BacktestFiring& b) {
  const auto end_of = [](const BacktestFiring& firing) {
    return firing.end == 0 ? kTimeMax : firing.end;
  };
  return a.start.type == b.start.type && group_text(a.start) == group_text(b.start) &&
         a.start.time < end_of(b) && b.start.time < end_of(a);
}

const BacktestFiring* find_same(const BacktestReport& report, const BacktestFiring& firing) {
  const auto found = std::find_if(report.firings.begin(), report.firings.end(),
                                  [&](const auto& other) { return are_same(firing, other); });
  return found == report.firings.end() ? nullptr : &*found;
}

void add_row(TextTable& table, const std::string& in, const BacktestFiring& firing,
             const std::string& severity, TimeRange range) {
  const Timestamp end = firing.end == 0 ? range.end : firing.end;
  table.add({in, firing.start.rule, group_text(firing.start), severity,
             format_time_short(firing.start.time), format_duration(end - firing.start.time),
             firing.start.summary});
}

}  // namespace

std::string comparison(const BacktestReport& now, const BacktestReport& before, TimeRange range) {
  TextTable table({"in", "rule", "group", "severity", "start", "length", "summary"});
  size_t only_now = 0, only_before = 0, both = 0, changed = 0;
  for (const BacktestFiring& firing : now.firings) {
    const BacktestFiring* same = find_same(before, firing);
    if (!same) {
      ++only_now;
      add_row(table, "only new", firing, name_of(firing.severity), range);
      continue;
    }
    ++both;
    if (same->severity == firing.severity) continue;
    ++changed;
    add_row(table, "both", firing,
            fmt::format("{}, was {}", name_of(firing.severity), name_of(same->severity)), range);
  }
  for (const BacktestFiring& firing : before.firings) {
    if (find_same(now, firing)) continue;
    ++only_before;
    add_row(table, "only --against", firing, name_of(firing.severity), range);
  }
  const std::string rows = only_now + only_before + changed == 0 ? "" : table.text();
  return fmt::format(
      "{}only new: {}; only in the files of --against: {}; in both: {}, {} of them with another "
      "severity\n",
      rows, only_now, only_before, both, changed);
}

}  // namespace tocsin::backtesting
