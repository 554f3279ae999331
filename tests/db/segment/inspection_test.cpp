#include "db/segment/inspection.h"

#include "db/segment/builder.h"
#include "db/segment/reader.h"
#include "tests/db/db_support.h"

namespace tocsin {
namespace {

using namespace testing;

TEST_CASE("inspection: lists every column with its encoding, sizes and counts", "[db]") {
  SegmentBuilder builder(7, "audit", 0);
  for (int i = 0; i < 100; ++i) builder.add_row(i);
  ColumnBuilder& service =
      builder.column({1, "service", ColumnType::kString, ColumnKind::kTag, false});
  ColumnBuilder& duration =
      builder.column({2, "duration_ms", ColumnType::kI64, ColumnKind::kField, false});
  for (uint32_t i = 0; i < 100; ++i) service.add_text(i, i % 2 == 0 ? "pay" : "order");
  for (uint32_t i = 0; i < 10; ++i) duration.add_bits(i, i);
  auto encoded = builder.finish(1, true);
  REQUIRE(encoded.size() == 1);

  SegmentInfo info;
  info.measurement = 7;
  info.row_count = 100;
  info.max_time = 99;
  info.name = "test";
  SegmentBytes bytes;
  bytes.bytes = encoded[0].bytes.view();
  bytes.metadata_size = encoded[0].metadata_size;
  bytes.metadata_checksum = checksum(bytes.bytes.first(bytes.metadata_size));
  const auto segment = open_segment(info, bytes);

  const SegmentInspection found = take(inspect(*segment));
  REQUIRE(found.columns.size() == 3);
  CHECK(found.columns[0].name == "time");
  CHECK(found.columns[0].raw_size == 800);
  CHECK(found.columns[1].name == "service");
  CHECK(found.columns[1].kind == ColumnKind::kTag);
  CHECK(found.columns[1].encoding == "dictionary");
  CHECK(found.columns[1].raw_size == 50 * 3 + 50 * 5);
  CHECK(found.columns[2].value_count == 10);
  CHECK(found.columns[2].null_count == 90);
  CHECK(found.columns[2].raw_size == 80);
  uint64_t total = found.metadata_size;
  for (const ColumnInspection& column : found.columns) {
    uint64_t sum = 0;
    for (const BufferInspection& buffer : column.buffers) sum += buffer.byte_size;
    CHECK(sum == column.byte_size);
    CHECK(sum > 0);
    total += sum;
  }
  CHECK(total <= bytes.bytes.size());
  CHECK(total + 2000 >= bytes.bytes.size());  // the rest is padding
}

}  // namespace
}  // namespace tocsin
