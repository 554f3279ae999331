// Handles memory faults in mapped files: a damaged catalog ends the process with a message that
// names `tocsin repair`; a damaged segment file reads as zeros and is marked as damaged.
//
// LMDB trusts the pages that it maps, so one flipped bit can make it access any address; a file
// that is truncated while it is mapped raises SIGBUS. A program installs handlers for both signals
// once.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "db/encoding/bytes.h"

namespace tocsin {

/// Handles SIGBUS and SIGSEGV from the catalog or from a mapped segment file; others are passed to
/// the previous handlers. Call once, before other threads start. Optional for programs that embed
/// the store: without it, such a fault kills the process.
void install_fault_guard();

/// While one exists, a fault of this thread is attributed to the catalog. Nests; costs two
/// thread-local writes.
class CatalogAccess {
 public:
  /// `path` is part of the message and must outlive this.
  explicit CatalogAccess(const char* path);
  ~CatalogAccess();
  CatalogAccess(const CatalogAccess&) = delete;
  CatalogAccess& operator=(const CatalogAccess&) = delete;

 private:
  const char* previous_;
};

/// For LMDB's failed assertions: ends the process with exit code 1 if the guard is installed. Safe
/// in signal handlers.
void report_damaged_catalog();

/// A mapped file's address range, registered with the handler while this exists. Safe from any
/// thread.
class GuardedRange {
 public:
  explicit GuardedRange(ByteView bytes);
  ~GuardedRange();
  GuardedRange(const GuardedRange&) = delete;
  GuardedRange& operator=(const GuardedRange&) = delete;

  /// Whether a fault occurred in it: some of its pages have read as zeros since.
  bool is_damaged() const;

 private:
  size_t slot_;  ///< kSlotCount if all slots were in use: then the range is not guarded
};

}  // namespace tocsin
