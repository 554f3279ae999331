// Checks the pages of catalog.mdb, in the layout of LMDB 0.9 (mdb.c: MDB_meta, MDB_page, MDB_node).
#pragma once

#include <cstdint>

#include "db/base/result.h"

namespace tocsin {

/// Whether the pages of commit `transaction` in the file `fd` are whole: trees whose nodes fill
/// their pages exactly and that use every page at most once and no page that is listed as free.
/// LMDB checks none of this and, when it writes, follows any pointer that a flipped bit has
/// changed. Values are not read. kIo if a page cannot be read.
Result<bool> pages_are_whole(int fd, uint64_t transaction);

}  // namespace tocsin
