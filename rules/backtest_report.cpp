#include "rules/backtest_report.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "db/base/json.h"
#include "query/format/format.h"
#include "query/format/text_table.h"

namespace tocsin {
namespace {

constexpr double kWeekSeconds = 7 * 86'400;

double seconds_of(Duration duration) {
  return static_cast<double>(duration) / static_cast<double>(kSecond);
}

Timestamp end_of(const BacktestFiring& firing, TimeRange range) {
  return firing.end == 0 ? range.end : firing.end;
}

/// The firings of one group of a rule.
struct GroupSummary {
  uint64_t firings = 0, pages = 0;
  Timestamp first = 0;
  Duration longest = 0;
  WorstValue worst;
  Severity severity = Severity::kLow;

  void add(const BacktestFiring& firing, TimeRange range) {
    if (firings++ == 0) first = firing.start.time;
    if (firing.held_back.empty()) ++pages;
    longest = std::max(longest, end_of(firing, range) - firing.start.time);
    severity = std::max(severity, firing.severity);
    worst.add(firing.worst);
  }
};

std::string number(double value) { return std::isnan(value) ? "" : fmt::format("{:.4g}", value); }

std::string remarks(const BacktestRule& rule) {
  const RuleStatus& status = rule.status;
  if (!status.last_error.empty()) return fmt::format("{}: {}\n", status.name, status.last_error);
  if (rule.windows == 0) return fmt::format("{}: no window ends in the range\n", status.name);
  if (rule.empty_windows == rule.windows) {
    return fmt::format("{}: no event matched in any of its {} windows\n", status.name,
                       rule.windows);
  }
  if (rule.learning_windows > 0) {
    return fmt::format(
        "{}: no baseline in {} of its {} windows: too little is stored before them\n", status.name,
        rule.learning_windows, rule.windows);
  }
  return "";
}

std::string json_time(Timestamp time) { return json_quote(format_time_short(time)); }

std::string firing_json(const BacktestFiring& firing) {
  const AlertEvent& event = firing.start;
  return fmt::format(
      R"({{"rule":{},"type":{},"severity":"{}","labels":{},"fingerprint":{},"start":{},"end":{},)"
      R"("window_from":{},"window_to":{},"value":{},"baseline":{},"worst_value":{},)"
      R"("worst_baseline":{},"summary":{},"explanation":{},"samples":{},"inhibited_by":{},"silenced_by":{}}})",
      json_quote(event.rule), json_quote(event.type), name_of(firing.severity),
      json_object(event.labels), json_quote(event.fingerprint), json_time(event.time),
      firing.end == 0 ? "null" : json_time(firing.end), json_time(event.window_from),
      json_time(event.window_to), json_number(event.value), json_number(event.baseline),
      json_number(firing.worst.value), json_number(firing.worst.baseline),
      json_quote(event.summary), event.explanation.empty() ? "null" : event.explanation,
      json_array(event.samples), json_strings(firing.held_back.inhibited_by),
      json_strings(firing.held_back.silenced_by));
}

std::string rule_json(const BacktestRule& rule, const BacktestReport& report) {
  const auto firings = std::count_if(
      report.firings.begin(), report.firings.end(),
      [&](const BacktestFiring& firing) { return firing.start.rule == rule.status.name; });
  return fmt::format(
      R"({{"rule":{},"firings":{},"windows":{},"empty_windows":{},"learning_windows":{},"error":{}}})",
      json_quote(rule.status.name), firings, rule.windows, rule.empty_windows,
      rule.learning_windows,
      rule.status.last_error.empty() ? "null" : json_quote(rule.status.last_error));
}

}  // namespace

double pages_per_week(uint64_t pages, TimeRange range) {
  return static_cast<double>(pages) * kWeekSeconds / seconds_of(range.end - range.start);
}

uint64_t count_pages(const BacktestReport& report) {
  return static_cast<uint64_t>(
      std::count_if(report.firings.begin(), report.firings.end(),
                    [](const BacktestFiring& firing) { return firing.held_back.empty(); }));
}

std::string group_text(const AlertEvent& event) {
  std::vector<std::string> parts;
  for (const auto& [name, text] : event.labels) parts.push_back(name + '=' + text);
  return fmt::format("{}", fmt::join(parts, ", "));
}

std::string backtest_table(const BacktestReport& report, TimeRange range) {
  std::map<std::pair<std::string, std::string>, GroupSummary> instances;
  for (const BacktestFiring& firing : report.firings) {
    instances[{firing.start.rule, group_text(firing.start)}].add(firing, range);
  }
  TextTable table({"rule", "group", "severity", "firings", "pages/week", "first", "longest",
                   "worst", "usual then"});
  for (const auto& [key, instance] : instances) {
    table.add({key.first, key.second, name_of(instance.severity), std::to_string(instance.firings),
               fmt::format("{:.2g}", pages_per_week(instance.pages, range)),
               format_time_short(instance.first), format_duration(instance.longest),
               number(instance.worst.value), number(instance.worst.baseline)});
  }
  uint64_t windows = 0;
  std::string notes;
  for (const BacktestRule& rule : report.rules) {
    windows += rule.windows;
    notes += remarks(rule);
  }
  const std::string rows = instances.empty() ? "" : table.text();
  return fmt::format("{}{}{} to {}: {} rules, {} windows, {} firings, {:.2g} pages a week\n", rows,
                     notes, format_time_short(range.start), format_time_short(range.end),
                     report.rules.size(), windows, report.firings.size(),
                     pages_per_week(count_pages(report), range));
}

std::string backtest_json(const BacktestReport& report, TimeRange range) {
  std::vector<std::string> firings, rules;
  for (const BacktestFiring& firing : report.firings) firings.push_back(firing_json(firing));
  for (const BacktestRule& rule : report.rules) rules.push_back(rule_json(rule, report));
  return fmt::format(
      R"({{"range":{{"start":{},"end":{}}},"pages_per_week":{},"rules":{},"firings":{},"warnings":{}}})",
      json_time(range.start), json_time(range.end),
      json_number(pages_per_week(count_pages(report), range)), json_array(rules),
      json_array(firings), json_strings(report.warnings));
}

std::string backtest_csv(const BacktestReport& report) {
  std::string out =
      "rule,group,severity,start,end,worst_value,worst_baseline,inhibited_by,silenced_by,summary\n";
  for (const BacktestFiring& firing : report.firings) {
    const AlertEvent& event = firing.start;
    const std::string cells[] = {event.rule,
                                 group_text(event),
                                 name_of(firing.severity),
                                 format_time_short(event.time),
                                 firing.end == 0 ? "" : format_time_short(firing.end),
                                 number(firing.worst.value),
                                 number(firing.worst.baseline),
                                 fmt::format("{}", fmt::join(firing.held_back.inhibited_by, " ")),
                                 fmt::format("{}", fmt::join(firing.held_back.silenced_by, " ")),
                                 event.summary};
    for (const std::string& cell : cells) {
      add_csv_field(out, cell, false);
      out += ',';
    }
    out.back() = '\n';
  }
  return out;
}

}  // namespace tocsin
