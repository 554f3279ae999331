// The program's memory: jemalloc, in huge pages where the system has them. The sanitizers bring an
// allocator of their own.
//
// Importing and answering fill hundreds of MiB, and the first touch of a page of 4 KiB costs a
// fault: a microsecond or more on a virtual machine, together a third of an import. Few arenas keep
// the memory that one thread frees for the others.
#include "tools/allocator.h"

#ifdef TOCSIN_JEMALLOC

#include <string>

#include <jemalloc/jemalloc.h>
#include <sys/types.h>

// Read by the library when the program starts (jemalloc(3), TUNING). Large allocations come from
// the common arenas too: what is freed there is used again instead of going back to the system at
// once.
const char* malloc_conf = "thp:always,narenas:2,oversize_threshold:0";

namespace tocsin {

void keep_freed_memory() {
  ssize_t never = -1;
  mallctl("arenas.dirty_decay_ms", nullptr, nullptr, &never, sizeof never);  // of those to come
  for (const char* arena : {"0", "1"}) {  // one that does not exist yet refuses
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
