// System calls that fail when they are told to: a library that stands before the C library.
//
// A program that is linked with it arms it by itself. Any other one can be run with
//   LD_PRELOAD=libtocsin_fault_shim.so TOCSIN_FAULT_AT=7 TOCSIN_FAULT_KIND=ENOSPC program
// With TOCSIN_FAULT_FOLDER=/path only calls for files below that folder are counted, not those for
// sockets or libraries; with TOCSIN_FAULT_COUNT=FILE the count stands in that file, 8 bytes,
// whatever becomes of the program.
#pragma once

#include <cstdint>

/// What becomes of the call that is counted as number `at`. Counted are write, pwrite, writev,
/// pwritev, fsync, fdatasync, ftruncate, mmap of a file, rename and unlink, of all threads, by file
/// descriptors above 2.
enum class FaultKind : int {
  kNone = 0,
  kIo,           ///< it fails with EIO
  kDiskFull,     ///< it fails with ENOSPC
  kShort,        ///< a write stops half-way, as allowed; others fail with EIO
  kStayFull,     ///< this and all later writes fail with ENOSPC, until it is armed anew
  kKill,         ///< the process is killed instead
  kTearAndKill,  ///< half of a write is made, then the process is killed
};

extern "C" {
/// From now on, calls are counted from 1.
void tocsin_fault_arm(uint64_t at, FaultKind kind);
uint64_t tocsin_fault_count();
}
