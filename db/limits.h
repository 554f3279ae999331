// All limits of the store, with their units and reasons.
#pragma once

#include <cstddef>
#include <cstdint>

#include "db/base/time.h"

namespace tocsin {

inline constexpr size_t kKiB = 1024;
inline constexpr size_t kMiB = 1024 * kKiB;
inline constexpr size_t kGiB = 1024 * kMiB;

// Schema: bounds how far hostile input can grow the catalog.
inline constexpr size_t kMeasurementCountMax = 10'000;
/// Of one measurement; values of further columns go to `_rest`.
inline constexpr size_t kColumnCountMax = 1'000;
inline constexpr size_t kNameBytesMax = 256;
inline constexpr size_t kStringBytesMax = kMiB;  ///< of one value

// Segments.
inline constexpr size_t kVectorRows = 2048;            ///< rows decoded at a time
inline constexpr size_t kSegmentRowsMax = 256 * kKiB;  ///< of one sealed segment
inline constexpr size_t kSegmentBytesMax = 64 * kMiB;  ///< of one sealed segment
/// One LMDB value; larger segments go to a file.
inline constexpr size_t kHotSegmentBytesMax = 256 * kKiB;
inline constexpr size_t kHotBytesMax = 64 * kMiB;  ///< of all hot segments together
/// A commit's rows of one partition go directly to a file if they are more than this.
inline constexpr size_t kDirectRowsMin = 16 * kKiB;
inline constexpr size_t kDirectBytesMin = kMiB;     ///< the same in bytes
inline constexpr size_t kSealRows = 64 * kKiB;      ///< hot rows of a partition that start a seal
inline constexpr size_t kSealBytes = 16 * kMiB;     ///< hot bytes of a partition that start a seal
inline constexpr Duration kSealAge = 10 * kMinute;  ///< age of the oldest hot row, starts a seal
/// Hot segments of a slowly growing partition that are merged into one.
inline constexpr size_t kHotMergeCount = 64;
/// A partition's file of this size is not appended to.
inline constexpr size_t kSegmentFileBytesMax = kGiB;
inline constexpr size_t kMergeCount = 16;  ///< small sealed segments of a partition, starts a merge
/// A partition without new small segments for this long has its small ones merged.
inline constexpr Duration kSettleAge = 30 * kMinute;
// A sealed segment with fewer rows than this, and fewer raw bytes, is small and will be merged.
inline constexpr size_t kSmallSegmentRows = kSegmentRowsMax / 2;
inline constexpr size_t kSmallSegmentBytes = kSegmentBytesMax / 2;
static_assert(kHotSegmentBytesMax <= kDirectBytesMin);
static_assert(kSealRows <= kSegmentRowsMax && kSealBytes <= kSegmentBytesMax);

// Writing.
inline constexpr size_t kBatchBytesMax = 512 * kMiB;  ///< one WriteRequest
/// Bulk rows in memory; with more, everything gathered is committed.
inline constexpr size_t kGatherBytesMax = 256 * kMiB;
/// Bulk rows, including those in files, before they are committed: bounds what a crash may cost.
inline constexpr size_t kGatherRowsMax = 8 * kMiB;
inline constexpr size_t kSmallKeyBytesMax = 400;  ///< of a SmallChange; LMDB allows 511
/// A clock that jumped ahead by more than this is believed only when somebody confirms it.
inline constexpr Duration kClockJumpMax = 30 * kDay;
/// Retention waits before it drops at least this many days of a measurement at once ...
inline constexpr size_t kDropWaitDays = 3;
inline constexpr size_t kDropWaitShare = 4;  ///< ... if they are over one in so many of its days
/// A dropped file is unlinked after this time at the latest.
inline constexpr Duration kSnapshotMax = 10 * kMinute;
inline constexpr Duration kRetryAfter = kSecond;    ///< pause of writing after a failed commit
inline constexpr size_t kFreeBytesMin = 16 * kMiB;  ///< free disk space needed to resume writing

// Caches of a process that reads.
inline constexpr size_t kCachedSegmentsMax = 16 * kKiB;
inline constexpr size_t kCachedHotBytesMax = 2 * kHotBytesMax;

// The catalog.
inline constexpr size_t kCatalogMapBytes = 64 * kGiB;  ///< address space, not disk
inline constexpr unsigned kReaderCountMax = 1022;      ///< LMDB reader slots of all processes

// `rejected`: lines that could not be stored.
inline constexpr size_t kRejectedLineBytesMax = 64 * kKiB;  ///< kept of one line
/// Lines and reasons kept per source and minute; each counts kRejectedRowBytes more. Further lines
/// are only counted.
inline constexpr size_t kRejectedMinuteBytesMax = 4 * kMiB;
inline constexpr size_t kRejectedRowBytes = 64;
/// Of all rows of `rejected`, before encoding; beyond it lines are only counted.
inline constexpr size_t kRejectedBytesMax = kGiB;
inline constexpr unsigned kRejectedIdBits = 24;       ///< see RejectLog::begin_commit
inline constexpr size_t kRejectedSourcesMax = 1'000;  ///< distinguished per minute
inline constexpr size_t kRejectedReasonsMax = 100;    ///< distinguished per source and minute
inline constexpr const char* kOtherReasons = "(other reasons)";  ///< replaces further reasons
inline constexpr Duration kRejectedRetention = 7 * kDay;

}  // namespace tocsin
