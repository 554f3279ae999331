// Rows of a `stats` on disk, divided by a hash of their keys: for more groups than memory holds.
//
// The rows that passed the filters are written once, with what the stage needs of each, and read
// once, part by part: each has few enough groups.
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

/// A stats stage over spilled rows. Their columns are its keys as they were given (a bucket is its
/// start; the window is the last key, if there is one), then `arguments`.
struct SpillPlan {
  SpillPlan(const StatsPlan& stats, const Program& program);

  std::vector<PlanColumn> columns;  ///< of a spilled row; without names
  size_t key_count = 0;             ///< the window included
  std::vector<NodeId> arguments;    ///< of the program given: the nodes of the columns behind
  Program program;                  ///< of these columns alone
  StatsPlan stats;                  ///< over `program`
};

/// The spilled rows of one stage, in files that no folder lists. `execution` and `plan` must
/// outlive it.
class Spill {
 public:
  static constexpr uint32_t kParts = 64;

  /// For up to `thread_count` threads that add rows. `ids`: a key whose strings mostly spell
  /// numbers, and how. kIo, kDiskFull.
  static Result<std::unique_ptr<Spill>> create(Execution& execution, const SpillPlan& plan,
                                               const std::optional<GroupShare>& ids,
                                               unsigned thread_count);
  ~Spill();

  const SpillPlan& plan() const;
  /// Takes `rows` of the plan's columns. Safe from several threads, each with its own number.
  /// kLimit: too many bytes; kDiskFull, kIo.
  Status add(unsigned thread, std::span<const Vector* const> columns,
             std::span<const uint32_t> rows);
  /// Call once, behind all rows.
  Status finish();

  uint64_t row_count(uint32_t part) const;
  /// Calls `take()` with each vector of the part's rows as what `evaluator` shows. `evaluator` is
  /// one over the plan's program. Call once for each part, whose rows are gone afterwards. Safe
  /// from several threads, once finished.
  Status read(uint32_t part, Evaluator& evaluator, const std::function<Status()>& take);

 private:
  struct Impl;
  explicit Spill(std::unique_ptr<Impl> impl);
  const std::unique_ptr<Impl> impl_;
};

}  // namespace tocsin
