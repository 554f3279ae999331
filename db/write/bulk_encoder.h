// Encodes full builders of an import in a second thread, while the writer fills the next ones.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <thread>

#include "db/base/mutex.h"
#include "db/base/result.h"
#include "db/segment/builder.h"
#include "db/write/segment_placer.h"

namespace tocsin {

/// One thread, started by the first add(), encodes one builder at a time. All functions must be
/// called from the same thread.
class BulkEncoder {
 public:
  BulkEncoder() = default;
  ~BulkEncoder();
  BulkEncoder(const BulkEncoder&) = delete;
  BulkEncoder& operator=(const BulkEncoder&) = delete;

  /// Waits for the builder before it, then starts to place the builder's rows with `placer`. An
  /// error is that of an earlier builder; this builder is then discarded. `placer` must live until
  /// wait() has returned.
  Status add(SegmentPlacer& placer, std::unique_ptr<SegmentBuilder> builder,
             std::string measurement, const Placement& placement);
  /// Whether add() would return at once.
  bool is_idle();
  /// Waits for the encoder; returns the first unreported error.
  Status wait();

 private:
  struct Job {
    SegmentPlacer* placer = nullptr;
    std::unique_ptr<SegmentBuilder> builder;
    std::string measurement;
    Placement placement;
  };

  void run();

  std::thread thread_;
  Mutex mutex_;
  ConditionVariable changed_;
  // Set while a job waits or runs; while it runs, only the thread uses its contents.
  std::optional<Job> job_ TOCSIN_GUARDED_BY(mutex_);
  bool stopping_ TOCSIN_GUARDED_BY(mutex_) = false;
  Status status_ TOCSIN_GUARDED_BY(mutex_);
};

}  // namespace tocsin
