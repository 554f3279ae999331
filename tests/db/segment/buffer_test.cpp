// A segment's buffers, tested through the reader, because the format's classes are private to db.
#include <cstring>

#include <sys/mman.h>
#include <unistd.h>

#include "db/segment/builder.h"
#include "db/segment/reader.h"
#include "tests/db/db_support.h"

namespace tocsin {
namespace {

using namespace testing;

constexpr uint32_t kRowCount = 5000;
const Column kService{1, "service", ColumnType::kString, ColumnKind::kTag, false};
const Column kDuration{2, "duration_ms", ColumnType::kI64, ColumnKind::kField, false};

EncodedSegment make_segment() {
  SegmentBuilder builder(7, "audit", 0);
  for (uint32_t i = 0; i < kRowCount; ++i) builder.add_row(i);
  ColumnBuilder& service = builder.column(kService);
  ColumnBuilder& duration = builder.column(kDuration);
  for (uint32_t i = 0; i < kRowCount; ++i) service.add_text(i, i % 2 == 0 ? "pay" : "order");
  for (uint32_t i = 0; i < kRowCount; ++i) duration.add_bits(i, i * 7);
  return std::move(builder.finish(1, true).at(0));
}

std::shared_ptr<const Segment> open(ByteView bytes, uint32_t metadata_size) {
  SegmentInfo info;
  info.measurement = 7;
  info.row_count = kRowCount;
  info.max_time = kRowCount - 1;
  info.name = "test";
  SegmentBytes segment;
  segment.bytes = bytes;
  segment.metadata_size = metadata_size;
  segment.metadata_checksum = checksum(bytes.first(metadata_size));
  return open_segment(info, segment);
}

TEST_CASE("segment buffer: metadata are read without touching a buffer", "[db]") {
  const EncodedSegment encoded = make_segment();
  // The metadata are at the end of accessible pages; the pages after them are inaccessible.
  const auto page = static_cast<size_t>(::sysconf(_SC_PAGESIZE));
  const size_t readable = (encoded.metadata_size + page - 1) / page * page;
  const size_t size = readable + encoded.bytes.size() + page;
  void* memory = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  REQUIRE(memory != MAP_FAILED);
  uint8_t* start = static_cast<uint8_t*>(memory) + (readable - encoded.metadata_size) / 64 * 64;
  std::memcpy(start, encoded.bytes.view().data(), encoded.bytes.size());
  REQUIRE(::mprotect(static_cast<uint8_t*>(memory) + readable, size - readable, PROT_NONE) == 0);
  {
    const auto segment = open({start, encoded.bytes.size()}, encoded.metadata_size);
    const SegmentColumn* duration = take(segment->column(kDuration));
    REQUIRE(duration != nullptr);
    CHECK(duration->statistics().max == 7 * (kRowCount - 1));
    CHECK_FALSE(duration->has_nulls());
    CHECK(take(segment->column(kService))->has_dictionary());
  }
  ::munmap(memory, size);
}

TEST_CASE("segment buffer: the range of integers includes those that no double holds", "[db]") {
  constexpr int64_t kOdd = (int64_t{1} << 53) + 1;
  SegmentBuilder builder(7, "audit", 0);
  for (uint32_t i = 0; i < kRowCount; ++i) builder.add_row(i);
  ColumnBuilder& duration = builder.column(kDuration);
  for (uint32_t i = 0; i < kRowCount; ++i) {
    duration.add_bits(i, static_cast<uint64_t>(i % 2 == 0 ? kOdd : -kOdd));
  }
  const EncodedSegment encoded = std::move(builder.finish(1, true).at(0));
  const auto segment = open(encoded.bytes.view(), encoded.metadata_size);
  const SegmentColumn* column = take(segment->column(kDuration));
  REQUIRE(column != nullptr);
  CHECK(column->statistics().max > static_cast<double>(kOdd - 1));
  CHECK(column->statistics().min < -static_cast<double>(kOdd - 1));
}

TEST_CASE("segment buffer: a buffer outside of the segment is reported as damage", "[db]") {
  const EncodedSegment encoded = make_segment();
  size_t missing = 0;
  const auto check = [&](size_t place, uint32_t offset) {
    AlignedBytes copy(encoded.bytes.view());
    std::memcpy(copy.data() + place, &offset, sizeof(offset));
    const auto segment = open(copy.view(), encoded.metadata_size);
    std::vector<Timestamp> times(kRowCount);
    const Status status = segment->read_times(0, times);
    if (status) return;
    if (status.error().message.find("time is missing") != std::string::npos) ++missing;
  };
  // One of these places holds the offset of the times.
  const auto size = static_cast<uint32_t>(encoded.bytes.size());
  for (size_t place = 0; place + 4 <= encoded.metadata_size; place += 4) {
    for (const uint32_t offset : {size - 4, size, UINT32_MAX}) check(place, offset);
  }
  CHECK(missing >= 3);
}

}  // namespace
}  // namespace tocsin
