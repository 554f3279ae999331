// Fetches a few events as evidence for an alert: those of its group that satisfy the first `where`
// of an aggregate.
#include <algorithm>

#include <fmt/format.h>

#include "db/base/json.h"
#include "query/format/format.h"
#include "rules/alert_size.h"
#include "rules/evaluate.h"
#include "rules/group_rows.h"

namespace tocsin {
namespace {

constexpr Duration kSampleTimeout = 10 * kSecond;

constexpr size_t kEvidenceTextBytesMax = kSampleBytesMax / 2;  // of one value
constexpr size_t kOmittedBytesMax = 64;  // of the entry that counts omitted columns

// JSON as in query results, but long texts are cut.
std::string evidence_json(Value value) {
  if (auto* text = std::get_if<std::string>(&value.data))
    *text = cut_text(*text, kEvidenceTextBytesMax);
  return json_of(value);
}

// One row as JSON, without nulls. Columns that would exceed kSampleBytesMax are only counted.
std::string json_line(const ResultTable& table, size_t row) {
  std::string out = "{";
  size_t omitted = 0;
  for (const ResultColumn& column : table.columns) {
    const Value value = column.at(row);
    if (value.is_null()) continue;
    const std::string entry = json_quote(column.name) + ':' + evidence_json(value);
    if (out.size() + entry.size() + kOmittedBytesMax > kSampleBytesMax) {
      ++omitted;
      continue;
    }
    if (out.size() > 1) out += ',';
    out += entry;
  }
  if (omitted > 0) {
    out += fmt::format("{}\"…\":\"{} more column{}\"", out.size() > 1 ? "," : "", omitted,
                       omitted == 1 ? "" : "s");
  }
  return out + '}';
}

}  // namespace

Result<std::vector<std::string>> sample_events(const CompiledRule& compiled,
                                               const QueryEngine& queries, TimeRange window,
                                               const GroupValues& group, size_t count,
                                               const TimeZone& zone) {
  std::vector<std::string> out;
  if (count == 0) return out;
  QueryOptions options = window_options(compiled, window, zone);
  options.timeout = kSampleTimeout;
  TOCSIN_TRY(GroupRows rows, rows_of_group(compiled, queries, options, group));
  const auto picking = std::ranges::find_if(
      rows.stats.aggregates, [](const Aggregate& each) { return each.where.has_value(); });
  if (picking != rows.stats.aggregates.end()) add_filter(rows.plan, *picking->where);
  rows.plan.stages.push_back({LimitStage{count}, rows.plan.output_columns(), {}});
  TOCSIN_TRY(const ResultTable table, queries.execute(rows.plan, options));
  for (size_t row = 0; row < table.row_count; ++row) out.push_back(json_line(table, row));
  return out;
}

}  // namespace tocsin
