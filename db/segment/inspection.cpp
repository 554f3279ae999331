#include "db/segment/inspection.h"

#include <algorithm>

#include "db/segment/buffer.h"
#include "db/segment/format.h"
#include "db/segment/segment.h"
#include "segment_generated.h"

namespace tocsin {
namespace {

void add_buffer(ColumnInspection& column, const SegmentBuffers& buffers, const NamedBuffer& named) {
  if (named.buffer == nullptr) return;
  column.buffers.push_back({named.name, buffers.size_of(named.buffer)});
  column.byte_size += column.buffers.back().byte_size;
}

const char* name_of(Encoding encoding) {
  switch (encoding) {
    case Encoding::kIntegers: return "integers";
    case Encoding::kDecimals: return "decimals";
    case Encoding::kDoubles: return "doubles";
    case Encoding::kBits: return "bits";
    case Encoding::kDictionary: return "dictionary";
    case Encoding::kBlocks: return "blocks";
    case Encoding::kTemplates: return "templates";
  }
  return "unknown";
}

std::vector<uint64_t> ids_of(const flatbuffers::Vector<uint64_t>* ids) {
  if (ids == nullptr) return {};
  return {ids->begin(), ids->end()};
}

ColumnInspection inspect_time(const format::Segment& root, const SegmentBuffers& buffers) {
  ColumnInspection time;
  time.name = "time";
  time.kind = ColumnKind::kTime;
  time.encoding = name_of(Encoding::kIntegers);
  time.value_count = root.row_count();
  time.raw_size = root.row_count() * sizeof(Timestamp);
  add_buffer(time, buffers, {"values", root.times()});
  return time;
}

ColumnInspection inspect_column(const format::Column& stored, const SegmentBuffers& buffers,
                                uint32_t row_count) {
  ColumnInspection column;
  column.id = stored.id();
  column.name = stored.name()->str();
  column.type = static_cast<ColumnType>(stored.type());
  column.kind = static_cast<ColumnKind>(stored.kind());
  column.encoding = name_of(static_cast<Encoding>(stored.encoding()));
  column.value_count = stored.value_count();
  column.null_count = row_count - std::min(row_count, stored.value_count());
  column.raw_size = stored.raw_size();
  for (const NamedBuffer& named : buffers_of(stored)) add_buffer(column, buffers, named);
  return column;
}

}  // namespace

Result<SegmentInspection> inspect(const Segment& segment) { return segment.inspect(); }

SegmentInspection inspect_segment(const format::Segment& root, const SegmentBuffers& buffers,
                                  uint64_t metadata_size) {
  SegmentInspection inspection;
  inspection.metadata_size = metadata_size;
  inspection.columns.push_back(inspect_time(root, buffers));
  for (const format::Column* column : *root.columns()) {
    inspection.columns.push_back(inspect_column(*column, buffers, root.row_count()));
  }
  inspection.sealed_from = ids_of(root.sealed_from());
  inspection.replaces = ids_of(root.replaces());
  inspection.ancestors = ids_of(root.ancestors());
  return inspection;
}

}  // namespace tocsin
