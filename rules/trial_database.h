// A database for a trial of rules: reads the rows of another one and keeps what is written to
// itself.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "db/base/mutex.h"
#include "db/database.h"

namespace tocsin {

/// Rows are those of `source`, which must outlive it. Small tables are empty at first and in
/// memory. Written rows are dropped, so `source` stays as it is.
class TrialDatabase final : public Database {
 public:
  explicit TrialDatabase(const Database& source) : source_(source) {}

  const std::string& directory() const override { return source_.directory(); }
  Status submit(WriteRequest request, std::function<void(Result<WriteReport>)> done) override;
  Result<WriteReport> write(WriteRequest request) override;
  Status seal() override { return {}; }
  Status compact(ProgressFunction) override { return {}; }
  Result<std::string> confirm_retention() override { return std::string(); }

  std::shared_ptr<const Catalog> catalog() const override { return source_.catalog(); }
  Result<Snapshot> snapshot(const SnapshotScope& scope) const override {
    return source_.snapshot(scope);
  }
  Result<std::vector<SegmentInfo>> segment_infos(const SnapshotScope& scope) const override {
    return source_.segment_infos(scope);
  }
  Result<std::optional<std::string>> get(SmallTable table, std::string_view key) const override;
  Result<std::vector<SmallEntry>> list(SmallTable table, std::string_view prefix,
                                       SmallRange range = {}) const override;
  Status change_options(const DatabaseOptions&) override { return {}; }
  /// Without a waiting retention, and with a clock that is believed: the trial has its own.
  DatabaseCounters counters() const override { return {}; }

 private:
  const Database& source_;
  mutable Mutex mutex_;
  std::map<std::pair<SmallTable, std::string>, std::string> small_ TOCSIN_GUARDED_BY(mutex_);
};

}  // namespace tocsin
