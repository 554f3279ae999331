// What the program asks of its allocator.
#pragma once

namespace tocsin {

/// From now on freed memory stays for the next who needs some, instead of going back to the system
/// after a while: for commands that work through their data once and end. Nothing, where the
/// allocator is not the program's own.
void keep_freed_memory();

}  // namespace tocsin
