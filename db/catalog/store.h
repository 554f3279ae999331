// The contents of the catalog as typed values: keys, records, and their checksums.
//
// Every value begins with XXH3-64 of the rest, seeded with XXH3-64 of its key, which detects
// damaged and misplaced values. Segment keys are big-endian, so that a cursor walks a measurement
// in the order of its days: measurement u32, partition u64 (sign bit flipped), segment id u64.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "db/base/result.h"
#include "db/catalog/environment.h"
#include "db/schema/schema.h"
#include "db/schema/write_request.h"
#include "db/segment/file.h"
#include "db/segment/record.h"
#include "db/segment/segment.h"

namespace tocsin {

/// The version of the format of the whole directory. A later version is refused. In format 2,
/// several columns of a measurement may have the same name.
inline constexpr uint32_t kDatabaseFormat = 2;

/// Counters that every commit stores.
struct CatalogState {
  uint64_t commit_number = 0;
  uint64_t schema_version = 0;  ///< increases when a measurement or column is added or changed
  uint64_t next_segment_id = 1;
  uint64_t next_file_number = 1;
  MeasurementId next_measurement_id = 1;
  uint64_t digest = 0;  ///< XOR of digest_of() of all entries
};

/// A file without listed segments.
struct DroppedFile {
  FileId file;
  uint64_t transaction = 0;  ///< readers of an older commit may still open the file
  Timestamp dropped_at = 0;
};

/// What the last commit knew about the clock.
struct ClockRecord {
  uint64_t commit_number = 0;  ///< that of the commit that stored it
  Timestamp believed = 0;      ///< the time of the commit, as far as the clock was believed
  Duration offset = 0;         ///< clock minus `believed` when it jumped; 0: it is believed
  Duration remaining = 0;      ///< running time until a clock that jumped is believed
};

/// Dropping waits for a measurement.
struct RetentionWait {
  MeasurementId measurement = 0;
  Duration retention = 0;  ///< the setting that it waits with
  Duration remaining = 0;  ///< running time; 0: it may be dropped
  bool operator==(const RetentionWait&) const = default;
};

/// kUnsupported, naming both versions, for a later format; kNotFound if the catalog is empty.
Status check_format(const Transaction& transaction);
Status write_format(Transaction& transaction, uint32_t format);
/// Replaces an earlier format by kDatabaseFormat, of which each is a subset, and returns it; 0 if
/// there is nothing to do.
Result<uint32_t> upgrade_format(Transaction& transaction);

Result<CatalogState> read_state(const Transaction& transaction);
/// Applies the transaction's digest_change() to the state and stores it. Requires: this is the last
/// write of the transaction.
Status write_state(Transaction& transaction, CatalogState& state);

// Programs that do not know these two entries of `meta` ignore and keep them.
/// Nothing if no commit stored a record, or the last commit did not.
Result<std::optional<ClockRecord>> read_clock(const Transaction& transaction,
                                              uint64_t commit_number);
Status write_clock(Transaction& transaction, const ClockRecord& record);
Result<std::vector<RetentionWait>> read_retention_waits(const Transaction& transaction);
Status write_retention_waits(Transaction& transaction, const std::vector<RetentionWait>& waits);

Result<std::shared_ptr<const Catalog>> read_catalog(const Transaction& transaction);
Status write_measurement(Transaction& transaction, const Measurement& measurement);

/// Days of one measurement; inclusive.
struct PartitionRange {
  MeasurementId measurement = 0;
  int64_t first = INT64_MIN;
  int64_t last = INT64_MAX;
};
/// Visits the records of `table` (kHot or kSealed) in key order; `body` is a hot segment's bytes,
/// unchecked and unaligned. Stops at the first error, including one of `visit`.
using VisitSegment = std::function<Status(const SegmentRecord& record, ByteView body)>;
Status walk_segments(const Transaction& transaction, CatalogTable table, PartitionRange range,
                     const VisitSegment& visit);
/// The same over all measurements.
Status walk_all_segments(const Transaction& transaction, CatalogTable table,
                         const VisitSegment& visit);
/// An aligned copy of a hot segment's bytes; kCorrupt if they do not match their checksum.
Result<AlignedBytes> copy_hot_body(const SegmentRecord& record, ByteView body);

// Each of these checks and reads the value of one entry; kCorrupt names the table and the key.
/// Sets the fields of `state` that this entry of `meta` holds; kUnsupported for a later format.
Status read_meta_entry(std::string_view key, ByteView value, CatalogState& state);
Result<Measurement> read_measurement_entry(std::string_view key, ByteView value);
Status visit_segment_entry(CatalogTable table, std::string_view key, ByteView value,
                           const VisitSegment& visit);
Result<SmallChange> read_small_entry(CatalogTable table, std::string_view key, ByteView value);
/// Checks an entry of any table, including the body of a hot segment.
Status check_entry(CatalogTable table, std::string_view key, ByteView value);

Status write_hot(Transaction& transaction, const SegmentRecord& record, ByteView body);
Status write_sealed(Transaction& transaction, const SegmentRecord& record);
/// False if it is not listed.
Result<bool> remove_segment(Transaction& transaction, const SegmentInfo& info);

Status write_dropped(Transaction& transaction, const DroppedFile& dropped);
Result<std::vector<DroppedFile>> read_dropped(const Transaction& transaction);
Status remove_dropped(Transaction& transaction, const FileId& file);

Status apply_change(Transaction& transaction, const SmallChange& change);
Result<std::optional<std::string>> read_small(const Transaction& transaction, SmallTable table,
                                              std::string_view key);
Result<std::vector<SmallEntry>> list_small(const Transaction& transaction, SmallTable table,
                                           std::string_view prefix, SmallRange range);

}  // namespace tocsin
