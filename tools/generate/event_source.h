// The events of a world, tick by tick.
#pragma once

#include <memory>
#include <vector>

#include "db/base/result.h"
#include "db/base/time.h"
#include "tools/generate/estate.h"
#include "tools/generate/event.h"
#include "tools/generate/label.h"

namespace tocsin::generate {

/// The longest time between a transaction's start and its end.
inline constexpr Duration kDurationMax = 10 * kMinute;

/// A world is a function of its options. The events of a tick do not depend on the tick at which
/// reading began, so a second process with the same options continues exactly where a first one
/// stopped. Not thread-safe.
class EventSource {
 public:
  virtual ~EventSource() = default;

  /// Valid as long as the source.
  virtual Estate estate() const = 0;
  /// Makes the tick that begins at `start` the next one. Transactions open at that time continue as
  /// if all earlier ticks had been read. Requires: `start` is on a tick and not before the birth.
  virtual void seek(Timestamp start) = 0;
  /// Puts the events of the next tick into `out`, sorted by time, and returns its range.
  virtual TimeRange next(std::vector<Event>& out) = 0;
  /// What begins in the tick last returned by next().
  virtual std::vector<Label> begun() const = 0;
};

}  // namespace tocsin::generate
