#include "rules/trial_database.h"

#include <algorithm>

namespace tocsin {

Status TrialDatabase::submit(WriteRequest request, std::function<void(Result<WriteReport>)> done) {
  done(write(std::move(request)));
  return {};
}

Result<WriteReport> TrialDatabase::write(WriteRequest request) {
  const MutexLock lock(mutex_);
  for (SmallChange& change : request.changes) {
    std::pair<SmallTable, std::string> key{change.table, std::move(change.key)};
    if (change.value) {
      small_[std::move(key)] = *std::move(change.value);
    } else {
      small_.erase(key);
    }
  }
  WriteReport report;
  report.rows_written = request.batch.row_count();
  return report;
}

Result<std::optional<std::string>> TrialDatabase::get(SmallTable table,
                                                      std::string_view key) const {
  const MutexLock lock(mutex_);
  const auto found = small_.find({table, std::string(key)});
  if (found == small_.end()) return std::optional<std::string>();
  return std::optional<std::string>(found->second);
}

Result<std::vector<SmallEntry>> TrialDatabase::list(SmallTable table, std::string_view prefix,
                                                    SmallRange range) const {
  const MutexLock lock(mutex_);
  std::vector<SmallEntry> out;
  const std::string_view first = std::max(prefix, range.from);
  for (auto entry = small_.lower_bound({table, std::string(first)});
       entry != small_.end() && out.size() < range.count_max; ++entry) {
    const auto& [place, value] = *entry;
    if (place.first != table || !place.second.starts_with(prefix)) break;
    out.push_back({place.second, value});
  }
  return out;
}

}  // namespace tocsin
