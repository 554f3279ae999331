// Encodes segments and places them: small new ones in the catalog, the others in segment files,
// which are durable before the catalog lists them.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "db/base/mutex.h"
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
  /// Otherwise to the catalog, unless a segment is larger than kHotSegmentBytesMax.
  bool to_file = false;
  /// Always a new file, which nothing else can retire before its segments are listed.
  bool fresh_file = false;
};

/// Collects the segments of one catalog transaction. Not thread-safe, except for add() and
/// belongs_in_file(). Files stay leased until it is destroyed, which must be after the end of the
/// transaction.
class SegmentPlacer {
 public:
  explicit SegmentPlacer(Store& store) : store_(store) {}
  ~SegmentPlacer();
  SegmentPlacer(const SegmentPlacer&) = delete;
  SegmentPlacer& operator=(const SegmentPlacer&) = delete;

  /// Encodes and places all rows of the builder, which must not be used afterwards. Several threads
  /// may call it at the same time.
  Status add(SegmentBuilder& builder, const std::string& measurement, const Placement& placement);
  /// Whether newly written rows should go to a file: there are many of them, or the hot segments
  /// (`catalog_hot_bytes` and those placed here) exceed kHotBytesMax.
  bool belongs_in_file(const SegmentBuilder& builder, uint64_t catalog_hot_bytes) const;

  // The rest requires that no add() is running.

  /// Makes the files durable.
  Status sync();
  /// Unlinks the new files. Requires: no transaction that lists them was attempted.
  void abandon();

  /// Sets the commit number of all segments.
  void stamp(uint64_t commit_number);

  const std::vector<HotSegment>& hot() const TOCSIN_NO_THREAD_SAFETY_ANALYSIS { return hot_; }
  const std::vector<SegmentRecord>& sealed() const TOCSIN_NO_THREAD_SAFETY_ANALYSIS {
    return sealed_;
  }

 private:
  Status add_to_file(SegmentRecord record, const std::string& measurement,
                     const EncodedSegment& segment, bool fresh) TOCSIN_REQUIRES(mutex_);
  Result<SegmentFileWriter*> file_for(const SegmentInfo& info, bool fresh) TOCSIN_REQUIRES(mutex_);
  Result<SegmentFileWriter> open_last(const SegmentInfo& info);
  Result<SegmentFileWriter> create_next(const SegmentInfo& info);

  struct OpenFile {
    SegmentFileWriter writer;
    bool is_new;
  };

  Store& store_;
  mutable Mutex mutex_;
  std::vector<HotSegment> hot_ TOCSIN_GUARDED_BY(mutex_);
  uint64_t hot_bytes_ TOCSIN_GUARDED_BY(mutex_) = 0;
  std::vector<SegmentRecord> sealed_ TOCSIN_GUARDED_BY(mutex_);
  std::vector<std::unique_ptr<OpenFile>> files_ TOCSIN_GUARDED_BY(mutex_);
};

}  // namespace tocsin
