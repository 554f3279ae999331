// Bulk rows, gathered over many requests until they fill whole segments: an import encodes every
// row once and ends with full segments.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "db/base/result.h"
#include "db/write/builder_set.h"
#include "db/write/bulk_encoder.h"
#include "db/write/catalog_commit.h"
#include "db/write/pending_write.h"
#include "db/write/segment_placer.h"
#include "db/write/shared_store.h"

namespace tocsin {

/// Used by the writer thread alone. Builders that are full are encoded on a second thread
/// meanwhile.
///
/// Everything gathered becomes visible with one commit:
/// take_writes(), finish(), a commit of placer(), clear().
class BulkGather {
 public:
  /// `store` must outlive this object.
  explicit BulkGather(Store& store) : store_(store) {}

  /// Where the rows of the next request are merged into.
  BuilderSet& builders() { return builders_; }
  /// Adds a request whose rows were merged into builders().
  void add(MergedWrite write);
  /// Starts to encode the builders that are full, or that recent requests did not use. On an error
  /// the files are removed: call take_writes() and clear().
  Status encode_ready(const CatalogCommit& catalog);

  bool empty() const { return writes_.empty(); }
  /// Whether enough is gathered to be committed.
  bool is_full() const;

  /// The requests added so far, to be answered by the caller.
  std::vector<MergedWrite> take_writes();
  /// Encodes what is left, gives all segments the number of the next commit, and makes the files
  /// durable. On an error the files are removed: call clear().
  Status finish(const CatalogCommit& catalog);
  /// The segments to commit. Requires: finish() succeeded; valid until clear().
  const SegmentPlacer& placer() const { return *placer_; }
  /// Starts again with nothing gathered. Keeps the files: a failed commit may have listed them.
  void clear();

 private:
  SegmentPlacer& open_placer();
  Status encode_if_ready(const CatalogCommit& catalog);
  Status place_rest(const CatalogCommit& catalog);
  Status remove_files_unless(Status status);

  Store& store_;
  BuilderSet builders_;
  size_t row_count_ = 0;  // including rows that were encoded already
  std::vector<MergedWrite> writes_;
  std::unique_ptr<SegmentPlacer> placer_;  // null while nothing was encoded
  BulkEncoder encoder_;                    // uses *placer_, so it is destroyed first
};

}  // namespace tocsin
