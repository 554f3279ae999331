#include "tools/rule_tests/expect.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <map>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "db/base/json.h"
#include "query/format/format.h"

namespace tocsin::rule_tests {
namespace {

using Texts = std::map<std::string, std::string>;

constexpr const char* kIndent = "    ";

/// What `exp_labels` may name besides the labels.
Texts properties_of(const AlertEvent& alert) {
  return {{"alertname", alert.rule},
          {"severity", name_of(alert.severity)},
          {"type", alert.type},
          {"service", alert.service}};
}

bool includes(const Texts& all, const Texts& properties, const Texts& expected) {
  return std::all_of(expected.begin(), expected.end(), [&](const auto& entry) {
    const auto found = all.find(entry.first);
    if (found != all.end()) return found->second == entry.second;
    const auto property = properties.find(entry.first);
    return property != properties.end() && property->second == entry.second;
  });
}

/// Whether there are no texts but the expected ones.
bool only(const Texts& all, const Texts& expected) {
  return std::all_of(all.begin(), all.end(),
                     [&](const auto& entry) { return expected.contains(entry.first); });
}

bool matches(const ExpectedAlert& expected, const AlertEvent& alert, bool exact) {
  if (alert.state != expected.state) return false;
  if (expected.severity && *expected.severity != alert.severity) return false;
  if (!includes(alert.labels, properties_of(alert), expected.labels)) return false;
  if (!includes(alert.annotations, {}, expected.annotations)) return false;
  return !exact ||
         (only(alert.labels, expected.labels) && only(alert.annotations, expected.annotations));
}

/// Finds a different alert for each expected one by augmenting paths (H. W. Kuhn, "The Hungarian
/// method for the assignment problem", 1955).
class Assignment {
 public:
  Assignment(const AlertTest& test, const std::vector<AlertEvent>& alerts)
      : test_(test), alerts_(alerts), owner_(alerts.size(), kNobody) {
    for (size_t i = 0; i < test.expected.size(); ++i) {
      std::vector<bool> visited(alerts.size(), false);
      complete_ = assign(i, visited) && complete_;
    }
  }

  bool complete() const { return complete_; }
  bool is_expected(size_t alert) const { return owner_[alert] != kNobody; }

 private:
  static constexpr size_t kNobody = SIZE_MAX;

  bool assign(size_t expected, std::vector<bool>& visited) {
    for (size_t i = 0; i < alerts_.size(); ++i) {
      if (visited[i] || !matches(test_.expected[expected], alerts_[i], test_.exact)) continue;
      visited[i] = true;
      if (owner_[i] == kNobody || assign(owner_[i], visited)) {
        owner_[i] = expected;
        return true;
      }
    }
    return false;
  }

