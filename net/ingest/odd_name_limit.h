// Limits new measurements whose names look like the first word of a text line: a text log that
// reaches the line port must not fill the catalog.
#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>

#include "db/base/mutex.h"
#include "db/base/time.h"

namespace tocsin {

/// Thread-safe.
class OddNameLimit {
 public:
  /// Whether the source may create this measurement, or has within this minute: it may create
  /// kOddNamesMax per minute. Beyond kRejectedSourcesMax sources in a minute, all share one limit.
  bool admit(const std::string& source, std::string_view name, Timestamp now);

 private:
  Mutex mutex_;
  int64_t minute_ TOCSIN_GUARDED_BY(mutex_) = 0;
  std::map<std::string, std::set<std::string, std::less<>>> names_ TOCSIN_GUARDED_BY(mutex_);
};

}  // namespace tocsin
