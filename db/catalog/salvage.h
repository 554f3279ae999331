// Reads as much as possible of a catalog that may be damaged. LMDB trusts its pages and may crash
// on them, so a child process reads them; entries that it could not send are lost.
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

/// All entries with a correct checksum. Complete only if `is_intact`.
struct SalvagedCatalog {
  bool is_intact = false;  ///< all entries of state.commit_number are there and intact
  std::string damage;      ///< the reason if it is not intact
  CatalogState state;      ///< zeros if it could not be read
  std::vector<Measurement> measurements;
  std::vector<SegmentRecord> sealed;
  std::vector<HotRemainder> hot;
  std::vector<SmallChange> small;
};

/// Errors: kUnsupported for a database of a later format, kIo if no child process can be started.
/// Requires: this process does not have the catalog open and has no other threads.
Result<SalvagedCatalog> salvage_catalog(const std::string& directory);

}  // namespace tocsin
