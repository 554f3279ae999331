// The pages of catalog.mdb, as LMDB 0.9 lays them out: mdb.c, MDB_meta, MDB_page, MDB_node.
#pragma once

#include <cstdint>

#include "db/base/result.h"

namespace tocsin {

/// Whether the pages that commit `transaction` of the file `fd` consists of are whole: trees whose
/// nodes fill their pages exactly, that use every page at most once and none that is listed as
/// free. LMDB checks none of that and, when it writes, follows whatever a flipped bit makes of it.
/// Values are not read. kIo when a page cannot be read.
Result<bool> pages_are_whole(int fd, uint64_t transaction);

}  // namespace tocsin
