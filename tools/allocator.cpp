// The program's memory: jemalloc, in huge pages where the system has them.
//
// Importing and answering fill hundreds of MiB, and the first touch of a page of 4 KiB costs a fault:
// a microsecond or more on a virtual machine, together a third of an import. Few arenas keep the
// memory that one thread frees for the others.
#include <jemalloc/jemalloc.h>

// Read by the library when the program starts (jemalloc(3), TUNING). Large allocations come from the common
// arenas too: what is freed there is used again instead of going back to the system at once.
const char* malloc_conf = "thp:always,narenas:2,oversize_threshold:0";
