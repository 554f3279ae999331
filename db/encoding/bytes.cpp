#include "db/encoding/bytes.h"

#include <new>

#include <xxhash.h>

namespace tocsin {
namespace {

constexpr std::align_val_t kAlignment{64};

}  // namespace

uint64_t checksum(ByteView bytes, uint64_t seed) {
  return XXH3_64bits_withSeed(bytes.data(), bytes.size(), seed);
}

AlignedBytes::AlignedBytes(size_t size)
    : data_(static_cast<uint8_t*>(::operator new(size == 0 ? 1 : size, kAlignment))), size_(size) {}

AlignedBytes::AlignedBytes(ByteView bytes) : AlignedBytes(bytes.size()) {
  if (!bytes.empty()) std::memcpy(data_.get(), bytes.data(), bytes.size());
}

void AlignedBytes::Release::operator()(uint8_t* data) const { ::operator delete(data, kAlignment); }

}  // namespace tocsin
