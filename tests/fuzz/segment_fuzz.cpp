// A segment whose metadata was tampered with, and signed again: every read gives values or kCorrupt.
// The input is a list of patches, each an offset (two bytes) into the metadata and a byte to stand there; one
// into the catalog's row count when the offset is 0xffff.
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "db/base/check.h"
#include "db/bytes.h"
#include "db/segment_builder.h"
#include "db/segment_inspection.h"
#include "db/segment_reader.h"

using namespace tocsin;

namespace {

constexpr uint32_t kRowCount = 300;

std::vector<Column> columns() {
  return {{1, "service", ColumnType::kString, ColumnKind::kTag, false},
          {2, "message", ColumnType::kString, ColumnKind::kField, false},
          {3, "ms", ColumnType::kF64, ColumnKind::kField, false},
          {4, "code", ColumnType::kI64, ColumnKind::kField, false},
          {5, "bytes", ColumnType::kU64, ColumnKind::kField, false},
          {6, "ok", ColumnType::kBool, ColumnKind::kField, false}};
}

EncodedSegment make_segment() {
  const std::vector<Column> all = columns();
  SegmentBuilder builder(7, "audit", 0);
  for (uint32_t i = 0; i < kRowCount; ++i) builder.add_row(int64_t{i} * i);
  for (uint32_t i = 0; i < kRowCount; ++i) {
    builder.column(all[0]).add_text(i, i % 3 == 0 ? "pay" : "web");
    if (i % 5 != 0) builder.column(all[1]).add_text(i, "took " + std::to_string(i * 7) + " ms");
    for (size_t c = 2; c < all.size(); ++c) builder.column(all[c]).add_bits(i, i % 2);
  }
  auto encoded = builder.finish(1, true);
  TOCSIN_CHECK(encoded.size() == 1);
  return std::move(encoded[0]);
}

void read_column(const SegmentColumn& column, ColumnType type, size_t count) {
  std::vector<uint8_t> bits(count);
  const Status valid = column.read_valid(0, bits);
  TOCSIN_CHECK(valid || valid.error().code == ErrorCode::kCorrupt);
  switch (type) {
    case ColumnType::kI64: {
      std::vector<int64_t> values(count);
      (void)column.read_i64(0, values);
      return;
    }
    case ColumnType::kU64: {
      std::vector<uint64_t> values(count);
      (void)column.read_u64(0, values);
      return;
    }
    case ColumnType::kF64: {
      std::vector<double> values(count);
      (void)column.read_f64(0, values);
      return;
    }
    case ColumnType::kBool: (void)column.read_bool(0, bits); return;
    case ColumnType::kString: break;
  }
  std::vector<uint32_t> rows(count);
  for (uint32_t i = 0; i < count; ++i) rows[i] = i;
  StringVector strings;
  if (column.read_strings(rows, strings)) {
    size_t total = 0;
    for (const std::string_view each : strings.values) {
      for (const char c : each) total += static_cast<uint8_t>(c);
    }
    TOCSIN_CHECK(total < SIZE_MAX);
  }
  if (!column.has_dictionary()) return;
  const auto entries = column.entries();
  std::vector<uint32_t> codes(count);
  if (entries && column.read_codes(0, codes) && !entries->empty()) {
    for (const uint32_t code : codes) TOCSIN_CHECK(code < entries->size());
  }
  (void)column.entry_statistics();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const EncodedSegment original = make_segment();
  AlignedBytes copy(original.bytes.view());
  SegmentInfo info;
  info.measurement = 7;
  info.row_count = kRowCount;
  info.max_time = original.max_time;
  info.name = "fuzzed";
  for (size_t i = 0; i + 3 <= size; i += 3) {
    const size_t offset = data[i] | size_t{data[i + 1]} << 8;
    if (offset == 0xffff) {
      info.row_count = data[i + 2];
    } else {
      copy.data()[offset % original.metadata_size] = data[i + 2];
    }
  }
  SegmentBytes bytes;
  bytes.bytes = copy.view();
  bytes.metadata_size = original.metadata_size;
  bytes.metadata_checksum = checksum(bytes.bytes.first(bytes.metadata_size));
  const auto segment = open_segment(info, bytes);
  std::vector<Timestamp> times(info.row_count);
  (void)segment->read_times(0, times);
  (void)segment->rows_in({1, 1000});
  for (const Column& column : columns()) {
    const auto stored = segment->column(column);
    if (stored && *stored) read_column(**stored, column.type, info.row_count);
  }
  (void)inspect(*segment);
  return 0;
}
