// Quantiles of more values than memory holds.
#pragma once

#include <cstddef>
#include <memory>

namespace tocsin {

/// The values of each group that may be results of its quantiles.
struct QuantileCandidates;

/// An accumulator's values, for quantiles whose values do not all fit into memory. After reduce(),
/// values that are unlikely to be near a wanted rank are counted instead of kept. If a result turns
/// out to be among those, another accumulator has to process the same rows in the same groups and
/// keep only the candidates that this one found. The results are exact either way.
class ReducibleValues {
 public:
  virtual ~ReducibleValues() = default;

  /// Drops the values that, judging by those so far, will not be results, and from now on counts
  /// such values instead of keeping them. The counts need up to `bytes_max`. May be called
  /// repeatedly. False if nothing was gained.
  virtual bool reduce(size_t bytes_max) = 0;
  /// Call once, after the last row: finds the values that can be results. False if some of them
  /// were not kept; then the rows have to be processed again, with keep_only(candidates()).
  virtual bool find_candidates() = 0;
  /// The candidates found; null if all values were kept. Shared with the accumulators of the next
  /// pass.
  virtual std::shared_ptr<const QuantileCandidates> candidates() const = 0;
  /// Call before the first row: keeps only the values in `candidates`; null keeps all.
  virtual void keep_only(std::shared_ptr<const QuantileCandidates> candidates) = 0;
};

}  // namespace tocsin
