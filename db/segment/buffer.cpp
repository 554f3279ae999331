#include "db/segment/buffer.h"

#include <algorithm>
#include <cstdint>
#include <optional>

#include <fmt/format.h>

#include "db/segment/file.h"

namespace tocsin {
namespace {

/// The offset of a buffer's length in the segment; nothing if there is no buffer.
std::optional<size_t> start_of(ByteView segment, const format::Buffer* buffer) {
  if (buffer == nullptr || buffer->data() == 0) return std::nullopt;
  // An offset is relative to the field that holds it, whose address the generated class hides.
  const auto* const table = reinterpret_cast<const flatbuffers::Table*>(buffer);
  const uint8_t* const field = table->GetAddressOf(format::Buffer::VT_DATA);
  return static_cast<size_t>(field - segment.data()) + buffer->data();
}

}  // namespace

std::vector<NamedBuffer> buffers_of(const format::Column& column) {
  std::vector<NamedBuffer> buffers = {
      {"valid", column.valid()},
      {"valid_ranks", column.valid_ranks()},
      {"values", column.values()},
      {"positions", column.positions()},
      {"exceptions", column.exceptions()},
      {"entry_offsets", column.entry_offsets()},
      {"entry_bytes", column.entry_bytes()},
      {"entry_stats", column.entry_stats()},
      {"lengths", column.lengths()},
      {"blocks", column.blocks()},
      {"slot_streams", column.slot_streams()},
  };
  for (uint32_t i = 0; column.variables() != nullptr && i < column.variables()->size(); ++i) {
    buffers.push_back({"variables", column.variables()->Get(i)->values()});
    buffers.push_back({"variable_starts", column.variables()->Get(i)->starts()});
  }
  buffers.push_back({"whole", column.whole()});
  buffers.push_back({"whole_starts", column.whole_starts()});
  return buffers;
}

SegmentBuffers::SegmentBuffers(ByteView segment, const format::Segment& root, bool is_mapped)
    : segment_(segment) {
  if (!is_mapped) return;
  const auto add = [&](const format::Buffer* buffer) {
    if (const auto start = start_of(segment, buffer)) starts_.push_back(*start);
  };
  add(root.times());
  for (const format::Column* column : *root.columns()) {
    for (const NamedBuffer& named : buffers_of(*column)) add(named.buffer);
  }
  starts_.push_back(segment.size());
  std::ranges::sort(starts_);
}

std::optional<ByteView> SegmentBuffers::find(const format::Buffer* buffer) const {
  const auto length_at = start_of(segment_, buffer);
  if (!length_at || *length_at > segment_.size()) return std::nullopt;
  ByteReader reader(segment_.subspan(*length_at));
  const size_t size = reader.u32();
  const ByteView bytes = reader.raw(size);
  if (!reader.ok()) return std::nullopt;
  return bytes;
}

size_t SegmentBuffers::size_of(const format::Buffer* buffer) const {
  const auto bytes = find(buffer);
  return bytes ? bytes->size() : 0;
}

Result<ByteView> SegmentBuffers::open(const format::Buffer* buffer, const std::string& segment_name,
                                      const std::string& buffer_name) const {
  const NamedBuffer named{nullptr, buffer};
  load_ahead({&named, 1});
  const auto bytes = find(buffer);
  const char* fault = nullptr;
  if (!bytes) {
    fault = "is missing";
  } else if (!bytes->empty() && reinterpret_cast<uintptr_t>(bytes->data()) % 8 != 0) {
    fault = "is not aligned";
  } else {
    if (checksum(*bytes) == buffer->checksum()) return *bytes;
    fault = "does not match its checksum";
  }
  return fail(ErrorCode::kCorrupt,
              fmt::format("segment {} is damaged: {} {}; see `tocsin verify` and `tocsin repair`",
                          segment_name, buffer_name, fault));
}

void SegmentBuffers::load_ahead(std::span<const NamedBuffer> buffers) const {
  if (starts_.empty()) return;
  size_t start = segment_.size(), end = 0;
  for (const NamedBuffer& named : buffers) {
    const auto begin = start_of(segment_, named.buffer);
    if (!begin || *begin >= segment_.size()) continue;
    start = std::min(start, *begin);
    // Reading its length would touch the buffer, but the start of the next one is known.
    end = std::max(end, *std::ranges::upper_bound(starts_, *begin));
  }
  if (start < end) tocsin::load_ahead(segment_.subspan(start, end - start));
}

}  // namespace tocsin
