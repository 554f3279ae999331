// Reads what can be read of a catalog that may be damaged, without being harmed by it: LMDB trusts
// its pages, so a child process does the reading, and what it could not tell is lost.
#pragma once

#include <string>
#include <vector>

#include "db/base/result.h"
#include "db/catalog/store.h"

namespace tocsin {

struct HotRemainder {
  SegmentRecord record;
  AlignedBytes body;
};

/// Whatever had a right checksum. Nothing in it is known to be complete unless `is_intact`.
struct SalvagedCatalog {
  bool is_intact = false;  ///< every entry is there and whole, as of state.commit_number
  std::string damage;      ///< what was wrong, when it is not
  CatalogState state;      ///< zeros when it could not be read
  std::vector<Measurement> measurements;
  std::vector<SegmentRecord> sealed;
  std::vector<HotRemainder> hot;
  std::vector<SmallChange> small;
};

/// Errors: kUnsupported for a database of a later format, kIo when no child can be started.
/// Requires: this process does not have the catalog open, and has no other threads.
Result<SalvagedCatalog> salvage_catalog(const std::string& directory);

}  // namespace tocsin
