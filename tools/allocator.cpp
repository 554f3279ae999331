// The program's allocator is jemalloc with huge pages where the system has them. Under a sanitizer
// it is the sanitizer's own.
//
// Imports and queries fill hundreds of MiB, and the first access to each 4 KiB page causes a fault
// that takes a microsecond or more on a virtual machine: a third of an import in total. With few
// arenas, memory that one thread frees is reused by the others.
#include "tools/allocator.h"

#ifdef TOCSIN_JEMALLOC

#include <string>

#include <jemalloc/jemalloc.h>
#include <sys/types.h>

// Read by the library when the program starts (jemalloc(3), TUNING). Large allocations use the
// common arenas too, so that freed memory is reused instead of going back to the system at once.
// A thread of the library gives back what has not been reused for a second, also when the program
// is idle after a large query.
const char* malloc_conf =
    "thp:always,narenas:2,oversize_threshold:0,background_thread:true,dirty_decay_ms:1000,"
    "muzzy_decay_ms:0";

namespace tocsin {

void keep_freed_memory() {
  bool on = false;
  mallctl("background_thread", nullptr, nullptr, &on, sizeof on);
  ssize_t never = -1;
  mallctl("arenas.dirty_decay_ms", nullptr, nullptr, &never, sizeof never);  // of new arenas
  for (const char* arena : {"0", "1"}) {  // fails for one that does not exist yet
    const std::string name = std::string("arena.") + arena + ".dirty_decay_ms";
    mallctl(name.c_str(), nullptr, nullptr, &never, sizeof never);
  }
}

}  // namespace tocsin

#else

namespace tocsin {

void keep_freed_memory() {}

}  // namespace tocsin

#endif
