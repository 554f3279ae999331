#include "db/write/builder_set.h"

namespace tocsin {

SegmentBuilder& BuilderSet::get(const Measurement& measurement, int64_t partition) {
  Entry& entry = builders_[{measurement.id, partition}];
  if (!entry.builder) {
    entry.builder = std::make_unique<SegmentBuilder>(measurement.id, measurement.name, partition);
  }
  entry.last_request = request_;
  return *entry.builder;
}

size_t BuilderSet::memory_bytes() const {
  size_t bytes = 0;
  for (const auto& [key, entry] : builders_) bytes += entry.builder->memory_bytes();
  return bytes;
}

}  // namespace tocsin
