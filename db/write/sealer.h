// The sealer: a thread that merges hot segments into sealed ones, and small sealed ones into larger
// ones. It encodes and syncs files; the writer only exchanges the lists in the catalog.
#pragma once

#include <future>
#include <map>
#include <memory>
#include <span>
#include <thread>
#include <unordered_map>
#include <utility>
#include <vector>

#include "db/base/mutex.h"
#include "db/write/segment_placer.h"
#include "db/write/shared_store.h"
#include "db/write/writer.h"

namespace tocsin {

/// All public functions are safe from any thread.
class Sealer {
 public:
  /// `store` and `writer` must outlive the sealer.
  Sealer(Store& store, Writer& writer);
  /// Ends the thread after its current segment.
  ~Sealer();

  /// Seals all current hot segments, and returns when that is durable.
  Status seal_all();
  /// The same, and also merges the small segments of every partition, even if they are few.
  /// `progress` runs on the sealer's thread. Its counts of merges start again in every round.
  Status compact(ProgressFunction progress);

 private:
  using Partition = std::pair<MeasurementId, int64_t>;
  enum class Work { kSeal, kMergeHot, kMergeSealed };
  /// Merges that are due; all hot segments; all hot and all small segments.
  enum class Scope { kDue, kSeal, kCompact };
  struct Request {
    Scope scope;
    ProgressFunction progress;
    std::promise<Status> result;
  };
  struct Job {
    Partition partition;
    Work work;
  };
  /// Totals of a partition's hot segments and of its small sealed ones.
  struct Load {
    size_t hot_count = 0, hot_rows = 0, hot_bytes = 0;
    Timestamp hot_since = 0;
    size_t small_count = 0, small_rows = 0, small_bytes = 0;
    Timestamp small_newest = 0;
  };

  void run();
  Status request(Scope scope, ProgressFunction progress);
  Status run_request(const Request& request);
  Result<std::vector<Job>> find_jobs(Scope scope);
  Result<size_t> run_jobs(Scope scope, const ProgressFunction& progress);
  Status add_hot_loads(const Transaction& transaction, std::map<Partition, Load>& loads);
  Status add_small_loads(const Transaction& transaction, std::map<Partition, Load>& loads);
  /// Merges that are committed together: syncing and committing each takes longer than a small one.
  struct Group {
    explicit Group(Store& store) : placer(store) {}
    SegmentPlacer placer;
    std::vector<SegmentRecord> inputs;
    size_t merge_count = 0, raw_bytes = 0;
  };
  Result<size_t> run_group(std::span<const Job> jobs, size_t count_max);
  Status add_job(const Job& job, Group& group);
  Result<std::vector<SegmentRecord>> find_inputs(const Job& job);
  struct Opened {
    std::shared_ptr<const Catalog> catalog;                // shared with the store
    std::vector<std::shared_ptr<const Segment>> segments;  // shared with the cache
  };
  Result<Opened> open_inputs(const std::vector<SegmentRecord>& inputs);
  Status merge(std::vector<SegmentRecord> inputs, Work work, Group& group);
  Status commit(Group& group);
  const Measurement* find_measurement(const std::shared_ptr<const Catalog>& catalog,
                                      MeasurementId id);
  bool is_stopping();

  Store& store_;
  Writer& writer_;

  // The sealer thread's own.
  uint64_t last_commit_ = 0;                // of the last check of small segments
  Duration next_small_check_ = 0;           // in running time
  std::shared_ptr<const Catalog> indexed_;  // shared with the store
  std::unordered_map<MeasurementId, const Measurement*> measurements_;  // of indexed_

  Mutex mutex_;
  ConditionVariable wake_;
  bool stopping_ TOCSIN_GUARDED_BY(mutex_) = false;
  std::vector<Request> requests_ TOCSIN_GUARDED_BY(mutex_);

  std::thread thread_;
};

}  // namespace tocsin
