// Encodes full builders of an import beside the writer, which meanwhile fills the next ones.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "db/base/result.h"
#include "db/segment/builder.h"
#include "db/write/segment_placer.h"

namespace tocsin {

/// One thread, started by the first add(), that works on one builder at a time. Its functions are
/// called from one thread.
class BulkEncoder {
 public:
  BulkEncoder() = default;
  ~BulkEncoder();
  BulkEncoder(const BulkEncoder&) = delete;
  BulkEncoder& operator=(const BulkEncoder&) = delete;

  /// Places the builder's rows with `placer`, once the builder before it is done. An error is that
  /// of an earlier one, and the builder is gone. `placer` must live until wait() returned.
  Status add(SegmentPlacer& placer, std::unique_ptr<SegmentBuilder> builder,
             std::string measurement, const Placement& placement);
  /// Whether add() would not have to wait.
  bool is_idle();
  /// Returns when nothing is under way any more: the first error that nobody was told of.
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
  std::mutex mutex_;  // guards all below
  std::condition_variable changed_;
  std::optional<Job> job_;  // waiting or under way; under way it is the thread's
  bool stopping_ = false;
  Status status_;
};

}  // namespace tocsin
