#include "net/ingest/odd_name_limit.h"

#include "db/limits.h"
#include "net/parse/odd_names.h"

namespace tocsin {

bool OddNameLimit::admit(const std::string& source, std::string_view name, Timestamp now) {
  const MutexLock lock(mutex_);
  if (now / kMinute != minute_) names_.clear();
  minute_ = now / kMinute;
  const bool room = names_.size() < kRejectedSourcesMax || names_.contains(source);
  auto& names = names_[room ? source : std::string()];
  if (names.contains(name)) return true;
  if (names.size() >= kOddNamesMax) return false;
  names.emplace(name);
  return true;
}

}  // namespace tocsin
