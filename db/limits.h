// Every limit of the store, with its unit and its reason.
#pragma once

#include <cstddef>
#include <cstdint>

#include "db/base/time.h"

namespace tocsin {

inline constexpr size_t kKiB = 1024;
inline constexpr size_t kMiB = 1024 * kKiB;
inline constexpr size_t kGiB = 1024 * kMiB;

// Schema: bounds what hostile input can make the catalog grow to.
inline constexpr size_t kMeasurementCountMax = 10'000;
inline constexpr size_t kColumnCountMax =
    1'000;  ///< of one measurement; further keys go to `_rest`
inline constexpr size_t kNameBytesMax = 256;
inline constexpr size_t kStringBytesMax = kMiB;  ///< of one value

// Segments.
inline constexpr size_t kVectorRows = 2048;            ///< rows decoded at a time
inline constexpr size_t kSegmentRowsMax = 256 * kKiB;  ///< of one sealed segment
inline constexpr size_t kSegmentBytesMax = 64 * kMiB;  ///< of one sealed segment
inline constexpr size_t kHotSegmentBytesMax =
    256 * kKiB;                                    ///< one LMDB value; larger goes to a file
inline constexpr size_t kHotBytesMax = 64 * kMiB;  ///< all hot segments together
inline constexpr size_t kDirectRowsMin =
    16 * kKiB;                                      ///< a commit's rows of one partition: to a file
inline constexpr size_t kDirectBytesMin = kMiB;     ///< the same in bytes
inline constexpr size_t kSealRows = 64 * kKiB;      ///< hot rows of a partition that start a seal
inline constexpr size_t kSealBytes = 16 * kMiB;     ///< hot bytes of a partition that start a seal
inline constexpr Duration kSealAge = 10 * kMinute;  ///< age of the oldest hot row
inline constexpr size_t kHotMergeCount = 64;        ///< hot segments of a slow partition: merge
inline constexpr size_t kSegmentFileBytesMax =
    kGiB;  ///< a partition's file that is this long gets a successor
inline constexpr size_t kMergeCount = 16;  ///< small sealed segments of a partition: merge
inline constexpr Duration kSettleAge =
    30 * kMinute;  ///< a partition without new small segments for this long: merge what there are
// A sealed segment with fewer rows than this, and fewer raw bytes, is small: to be merged.
inline constexpr size_t kSmallSegmentRows = kSegmentRowsMax / 2;
inline constexpr size_t kSmallSegmentBytes = kSegmentBytesMax / 2;
static_assert(kHotSegmentBytesMax <= kDirectBytesMin);
static_assert(kSealRows <= kSegmentRowsMax && kSealBytes <= kSegmentBytesMax);

// Writing.
inline constexpr size_t kBatchBytesMax = 512 * kMiB;  ///< one WriteRequest
inline constexpr size_t kGatherBytesMax =
    256 * kMiB;  ///< bulk rows in memory, before they are committed
inline constexpr size_t kGatherRowsMax =
    8 * kMiB;  ///< bulk rows, also in files, before they are committed: what a crash may cost
inline constexpr size_t kSmallKeyBytesMax = 400;  ///< of a SmallChange; LMDB allows 511
inline constexpr Duration kSnapshotMax =
    10 * kMinute;                                   ///< a dropped file is unlinked at the latest
inline constexpr Duration kRetryAfter = kSecond;    ///< pause of writing after a failed commit
inline constexpr size_t kFreeBytesMin = 16 * kMiB;  ///< of disk, before writing is tried again

// Caches of a process that reads.
inline constexpr size_t kCachedSegmentsMax = 16 * kKiB;
inline constexpr size_t kCachedHotBytesMax = 2 * kHotBytesMax;

// The environment.
inline constexpr size_t kCatalogMapBytes = 64 * kGiB;  ///< address space, not disk
inline constexpr unsigned kReaderCountMax = 1022;      ///< LMDB reader slots over all processes

// `rejected`: what is kept of lines that could not be stored.
inline constexpr size_t kRejectedLineBytesMax = 4 * kKiB;
inline constexpr size_t kRejectedPerMinuteMax = 1'000;  ///< rows per source and minute
inline constexpr size_t kRejectedSourcesMax = 1'000;    ///< told apart per minute
inline constexpr size_t kRejectedReasonsMax = 100;      ///< counted apart per source and minute
inline constexpr const char* kOtherReasons = "(other reasons)";  ///< the reason of further ones
inline constexpr Duration kRejectedRetention = 7 * kDay;

}  // namespace tocsin
