// Tuning of the program's allocator.
#pragma once

namespace tocsin {

/// From now on keeps freed memory for reuse instead of returning it to the system after a while:
/// for commands that process their data once and exit. Does nothing in builds without jemalloc.
void keep_freed_memory();

}  // namespace tocsin
