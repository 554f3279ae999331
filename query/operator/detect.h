// detect: judges each bucket of a series by the earlier buckets of the same group.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "db/database.h"
#include "query/operator/detect_memory.h"
#include "query/plan/plan.h"
#include "query/scan/execution.h"
#include "query/vector/table.h"

namespace tocsin {

/// How one query uses the memory: where its first `detect` continues, and what it remembers.
class DetectMemoryUse {
 public:
  /// Nothing if the plan's detectors cannot be remembered: only where, let and stats without now()
  /// may come before a `detect` that learns the buckets before its range. Reads the segments of
  /// `database` from `detect.learn_from` on.
  static Result<std::optional<DetectMemoryUse>> open(Execution& execution, const Database& database,
                                                     DetectMemory& memory);

  size_t stage() const { return stage_; }  ///< the index of the `detect`
  /// The buckets before this one need not be read again.
  Timestamp read_from() const { return from_ ? from_->time : learn_from_; }
  /// The detector of a group at read_from(); null if it had no buckets then.
  std::shared_ptr<const SeriesDetector> find(const std::string& group) const;
  /// Where detectors are to be remembered, ascending, all after read_from().
  const std::vector<Timestamp>& checkpoint_times() const { return times_; }
  void remember(size_t checkpoint, const std::string& group, const SeriesDetector& detector);
  /// Call after all groups.
  void finish();

 private:
  explicit DetectMemoryUse(DetectMemory& memory) : memory_(&memory) {}
  void plan_checkpoints(const DetectStage& detect, const TimeZone& zone);

  DetectMemory* memory_;
  Fingerprint fingerprint_;
  size_t stage_ = 0;
  Timestamp learn_from_ = 0;
  std::shared_ptr<const DetectCheckpoint> from_;
  DetectRecord next_;
  std::vector<Timestamp> times_;
  std::vector<std::shared_ptr<DetectCheckpoint>> made_;  // by entry of times_
  size_t bytes_ = 0;                                     // of the detectors in made_
};

/// `use` is null if nothing is remembered of this stage.
Result<Table> table_detect(Execution& execution, Table input, const DetectStage& stage,
                           DetectMemoryUse* use);

}  // namespace tocsin
