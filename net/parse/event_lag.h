// How late events arrive, by service and host: the measurement `event_lag`.
//
// The lag of an event is the time of its arrival minus its own time. Most of all the smallest lag
// of a host tells something about its clock: an event cannot arrive before it happens.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "db/base/time.h"
#include "db/schema/batch.h"

namespace tocsin {

/// Events further from their arrival than this are history or have no usable time.
inline constexpr Duration kLagMax = kDay;
/// The length of the intervals for which lags are summed up.
inline constexpr Duration kLagInterval = 5 * kMinute;
/// Pairs of service and host that are kept apart in an interval; others share one row.
inline constexpr size_t kLagHostsMax = 1'000;

struct LagRange {
  Duration min = kTimeMax, max = kTimeMin;
  uint64_t events = 0;

  void add(Duration lag);
  void add(const LagRange& other);
};

struct HostLag {
  std::string service;  ///< empty: all pairs beyond the limit together
  std::string host;     ///< may be empty
  LagRange lag;
};

/// The lags of a batch's events that arrived at `arrival`, by service and host. Events without a
/// service are left out, and so are those whose time is that of their arrival: they had none of
/// their own.
std::vector<HostLag> lags_of(const Batch& batch, Timestamp arrival);

/// Sums up lags until their interval is over. Not thread-safe.
class LagLog {
 public:
  void add(const std::vector<HostLag>& lags, Timestamp arrival);

  /// Adds a row to `out` for each service and host in each interval that is over; at the end, of
  /// all intervals. The time of a row is the start of its interval. False if there is none.
  bool add_rows(Timestamp now, bool at_end, Batch& out) const;
  /// Forgets what add_rows() with the same arguments has added.
  void forget(Timestamp now, bool at_end);

 private:
  using Hosts = std::map<std::pair<std::string, std::string>, LagRange>;
  struct Interval {
    Hosts hosts;
    LagRange others;  ///< beyond kLagHostsMax
  };

  std::map<int64_t, Interval> intervals_;  // by number since 1970
};

}  // namespace tocsin
