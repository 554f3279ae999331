#include "db/catalog/segment_cache.h"

#include <algorithm>
#include <vector>

#include "db/limits.h"
#include "db/segment/reader.h"

namespace tocsin {

Result<std::shared_ptr<const Segment>> open_hot(const SegmentRecord& record, ByteView body) {
  TOCSIN_TRY(AlignedBytes copied, copy_hot_body(record, body));
  auto copy = std::make_shared<const AlignedBytes>(std::move(copied));
  SegmentBytes bytes;
  bytes.bytes = copy->view();
  bytes.owner = copy;
  bytes.metadata_size =
      std::min<uint32_t>(record.metadata_size, static_cast<uint32_t>(copy->size()));
  bytes.metadata_checksum = checksum(copy->view().first(bytes.metadata_size));
  return open_segment(record.info, std::move(bytes));
}

Result<std::shared_ptr<const Segment>> SegmentCache::open(const SegmentRecord& record,
                                                          ByteView body) {
  MutexLock lock(mutex_);
  if (auto it = entries_.find(record.info.id); it != entries_.end()) {
    it->second.last_used = ++tick_;
    return it->second.segment;
  }
  TOCSIN_TRY(auto segment, record.info.sealed ? open_sealed(record) : open_hot(record, body));
  const size_t hot_bytes = record.info.sealed ? 0 : body.size();
  hot_bytes_ += hot_bytes;
  entries_[record.info.id] = {segment, ++tick_, hot_bytes};
  if (entries_.size() > kCachedSegmentsMax || hot_bytes_ > kCachedHotBytesMax) evict();
  return segment;
}

Result<std::shared_ptr<const Segment>> SegmentCache::open_sealed(const SegmentRecord& record) {
  const uint64_t start = record.file_offset + kSegmentHeaderBytes;
  const uint64_t end = segment_end(record.file_offset, record.info.byte_size);
  auto& slot = mappings_[record.file()];
  auto mapping = slot.lock();
  if (!mapping || mapping->bytes().size() < end) {
    TOCSIN_TRY(mapping, FileMapping::open(directory_ + "/" + file_path(record.file()), end));
    mapping->load_only_what_is_touched();
    slot = mapping;
  }
  SegmentBytes bytes;
  bytes.bytes = mapping->bytes().subspan(start, record.info.byte_size);
  bytes.owner = mapping;
  bytes.mapping = mapping.get();
  bytes.metadata_size = record.metadata_size;
  bytes.metadata_checksum = record.metadata_checksum;
  // While the first of many segments is read, the system loads the metadata of the others.
  if (record.metadata_size <= record.info.byte_size)
    load_ahead(bytes.bytes.first(record.metadata_size));
  return open_segment(record.info, std::move(bytes));
}

void SegmentCache::evict() {
  std::vector<std::pair<uint64_t, uint64_t>> by_age;  // last use, id
  by_age.reserve(entries_.size());
  for (const auto& [id, entry] : entries_) by_age.emplace_back(entry.last_used, id);
  std::sort(by_age.begin(), by_age.end());
  for (size_t i = 0; i < by_age.size() / 2; ++i) {
    auto it = entries_.find(by_age[i].second);
    hot_bytes_ -= it->second.hot_bytes;
    entries_.erase(it);
  }
  std::erase_if(mappings_, [](const auto& mapping) { return mapping.second.expired(); });
}

}  // namespace tocsin
