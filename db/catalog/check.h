// Checks a whole catalog. LMDB has no checksums, so damage to its pages can hide entries or
// misdirect look-ups without any error.
#pragma once

#include <string>

#include "db/base/result.h"
#include "db/catalog/commit_mark.h"
#include "db/catalog/environment.h"
#include "db/catalog/store.h"

namespace tocsin {

/// Reads every entry of the catalog: the XOR of digest_of() of all entries must be the state's
/// digest, a look-up of each key must find its entry, and the pages must be whole. Only the first
/// page of a hot segment is read. kCorrupt names `tocsin repair`.
Status check_entries(const Transaction& transaction, const CatalogState& state,
                     const std::string& directory);

/// Checks the catalog of a database that is being opened: its format, its last commit, its entries.
/// Returns the state. Requires: `mark` is the commit mark as read before the transaction began.
Result<CatalogState> check_catalog(const Transaction& transaction, const CommitMark& mark,
                                   const std::string& directory);

}  // namespace tocsin
