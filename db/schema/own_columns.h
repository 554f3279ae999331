// The columns of the measurements that Tocsin itself writes.
#pragma once

#include <span>
#include <string_view>

#include "db/schema/schema.h"

namespace tocsin {

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
