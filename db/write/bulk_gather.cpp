#include "db/write/bulk_gather.h"

#include <utility>

#include "db/limits.h"

namespace tocsin {
namespace {

/// A builder is encoded before it is full once kIdleRequestsMax requests have added nothing and it
/// holds kIdleBytesMax: imports sorted by time finish one day at a time.
constexpr uint64_t kIdleRequestsMax = 64;
constexpr size_t kIdleBytesMax = kMiB;

/// Larger builders would only be split: see SegmentBuilder::finish.
bool is_full_segment(const SegmentBuilder& builder) {
  return builder.row_count() >= kSmallSegmentRows || builder.raw_bytes() >= kSmallSegmentBytes;
}

/// In a new file: nothing else can retire the file before its segments are listed.
Placement bulk_placement(const Store& store, const CatalogCommit& catalog) {
  Placement placement;
  placement.commit_number = catalog.commit_number() + 1;
  placement.created_at = store.clock.now();
  placement.fresh_file = true;
  return placement;
}

}  // namespace

void BulkGather::add(MergedWrite write) {
  row_count_ += write.report.rows_written;
  writes_.push_back(std::move(write));
}

bool BulkGather::is_full() const {
  return row_count_ >= kGatherRowsMax || builders_.memory_bytes() > kGatherBytesMax;
}

SegmentPlacer& BulkGather::open_placer() {
  if (!placer_) placer_ = std::make_unique<SegmentPlacer>(store_);
  return *placer_;
}

Status BulkGather::encode_ready(const CatalogCommit& catalog) {
  return remove_files_unless(encode_if_ready(catalog));
}

Status BulkGather::encode_if_ready(const CatalogCommit& catalog) {
  auto& builders = builders_.builders();
  for (auto it = builders.begin(); it != builders.end();) {
    const SegmentBuilder& builder = *it->second.builder;
    const bool is_idle = builders_.idle_requests(it->second) >= kIdleRequestsMax &&
                         builder.memory_bytes() >= kIdleBytesMax;
    if (!is_full_segment(builder) && !is_idle) {
      ++it;
      continue;
    }
    Placement placement = bulk_placement(store_, catalog);
    placement.to_file = true;
    const std::string& name = catalog.schema().name_of(builder.measurement());
    auto ready = std::move(it->second.builder);
    it = builders.erase(it);
    TOCSIN_RETURN_IF_ERROR(encoder_.add(open_placer(), std::move(ready), name, placement));
  }
  return {};
}

std::vector<MergedWrite> BulkGather::take_writes() { return std::exchange(writes_, {}); }

Status BulkGather::finish(const CatalogCommit& catalog) {
  Status status = encoder_.wait();
  if (status) {
    // Segments encoded earlier carry an older number, but become visible only with this commit.
    open_placer().stamp(catalog.commit_number() + 1);
    status = place_rest(catalog);
  }
  if (status) status = placer_->sync();
  return remove_files_unless(std::move(status));
}

Status BulkGather::place_rest(const CatalogCommit& catalog) {
  Placement placement = bulk_placement(store_, catalog);
  SegmentPlacer& placer = open_placer();
  for (auto& [key, entry] : builders_.builders()) {
    const std::string& name = catalog.schema().name_of(key.first);
    placement.to_file = placer.belongs_in_file(*entry.builder, catalog.hot_bytes());
    // This thread and the encoder's share the work.
    if (placement.to_file && encoder_.is_idle()) {
      TOCSIN_RETURN_IF_ERROR(encoder_.add(placer, std::move(entry.builder), name, placement));
    } else {
      TOCSIN_RETURN_IF_ERROR(placer.add(*entry.builder, name, placement));
      entry.builder.reset();
    }
  }
  builders_.clear();
  return encoder_.wait();
}

Status BulkGather::remove_files_unless(Status status) {
  if (status) return status;
  (void)encoder_.wait();
  if (placer_) placer_->abandon();
  return status;
}

void BulkGather::clear() {
  (void)encoder_.wait();
  placer_ = nullptr;
  builders_.clear();
  row_count_ = 0;
}

}  // namespace tocsin
