// The columns of the measurements that Tocsin itself writes.
#pragma once

#include <span>
#include <string_view>

#include "db/base/time.h"
#include "db/schema/schema.h"

namespace tocsin {

/// How late events arrive, by service and host; net/parse/event_lag.h describes it.
inline constexpr const char* kEventLagMeasurement = "event_lag";
inline constexpr Duration kEventLagRetention = 35 * kDay;

struct OwnColumn {
  const char* name;
  ColumnType type;
  ColumnKind kind;
  bool operator==(const OwnColumn& other) const {
    return std::string_view(name) == other.name && type == other.type && kind == other.kind;
  }
};

/// All columns that Tocsin writes to one of its own measurements; empty for any other measurement.
/// Queries know them before a row has a value in them. Tests compare the lists with what is
/// written.
std::span<const OwnColumn> own_columns(std::string_view measurement);

}  // namespace tocsin
