// Drops days that are older than their measurement's retention, and unlinks files that are no
// longer listed. Does neither because of a clock that jumped.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "db/base/mutex.h"
#include "db/base/result.h"
#include "db/write/catalog_commit.h"
#include "db/write/shared_store.h"

namespace tocsin {

/// Used by the writer thread alone, except for waits().
class Retention {
 public:
  /// `store` must outlive this object.
  explicit Retention(Store& store) : store_(store) {}

  /// True once a minute of running time, starting with the first call.
  bool is_due();
  /// Unlists the segments of days that are entirely before their measurement's retention. The days
  /// wait while the clock is not believed, and for DatabaseOptions::retention_grace if they are
  /// many (kDropWaitDays); the rest of that time is stored with every call.
  Status drop_expired(CatalogCommit& catalog);
  /// Unlinks dropped files that no reader can still need to open.
  Status unlink_dropped(CatalogCommit& catalog);
  /// Believes the clock, and drops what waits. Returns what was confirmed; empty if nothing waited.
  Result<std::string> confirm(CatalogCommit& catalog);

  /// Why days are not dropped yet; empty if none wait. Safe from any thread.
  std::string waits() const;

 private:
  /// The old days of one measurement.
  struct Expired {
    MeasurementId measurement = 0;
    std::string name;
    Duration retention = 0;
    std::vector<SegmentRecord> segments;
    size_t day_count = 0;   // of these segments
    size_t days_total = 0;  // of the measurement; only counted if it matters
    bool is_unusual() const {
      return day_count >= kDropWaitDays && day_count * kDropWaitShare > days_total;
    }
  };

  Status load_waits();
  Result<std::vector<Expired>> find_expired(const CatalogCommit& catalog, Timestamp now);
  /// Moves the entries that may not be dropped yet to the result, and updates waits_.
  std::vector<Expired> hold_back(std::vector<Expired>& expired, const ClockView& clock);
  Duration wait_of(const Expired& expired, Duration passed);
  void announce(const std::vector<Expired>& held, const ClockView& clock);

  Store& store_;
  std::optional<Duration> checked_at_;  // running time of the last is_due() that was true
  std::optional<Duration> counted_at_;  // running time up to which waits_ are counted
  bool waits_loaded_ = false;
  std::map<MeasurementId, RetentionWait> waits_;
  std::map<FileId, Duration> dropped_since_;  // running time when a dropped file was first seen
  std::string announced_;                     // the cause that was logged

  mutable Mutex mutex_;
  std::string text_ TOCSIN_GUARDED_BY(mutex_);
};

}  // namespace tocsin
