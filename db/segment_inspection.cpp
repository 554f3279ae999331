#include "db/segment_inspection.h"

#include <algorithm>

#include "db/segment.h"
#include "db/segment_format.h"
#include "segment_generated.h"

namespace tocsin {
namespace {

void add_buffer(ColumnInspection& column, const char* name, const format::Buffer* buffer) {
  if (buffer == nullptr || buffer->data() == nullptr) return;
  column.buffers.push_back({name, buffer->data()->size()});
  column.byte_size += buffer->data()->size();
}

const char* name_of(Encoding encoding) {
  switch (encoding) {
    case Encoding::kIntegers:
      return "integers";
    case Encoding::kDecimals:
      return "decimals";
    case Encoding::kDoubles:
      return "doubles";
    case Encoding::kBits:
      return "bits";
    case Encoding::kDictionary:
      return "dictionary";
    case Encoding::kBlocks:
      return "blocks";
    case Encoding::kTemplates:
      return "templates";
  }
  return "unknown";
}

std::vector<uint64_t> ids_of(const flatbuffers::Vector<uint64_t>* ids) {
  if (ids == nullptr) return {};
  return {ids->begin(), ids->end()};
}

ColumnInspection inspect_time(const format::Segment& root) {
  ColumnInspection time;
  time.name = "time";
  time.kind = ColumnKind::kTime;
  time.encoding = name_of(Encoding::kIntegers);
  time.value_count = root.row_count();
  time.raw_size = root.row_count() * sizeof(Timestamp);
  add_buffer(time, "values", root.times());
  return time;
}

ColumnInspection inspect_column(const format::Column& stored, uint32_t row_count) {
  ColumnInspection column;
  column.id = stored.id();
  column.name = stored.name()->str();
  column.type = static_cast<ColumnType>(stored.type());
  column.kind = static_cast<ColumnKind>(stored.kind());
  column.encoding = name_of(static_cast<Encoding>(stored.encoding()));
  column.value_count = stored.value_count();
  column.null_count = row_count - std::min(row_count, stored.value_count());
  column.raw_size = stored.raw_size();
  add_buffer(column, "valid", stored.valid());
  add_buffer(column, "valid_ranks", stored.valid_ranks());
  add_buffer(column, "values", stored.values());
  add_buffer(column, "positions", stored.positions());
  add_buffer(column, "exceptions", stored.exceptions());
  add_buffer(column, "entry_offsets", stored.entry_offsets());
  add_buffer(column, "entry_bytes", stored.entry_bytes());
  add_buffer(column, "entry_stats", stored.entry_stats());
  add_buffer(column, "lengths", stored.lengths());
  add_buffer(column, "blocks", stored.blocks());
  add_buffer(column, "slot_streams", stored.slot_streams());
  for (uint32_t i = 0; stored.variables() != nullptr && i < stored.variables()->size(); ++i) {
    add_buffer(column, "variables", stored.variables()->Get(i)->values());
    add_buffer(column, "variable_starts", stored.variables()->Get(i)->starts());
  }
  add_buffer(column, "whole", stored.whole());
  add_buffer(column, "whole_starts", stored.whole_starts());
  return column;
}

}  // namespace

Result<SegmentInspection> inspect(const Segment& segment) { return segment.inspect(); }

SegmentInspection inspect_segment(const format::Segment& root, uint64_t metadata_size) {
  SegmentInspection segment;
  segment.metadata_size = metadata_size;
  segment.columns.push_back(inspect_time(root));
  for (const format::Column* column : *root.columns()) {
    segment.columns.push_back(inspect_column(*column, root.row_count()));
  }
  segment.sealed_from = ids_of(root.sealed_from());
  segment.replaces = ids_of(root.replaces());
  segment.ancestors = ids_of(root.ancestors());
  return segment;
}

}  // namespace tocsin
