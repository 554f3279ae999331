// What becomes of a memory fault in mapped files: a damaged catalog ends the process with a message
// that names the mend, a damaged segment file reads as zeros and is remembered as damaged.
//
// LMDB trusts the pages that it maps, so one flipped bit can send it anywhere; a file that is cut
// while it is mapped gives SIGBUS. Both are met by signal handlers, which a program installs once.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "db/encoding/bytes.h"

namespace tocsin {

/// Handles SIGBUS and SIGSEGV that come from the catalog or from a mapped segment file; all others
/// go to whoever handled them before. Call once, before other threads start. Optional for programs
/// that embed the store: without it such a fault ends the process as the system does.
void install_fault_guard();

/// While one lives, a fault of this thread is the catalog's. Nests; costs two thread-local writes.
class CatalogAccess {
 public:
  /// `path` must outlive it: it stands in the message.
  explicit CatalogAccess(const char* path);
  ~CatalogAccess();
  CatalogAccess(const CatalogAccess&) = delete;
  CatalogAccess& operator=(const CatalogAccess&) = delete;

 private:
  const char* previous_;
};

/// Ends the process with exit code 1 when the guard is installed: for LMDB's failed assertions.
/// Safe in signal handlers.
void report_damaged_catalog();

/// A mapped file's address range, known to the handler while it lives. Safe from any thread.
class GuardedRange {
 public:
  explicit GuardedRange(ByteView bytes);
  ~GuardedRange();
  GuardedRange(const GuardedRange&) = delete;
  GuardedRange& operator=(const GuardedRange&) = delete;

  /// Whether a fault was met in it: some pages read as zeros since.
  bool is_damaged() const;

 private:
  size_t slot_;  ///< kSlotCount when all were taken: then the range is not guarded
};

}  // namespace tocsin
