// The sealer: a thread that turns hot segments into sealed ones and merges small ones, beside the
// writer. It encodes and syncs files; only the exchange in the catalog is the writer's work.
#pragma once

#include <condition_variable>
#include <future>
#include <map>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "db/write/shared_store.h"
#include "db/write/writer.h"

namespace tocsin {

/// All public functions are safe from any thread.
class Sealer {
 public:
  /// `store` and `writer` must outlive the sealer.
  Sealer(Store& store, Writer& writer);
  /// Ends the thread after the segment that it is working on.
  ~Sealer();

  /// Seals every hot segment there is now, and returns when that is durable.
  Status seal_all();
  /// The same, and merges the small segments of every partition, however few. `progress` runs on
  /// the sealer's thread: merges done and to do, of each round anew.
  Status compact(ProgressFunction progress);

 private:
  using Partition = std::pair<MeasurementId, int64_t>;
  enum class Work { kSeal, kMergeHot, kMergeSealed };
  enum class Scope { kDue, kSeal, kCompact };  ///< what is due; all that is hot; all that is small
  struct Request {
    Scope scope;
    ProgressFunction progress;
    std::promise<Status> result;
  };
  struct Job {
    Partition partition;
    Work work;
  };
  /// What a partition's hot segments, and its small sealed ones, amount to.
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
  Status run_job(const Job& job);
  Result<std::vector<SegmentRecord>> find_inputs(const Job& job);
  struct Opened {
    std::shared_ptr<const Catalog> catalog;                // shared with the store
    std::vector<std::shared_ptr<const Segment>> segments;  // shared with the cache
  };
  Result<Opened> open_inputs(const std::vector<SegmentRecord>& inputs);
  Status merge(const std::vector<SegmentRecord>& inputs, Work work);
  bool is_stopping();

  Store& store_;
  Writer& writer_;
  uint64_t last_commit_ = 0;  // the sealer thread's: small segments were looked at up to here
  Timestamp next_small_look_ = 0;

  std::mutex mutex_;  // guards all below
  std::condition_variable wake_;
  bool stopping_ = false;
  std::vector<Request> requests_;

  std::thread thread_;
};

}  // namespace tocsin
