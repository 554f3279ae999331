// Puts encoded segments where they belong: small fresh ones into the catalog, the others into
// segment files, which are durable before the catalog lists them.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "db/base/result.h"
#include "db/segment/builder.h"
#include "db/segment/file.h"
#include "db/write/shared_store.h"

namespace tocsin {

struct HotSegment {
  SegmentRecord record;
  AlignedBytes bytes;
};

/// Where a builder's rows go.
struct Placement {
  uint64_t commit_number = 0;
  Timestamp created_at = 0;
  bool to_file = false;     ///< else the catalog, while a segment is at most kHotSegmentBytesMax
  bool fresh_file = false;  ///< a file of its own: nobody else can retire it before it is listed
};

/// Collects the segments of one catalog transaction. Not thread-safe but for add(). Files stay
/// leased until it is destroyed, which must not come before the transaction ended.
class SegmentPlacer {
 public:
  explicit SegmentPlacer(Store& store) : store_(store) {}
  ~SegmentPlacer();
  SegmentPlacer(const SegmentPlacer&) = delete;
  SegmentPlacer& operator=(const SegmentPlacer&) = delete;

  /// Encodes and places all rows of the builder, leaving it without use. Several threads may at a
  /// time.
  Status add(SegmentBuilder& builder, const std::string& measurement, const Placement& placement);
  /// Makes the files durable.
  Status sync();
  /// Removes new files again: only before the transaction that would list them was tried.
  void abandon();

  /// Gives all segments the number of the commit that lists them.
  void stamp(uint64_t commit_number);

  const std::vector<HotSegment>& hot() const { return hot_; }
  const std::vector<SegmentRecord>& sealed() const { return sealed_; }
  bool empty() const { return hot_.empty() && sealed_.empty(); }

 private:
  Status add_to_file(SegmentRecord record, const std::string& measurement,
                     const EncodedSegment& segment, bool fresh);
  Result<SegmentFileWriter*> file_for(const SegmentInfo& info, bool fresh);
  Result<SegmentFileWriter> open_last(const SegmentInfo& info);
  Result<SegmentFileWriter> create_next(const SegmentInfo& info);

  struct OpenFile {
    SegmentFileWriter writer;
    bool is_new;
  };

  Store& store_;
  std::mutex mutex_;  // guards all below in add()
  std::vector<HotSegment> hot_;
  std::vector<SegmentRecord> sealed_;
  std::vector<std::unique_ptr<OpenFile>> files_;
};

}  // namespace tocsin
