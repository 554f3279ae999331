// The writer: one thread that owns every write transaction and groups queued requests into commits.
#pragma once

#include <atomic>
#include <chrono>
#include <deque>
#include <memory>
#include <thread>
#include <vector>

#include "db/options.h"
#include "db/write/bulk_gather.h"
#include "db/write/catalog_commit.h"
#include "db/write/request_merge.h"
#include "db/write/retention.h"
#include "db/write/segment_placer.h"
#include "db/write/shared_store.h"
#include "db/write/write_queue.h"

namespace tocsin {

/// All public functions are safe from any thread but the writer's own.
class Writer {
 public:
  /// Reads the catalog and starts the thread. `store` must outlive the writer.
  static Result<std::unique_ptr<Writer>> start(Store& store);
  /// Commits what is pending and ends the thread.
  ~Writer();

  Status submit(WriteRequest request, WriteDone done);
  Result<WriteReport> write(WriteRequest request);
  /// Commits all that is queued and gathered.
  Status flush();
  /// Commits an edit of the sealer's, and waits until it is durable.
  Status apply(CatalogEdit edit);
  /// See Retention::confirm.
  Result<std::string> confirm_retention();
  /// See Database::change_options.
  Status change_options(const DatabaseOptions& options);
  DatabaseCounters counters() const;

 private:
  using SteadyTime = WriteQueue::SteadyTime;

  explicit Writer(Store& store);

  // The writer thread.
  void remove_leftovers();
  void run();
  void commit_or_gather(WriteQueue::Work& work);
  void commit(std::deque<QueuedWrite> queued);
  void gather(std::deque<QueuedWrite> queued);
  Status flush_bulk();
  Status place(BuilderSet& builders, SegmentPlacer& placer);
  Status list(const SegmentPlacer& placer, const std::vector<MergedWrite>& writes);
  void answer(std::vector<MergedWrite>& writes, const Status& status);
  void refuse(std::deque<QueuedWrite> queued);
  void suspend(const Error& error);
  void recover(const Error& error);
  void try_to_resume();
  void check_paths();
  void maintain();
  void enforce_retention();
  void count_rejected_bytes();
  void flush_reject_counts(bool at_close);

  Store& store_;

  // Synchronized internally.
  WriteQueue queue_;
  std::atomic<uint64_t> rows_written_{0};

  // The writer thread's own, except for the counters in catalog_ and requests_.
  CatalogCommit catalog_;
  RequestMerge requests_;
  BulkGather bulk_;
  Retention retention_;
  SteadyTime retry_at_;  // when writing is tried again after an error
  SteadyTime next_maintenance_;

  std::thread thread_;
};

}  // namespace tocsin
