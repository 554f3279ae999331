#include "rules/warning_log.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include <fmt/format.h>

namespace tocsin {
namespace {

constexpr size_t kWarningLinesMax = 20;  // of one load

}  // namespace

std::vector<std::string> WarningLog::new_lines(const RuleLoadReport& report, bool has_events) {
  const auto is_new = [this](const std::string& warning) { return !known_.contains(warning); };
  std::vector<std::string> out;
  std::ranges::copy_if(report.warnings, std::back_inserter(out), is_new);
  if (out.size() > kWarningLinesMax) {
    const size_t more = out.size() - kWarningLinesMax;
    out.resize(kWarningLinesMax);
    out.push_back(fmt::format("... and {} more warning{}; see `tocsin rules check`", more,
                              more == 1 ? "" : "s"));
  }
  std::set<std::string> current(report.warnings.begin(), report.warnings.end());
  const std::vector<std::string>& missing = report.schema_warnings;
  if (has_events) {
    if (std::ranges::any_of(missing, is_new)) {
      const size_t more = missing.size() - 1;
      out.push_back(missing.front());
      if (more > 0) out.back() += fmt::format(" (and {} more that are not stored yet)", more);
    }
    current.insert(missing.begin(), missing.end());
  }
  known_ = std::move(current);
  return out;
}

}  // namespace tocsin
