// Merges one write request into segment builders: its rows, and the lines and rows of it that are
// refused, which become rows of `rejected`.
#pragma once

#include <atomic>
#include <cstdint>

#include "db/schema/draft.h"
#include "db/schema/reject_log.h"
#include "db/write/builder_set.h"
#include "db/write/pending_write.h"
#include "db/write/shared_store.h"

namespace tocsin {

/// Owns the log of refused lines. Used by the writer thread alone, except for rows_rejected().
class RequestMerge {
 public:
  /// `store` must outlive this object.
  explicit RequestMerge(Store& store) : store_(store) {}

  MergedWrite merge(QueuedWrite write, SchemaDraft& schema, BuilderSet& builders);
  /// Adds the rows that count refused lines of minutes that are over; of all minutes with
  /// `at_close`. False when there are none.
  bool add_reject_counts(bool at_close, SchemaDraft& schema, BuilderSet& builders);

  /// Lines and rows refused since the database was opened. Any thread.
  uint64_t rows_rejected() const { return rows_rejected_; }

 private:
  void merge_rejected(const Batch& rejected, SchemaDraft& schema, BuilderSet& builders) const;

  Store& store_;
  RejectLog rejects_;
  std::atomic<uint64_t> rows_rejected_{0};
};

}  // namespace tocsin
