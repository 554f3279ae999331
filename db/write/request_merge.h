// Merges one write request into segment builders: its rows, and the lines and rows of it that are
// refused, which become rows of `rejected`.
#pragma once

#include <atomic>
#include <cstdint>
#include <string_view>
#include <vector>

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

  /// `last_commit` is the number of the last commit.
  MergedWrite merge(QueuedWrite write, uint64_t last_commit, SchemaDraft& schema,
                    BuilderSet& builders);
  /// Adds the rows that count refused lines of minutes that are over; of all minutes with
  /// `at_close`. False when there are none.
  bool add_reject_counts(bool at_close, SchemaDraft& schema, BuilderSet& builders);

  /// The bytes of the stored rows of `rejected`, which are bounded.
  void set_rejected_bytes(uint64_t bytes) { rejects_.set_stored_bytes(bytes); }

  /// Lines and rows refused since the database was opened. Any thread.
  uint64_t rows_rejected() const { return rows_rejected_; }

 private:
  /// A row that the store refused.
  struct RefusedRow {
    std::string_view reason;  // of the report
    const RowBatch& rows;
    size_t row = 0;
  };
  void add_refusals(const WriteRequest& request, const std::vector<RefusedRow>& refused,
                    Timestamp now, Batch& rejected);
  void add_retried(const WriteRequest& request, const std::vector<RefusedRow>& refused,
                   Timestamp now, Batch& rejected);
  void merge_rejected(const Batch& rejected, SchemaDraft& schema, BuilderSet& builders) const;

  Store& store_;
  RejectLog rejects_;
  std::atomic<uint64_t> rows_rejected_{0};
};

}  // namespace tocsin
