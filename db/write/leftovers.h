// Cleans up after crashes and failed commits, which leave unlisted segments in segment files.
#pragma once

#include <string>

#include "db/base/result.h"
#include "db/catalog/environment.h"

namespace tocsin {

/// Unlinks files in which nothing is listed. Overwrites the first bytes of unlisted segments after
/// the listed ones of a file with zeros, so that `repair` cannot take them for stored ones. Does
/// nothing without a commit mark, because only the mark shows that the catalog is the newest.
/// Requires: the catalog was checked, and nothing writes segment files.
Status remove_leftovers(const std::string& directory, const Transaction& transaction);

}  // namespace tocsin
