// Makes chosen system calls fail: a library that overrides functions of the C library.
//
// A program that is linked with it calls tocsin_fault_arm(). Any other program can be run with
//   LD_PRELOAD=libtocsin_fault_shim.so TOCSIN_FAULT_AT=7 TOCSIN_FAULT_KIND=ENOSPC program
// With TOCSIN_FAULT_FOLDER=/path only calls for files below that folder are counted, not those for
// sockets or libraries. With TOCSIN_FAULT_COUNT=FILE the count is kept in that file, as 8 bytes,
// even when the program is killed.
#pragma once

#include <cstdint>

/// What happens to call number `at`. These calls are counted, on all threads: write, pwrite,
/// writev, pwritev, fsync, fdatasync, ftruncate, mmap of a file, rename and unlink. Writes count
/// only for file descriptors above 2.
enum class FaultKind : int {
  kNone = 0,
  kIo,           ///< it fails with EIO
  kDiskFull,     ///< it fails with ENOSPC
  kShort,        ///< a write is short, as POSIX allows; other calls fail with EIO
  kStayFull,     ///< this and all later writes fail with ENOSPC, until armed again
  kKill,         ///< the process is killed instead
  kTearAndKill,  ///< half of a write is done, then the process is killed
};

extern "C" {
/// Restarts the count: the next call is number 1.
void tocsin_fault_arm(uint64_t at, FaultKind kind);
uint64_t tocsin_fault_count();
}
