// Random events for comparisons: of every type, with nulls, in sealed and hot segments.
#pragma once

#include <random>

#include "db/database.h"
#include "tests/query/oracle/oracle.h"

namespace tocsin::oracle {

using Random = std::mt19937;

/// Three measurements whose columns meet in several ways. With `ties`, many events share their
/// time.
Data random_data(Random& random, size_t event_count, bool ties, Timestamp end);

/// Writes the data, the older part into sealed segments, the newer into hot ones.
void store(const Data& data, Database& database, Random& random);

}  // namespace tocsin::oracle
