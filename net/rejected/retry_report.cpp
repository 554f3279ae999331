// The JSON of a RetryReport.
#include <array>
#include <utility>

#include <fmt/format.h>

#include "db/base/json.h"
#include "net/parse/json_event.h"
#include "net/rejected/retry.h"

namespace tocsin {
namespace {

using RetryCount = std::pair<std::string_view, uint64_t RetryReport::*>;
constexpr std::array kRetryCounts = {RetryCount{"stored", &RetryReport::stored},
                                     RetryCount{"stored_before", &RetryReport::stored_before},
                                     RetryCount{"rejected_again", &RetryReport::rejected_again},
                                     RetryCount{"cut", &RetryReport::cut},
                                     RetryCount{"unknown", &RetryReport::unknown},
                                     RetryCount{"counted", &RetryReport::counted}};

}  // namespace

std::string retry_report_json(const RetryReport& report) {
  std::string out = "{";
  for (const auto& [name, count] : kRetryCounts) {
    out += fmt::format("\"{}\":{},", name, report.*count);
  }
  // The flattener returns objects value by value, but an array as one text.
  for (size_t i = 0; i < report.reasons.size(); ++i) {
    out += fmt::format("\"reason{}\":{},", i + 1, json_quote(report.reasons[i]));
  }
  out.back() = '}';
  return out + "\n";
}

Result<RetryReport> parse_retry_report(std::string json) {
  const size_t size = json.size();
  json.append(kJsonPadding, ' ');
  JsonFlattener flattener;
  RetryReport report;
  size_t found = 0;
  if (flattener.flatten(std::string_view(json).substr(0, size))) {
    for (const JsonValue& value : flattener.values()) {
      for (const auto& [name, count] : kRetryCounts) {
        if (value.path != name || value.kind != JsonValue::Kind::kI64) continue;
        report.*count = static_cast<uint64_t>(value.i64);
        ++found;
      }
      if (value.path.starts_with("reason")) report.reasons.emplace_back(value.text);
    }
  }
  if (found == kRetryCounts.size()) return report;
  return fail(ErrorCode::kInvalid,
              "unexpected response of /api/rejected/retry; is this a Tocsin server of the same "
              "version?");
}

}  // namespace tocsin