  const AlertTest& test_;
  const std::vector<AlertEvent>& alerts_;
  std::vector<size_t> owner_;  // by alert: the expected one
  bool complete_ = true;
};

std::string braces(const Texts& texts) {
  std::vector<std::string> parts;
  for (const auto& [name, text] : texts) parts.push_back(name + "=" + json_quote(text));
  return fmt::format("{{{}}}", fmt::join(parts, ", "));
}

std::string text_of(const ExpectedAlert& alert) {
  std::string out = name_of(alert.state);
  if (alert.severity) out += fmt::format(" {}", name_of(*alert.severity));
  out += ' ' + braces(alert.labels);
  if (!alert.annotations.empty()) out += " annotations " + braces(alert.annotations);
  return out;
}

std::string text_of(const AlertEvent& alert) {
  std::string out =
      fmt::format("{} {} {}", name_of(alert.state), name_of(alert.severity), braces(alert.labels));
  if (!alert.annotations.empty()) out += " annotations " + braces(alert.annotations);
  out += " since " + format_time_short(alert.started_at);
  if (!alert.inhibited_by.empty()) {
    out += fmt::format(", inhibited by {}", fmt::join(alert.inhibited_by, ", "));
  }
  return out;
}

std::string list_of(const char* title, const std::vector<std::string>& entries) {
  if (entries.empty()) return fmt::format("  {}: nothing", title);
  std::string out = fmt::format("  {}:", title);
  for (const std::string& entry : entries) out += fmt::format("\n{}{}", kIndent, entry);
  return out;
}

/// Of a number as a query or a test writes it.
std::optional<double> number_in(std::string_view text) {
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

bool is_near(double a, double b) {
  constexpr double kRelative = 1e-9;
  return std::abs(a - b) <= kRelative * std::max(std::abs(a), std::abs(b));
}

bool equals(const ExpectedValue& expected, const Value& value) {
  if (expected.is_null || value.is_null()) return expected.is_null && value.is_null();
  const std::string text = plain_text(value, false);
  if (text == expected.text) return true;
  if (value.type == ValueType::kTime) {
    const auto time = parse_time(expected.text);
    return time && *time == std::get<int64_t>(value.data);
  }
  if (value.type == ValueType::kDuration) {
    const auto duration = parse_duration(expected.text);
    return duration && *duration == std::get<int64_t>(value.data);
  }
  const auto a = number_in(text);
  const auto b = number_in(expected.text);
  return is_number(value.type) && a && b && is_near(*a, *b);
}

bool equals(const ExpectedRow& expected, const ResultTable& table, size_t row) {
  return std::all_of(expected.begin(), expected.end(), [&](const ExpectedValue& value) {
    const size_t column = table.find(value.column);
    return column < table.columns.size() && equals(value, table.columns[column].at(row));
  });
}

std::string text_of(const ExpectedRow& row) {
  std::vector<std::string> parts;
  for (const ExpectedValue& value : row) {
    parts.push_back(value.column + ": " + (value.is_null ? "null" : value.text));
  }
  return fmt::format("{{{}}}", fmt::join(parts, ", "));
}

std::string text_of(const ResultTable& table, size_t row) {
  std::vector<std::string> parts;
  for (const ResultColumn& column : table.columns) {
    const Value value = column.at(row);
    parts.push_back(column.name + ": " + (value.is_null() ? "null" : plain_text(value, false)));
  }
  return fmt::format("{{{}}}", fmt::join(parts, ", "));
}

/// A column that a test names but the result does not have is the usual cause of a difference.
std::string missing_columns(const QueryTest& test, const ResultTable& table) {
  std::vector<std::string> missing;
  for (const ExpectedRow& row : test.rows) {
    for (const ExpectedValue& value : row) {
      const bool known = table.find(value.column) < table.columns.size() ||
                         std::find(missing.begin(), missing.end(), value.column) != missing.end();
      if (!known) missing.push_back(value.column);
    }
  }
  if (missing.empty()) return "";
  return fmt::format("  the result has no column {}\n", fmt::join(missing, ", "));
}

}  // namespace

std::optional<std::string> difference(const AlertTest& test,
                                      const std::vector<AlertEvent>& alerts) {
  const Assignment assignment(test, alerts);
  std::vector<std::string> got;
  bool surprise = false;
  for (size_t i = 0; i < alerts.size(); ++i) {
    const bool unexpected = alerts[i].state == AlertState::kFiring && !assignment.is_expected(i);
    surprise = surprise || unexpected;
    got.push_back(text_of(alerts[i]) + (unexpected ? "  <- not expected" : ""));
  }
  if (assignment.complete() && !surprise) return std::nullopt;
  std::vector<std::string> expected;
  for (const ExpectedAlert& alert : test.expected) expected.push_back(text_of(alert));
  return list_of("expected", expected) + '\n' + list_of("got", got);
}

std::optional<std::string> difference(const QueryTest& test, const ResultTable& table) {
  bool same = test.rows.size() == table.row_count;
  for (size_t row = 0; same && row < table.row_count; ++row) {
    same = equals(test.rows[row], table, row);
  }
  if (same) return std::nullopt;
  constexpr size_t kRowsShownMax = 20;
  std::vector<std::string> expected, got;
  for (const ExpectedRow& row : test.rows) expected.push_back(text_of(row));
  for (size_t row = 0; row < std::min(table.row_count, kRowsShownMax); ++row) {
    got.push_back(text_of(table, row));
  }
  if (table.row_count > kRowsShownMax) {
    got.push_back(fmt::format("... and {} more rows", table.row_count - kRowsShownMax));
  }
  return missing_columns(test, table) + list_of("expected", expected) + '\n' + list_of("got", got);
}

}  // namespace tocsin::rule_tests
