// Random events for comparisons: values of every type and nulls, in sealed and hot segments.
#pragma once

#include <random>
#include <string>

#include "db/database.h"
#include "tests/query/oracle/oracle.h"

namespace tocsin::oracle {

using Random = std::mt19937;

/// Sets column `name` of the last row of `rows`, which belong to `batch`. Requires: not null.
void put(const Value& value, const std::string& name, ColumnKind kind, size_t hint, RowBatch& rows,
         Batch& batch);

/// Three measurements whose columns have the same, mixed or conflicting types. With `ties`, many
/// events have the same time.
Data random_data(Random& random, size_t event_count, bool ties, Timestamp end);

/// Writes the older half of the data to sealed segments and the newer half to hot ones.
void store(const Data& data, Database& database, Random& random);

}  // namespace tocsin::oracle
