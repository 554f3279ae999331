// Is the catalog whole? LMDB has no checksums of its own, so damage to its pages can hide entries,
// or send a look-up astray, without any error.
#pragma once

#include <string>

#include "db/base/result.h"
#include "db/catalog/commit_mark.h"
#include "db/catalog/environment.h"
#include "db/catalog/store.h"

namespace tocsin {

/// Reads every entry of the catalog: the XOR of their checksums must be the state's digest, a
/// look-up of each key must find it, and the pages must be whole. Values of hot segments are not
/// read beyond their first page. kCorrupt names `tocsin repair`.
Status check_entries(const Transaction& transaction, const CatalogState& state,
                     const std::string& directory);

/// All of a database that is being opened: its format, its last commit (`mark` is the commit mark
/// as read before the transaction began), its entries. Returns the state.
Result<CatalogState> check_catalog(const Transaction& transaction, const CommitMark& mark,
                                   const std::string& directory);

}  // namespace tocsin
