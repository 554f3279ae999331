// What crashes and failed commits leave in segment files: segments that were never listed.
#pragma once

#include <string>

#include "db/base/result.h"
#include "db/catalog/environment.h"

namespace tocsin {

/// Unlinks files of which nothing is listed, and makes unlisted segments behind the listed ones of
/// a file unrecognizable, so that `repair` cannot take them for stored ones: their first bytes
/// become zero. Does nothing without a commit mark, which shows that the catalog is the newest.
/// Requires: the catalog was checked, and nothing writes segment files.
Status remove_leftovers(const std::string& directory, const Transaction& transaction);

}  // namespace tocsin
