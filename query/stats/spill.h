// Writes the rows of a `stats` to disk, for more groups than memory holds.
//
// The rows that passed the filters are divided into parts by a hash of their keys. The columns that
// the stage needs are written once and read once, part by part. Each part has few enough groups.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "query/scan/execution.h"
#include "query/stats/plan.h"
#include "query/vector/evaluator.h"
#include "query/vector/vector.h"

namespace tocsin {

/// A stats stage over spilled rows. Their columns are the keys of the stage (a bucket as its start;
/// the window, if there is one, as the last key), followed by `arguments`.
struct SpillPlan {
  SpillPlan(const StatsPlan& stats, const Program& program);

  std::vector<PlanColumn> columns;  ///< of a spilled row; without names
  size_t key_count = 0;             ///< including the window
  std::vector<NodeId> arguments;  ///< the columns after the keys, as nodes of the source's program
  Program program;                ///< over `columns`
  StatsPlan stats;                ///< over `program`
};

/// The spilled rows of one stage, in unlinked files. `execution` and `plan` must outlive it.
class Spill {
 public:
  static constexpr uint32_t kParts = 64;

  /// For up to `thread_count` threads that add rows. `ids` may name a key whose strings mostly
  /// spell numbers, and their format. Errors: kIo, kDiskFull.
  static Result<std::unique_ptr<Spill>> create(Execution& execution, const SpillPlan& plan,
                                               const std::optional<GroupShare>& ids,
                                               unsigned thread_count);
  ~Spill();

  const SpillPlan& plan() const;
  /// Adds `rows` of the plan's columns. May be called by several threads at once, each with its own
  /// number. Errors: kLimit (too many bytes), kDiskFull, kIo.
  Status add(unsigned thread, std::span<const Vector* const> columns,
             std::span<const uint32_t> rows);
  /// Call once, after the last row.
  Status finish();

  uint64_t row_count(uint32_t part) const;
  /// Loads each vector of the part's rows into `evaluator`, which is over the plan's program, and
  /// calls `consume()`. Call once for each part, whose rows are deleted afterwards. Safe from
  /// several threads. Requires: finish() was called.
  Status read(uint32_t part, Evaluator& evaluator, const std::function<Status()>& consume);

 private:
  class Writer;
  struct Impl;
  explicit Spill(std::unique_ptr<Impl> impl);
  const std::unique_ptr<Impl> impl_;
};

}  // namespace tocsin
