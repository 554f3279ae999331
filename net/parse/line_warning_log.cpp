#include "net/parse/line_warning_log.h"

#include <fmt/format.h>

#include "db/base/log.h"

namespace tocsin {

void LineWarningLog::once(const std::string& key, const std::string& message) {
  if (logged_.size() >= kMax || !logged_.insert(key).second) return;
  log(LogLevel::kWarning, message);
}

void LineWarningLog::lines(const std::string& source, const LineWarnings& warnings,
                           std::string_view time_advice, size_t per_kind) {
  for (const LineWarning kind : kLineWarnings) {
    const LineWarnings::Entry& entry = warnings[kind];
    if (entry.count == 0) continue;
    if (logged_.size() >= kMax) return;  // so of_kind_ is bounded, too
    const std::string kind_key = fmt::format("{} {}", source, static_cast<int>(kind));
    const std::string key = kind_key + entry.first;
    if (logged_.contains(key) || of_kind_[kind_key] >= per_kind) continue;
    ++of_kind_[kind_key];
    const bool no_key = kind == LineWarning::kNoTime || kind == LineWarning::kTimeKeyMissing;
    once(key, fmt::format("{}: {}{}", source, warning_text(kind, entry),
                          no_key ? time_advice : std::string_view()));
  }
}

}  // namespace tocsin
