// The writer: one thread that owns every write transaction and groups what is queued into commits.
#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "db/options.h"
#include "db/schema/draft.h"
#include "db/schema/reject_log.h"
#include "db/write/bulk_encoder.h"
#include "db/write/schema_merge.h"
#include "db/write/segment_placer.h"
#include "db/write/shared_store.h"

namespace tocsin {

/// One change of the catalog: everything in it, or nothing, becomes durable.
struct CatalogEdit {
  const SegmentPlacer* added = nullptr;
  std::vector<SegmentRecord>
      removed;  ///< kConflict, and no change, when one is not listed any more
  std::vector<const SmallChange*> changes;
};

/// All public functions are safe from any thread but the writer's own.
class Writer {
 public:
  using Done = std::function<void(Result<WriteReport>)>;

  /// Reads the catalog and starts the thread. `store` must outlive the writer.
  static Result<std::unique_ptr<Writer>> start(Store& store);
  /// Commits what is pending and ends the thread.
  ~Writer();

  Status submit(WriteRequest request, Done done);
  Result<WriteReport> write(WriteRequest request);
  /// Commits all that is queued and gathered.
  Status flush();
  /// Applies an edit, for the sealer; waits for it.
  Status apply(CatalogEdit edit);
  DatabaseCounters counters() const;

 private:
  using SteadyTime = std::chrono::steady_clock::time_point;

  struct Pending {
    WriteRequest request;
    Done done;
    size_t bytes = 0;
  };
  /// A request whose rows are in builders, waiting for their commit.
  struct Waiting {
    Done done;
    WriteReport report;
    std::vector<SmallChange> changes;
    size_t bytes = 0;
  };
  struct Task {
    std::function<Status()> run;
    std::promise<Status> result;
  };

  explicit Writer(Store& store);

  // Any thread.
  Status check_request(const WriteRequest& request) const;
  Status enqueue(WriteRequest request, Done done, bool wait_for_room);
  Status run_on_writer(std::function<Status()> run);

  // The writer thread.
  Status load();
  void remove_leftovers();
  void run();
  void wait_for_work(std::unique_lock<std::mutex>& lock);
  bool is_due(SteadyTime now) const;
  void commit(std::deque<Pending> batch);
  void gather(std::deque<Pending> batch);
  Status flush_gathered();
  Waiting take_in(Pending pending, BuilderSet& builders);
  void take_in_rejected(const Batch& rejected, BuilderSet& builders);
  Status place(BuilderSet& builders, SegmentPlacer& placer);
  Status place_done_builders();
  Status finish(BuilderSet& builders, SegmentPlacer& placer, std::vector<Waiting>& waiting);
  Status transact(const CatalogEdit& edit);
  Status write_edit(Transaction& transaction, const CatalogEdit& edit, CatalogState& next);
  Status drop_unlisted_files(Transaction& transaction, const std::vector<SegmentRecord>& removed);
  void answer(std::vector<Waiting>& waiting, const Status& status);
  void refuse(std::deque<Pending> batch);
  void recover(const Error& error);
  void reload();
  void maintain();
  Status drop_expired();
  Status unlink_dropped();
  void flush_reject_counts(bool at_close);
  void set_trouble(const Error& error);
  void try_again();
  const std::string& name_of(MeasurementId id) const;

  Store& store_;

  // The writer thread's own.
  std::unique_ptr<SchemaDraft> schema_;
  CatalogState state_;
  bool catalog_lost_ = false;  // it could not be reopened after an error
  RejectLog rejects_;
  BuilderSet gathered_;
  size_t gathered_rows_ = 0;  // since gathered_ was last committed
  std::unique_ptr<SegmentPlacer> gathered_files_;
  BulkEncoder encoder_;  // places with gathered_files_
  std::vector<Waiting> gathered_waiting_;
  SteadyTime next_maintenance_;
  SteadyTime next_retention_;

  mutable std::mutex mutex_;  // guards all below
  std::condition_variable work_;
  std::condition_variable room_;
  std::deque<Pending> queue_;
  std::deque<Pending> bulk_queue_;
  std::deque<Task> tasks_;
  SteadyTime oldest_;        // when the first of queue_ came
  size_t queued_bytes_ = 0;  // of queue_
  bool urgent_ = false;      // something in queue_ is
  bool stopping_ = false;
  std::optional<Error> trouble_;
  SteadyTime retry_at_;
  DatabaseCounters counters_;

  std::thread thread_;
};

}  // namespace tocsin
