#include "net/parse/line_warning_log.h"

#include <fmt/format.h>

#include "db/base/log.h"

namespace tocsin {

void LineWarningLog::once(const std::string& key, const std::string& message) {
  if (logged_.size() >= kMax || !logged_.insert(key).second) return;
  log(LogLevel::kWarning, message);
}

void LineWarningLog::of_kind(const std::string& source, std::string_view kind,
                             std::string_view description, const std::string& message,
                             size_t per_kind) {
  if (logged_.size() >= kMax) return;  // so of_kind_ is bounded, too
  const std::string kind_key = fmt::format("{} {}", source, kind);
  const std::string key = fmt::format("{} {}", kind_key, description);
  if (logged_.contains(key) || of_kind_[kind_key] >= per_kind) return;
  ++of_kind_[kind_key];
  once(key, message);
}

void LineWarningLog::lines(const std::string& source, const LineWarnings& warnings,
                           std::string_view time_advice, size_t per_kind) {
  for (const LineWarning kind : kLineWarnings) {
    const LineWarnings::Entry& entry = warnings[kind];
    if (entry.count == 0) continue;
    const bool no_key = kind == LineWarning::kNoTime || kind == LineWarning::kTimeKeyMissing;
    of_kind(source, std::to_string(static_cast<int>(kind)), entry.first,
            fmt::format("{}: {}{}", source, warning_text(kind, entry),
                        no_key ? time_advice : std::string_view()),
            per_kind);
  }
}

}  // namespace tocsin
