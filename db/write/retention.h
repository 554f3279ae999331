// Drops days that are older than their measurement's retention, and unlinks files that are no
// longer listed.
#pragma once

#include <chrono>

#include "db/base/result.h"
#include "db/write/catalog_commit.h"
#include "db/write/shared_store.h"

namespace tocsin {

/// Used by the writer thread alone.
class Retention {
 public:
  /// `store` must outlive this object.
  explicit Retention(Store& store) : store_(store) {}

  /// True once a minute, starting with the first call.
  bool is_due(std::chrono::steady_clock::time_point now);
  /// Unlists the segments of days that are entirely before their measurement's retention.
  Status drop_expired(CatalogCommit& catalog);
  /// Unlinks dropped files that no reader can still need to open.
  Status unlink_dropped(CatalogCommit& catalog);

 private:
  Store& store_;
  std::chrono::steady_clock::time_point next_{};
};

}  // namespace tocsin
