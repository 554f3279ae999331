// Reads a segment that was modified and signed again: every read must return values or an error,
// and no read of a column may leave that column's buffers.
//
// The input is one byte that chooses the segment, which is also merged if the byte is at least
// kMergeToo; then patches of six bytes: the place (u8: 0 for the metadata, else a buffer), the
// offset in it (u16), the kind (Patch), and the value (u16). All checksums are computed again
// afterwards, so that the decoders of every encoding are reached; production code has no special
// case for this.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "db/base/check.h"
#include "db/encoding/bytes.h"
#include "db/segment/buffer.h"
#include "db/segment/builder.h"
#include "db/segment/inspection.h"
#include "db/segment/reader.h"
#include "segment_generated.h"

#if defined(__SANITIZE_ADDRESS__)
#define TOCSIN_ADDRESS_SANITIZER
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define TOCSIN_ADDRESS_SANITIZER
#endif
#endif
#ifdef TOCSIN_ADDRESS_SANITIZER
#include <sanitizer/asan_interface.h>
#endif

using namespace tocsin;

namespace {

constexpr MeasurementId kMeasurement = 7;
constexpr size_t kPatchSize = 6;
constexpr size_t kPatchesMax = 64;
constexpr uint8_t kMergeToo = 224;
constexpr size_t kLengthSize = sizeof(uint32_t);  // of a buffer's length, stored before it

// ---- The segments ----

/// Splitmix64 (Sebastiano Vigna, public domain).
uint64_t mixed(uint64_t x) {
  x += 0x9e3779b97f4a7c15;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  return x ^ (x >> 31);
}

uint64_t bits_of(double value) {
  uint64_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  return bits;
}

std::string word(uint64_t x) {
  std::string text;
  for (size_t size = 3 + x % 7; size > 0; --size, x = mixed(x)) {
    text.push_back(static_cast<char>('g' + x % 20));
  }
  return text;
}

/// One column for each way to store values; see number() and text().
enum Content : ColumnId {
  kConstant = 1,
  kFrame,
  kDelta,
  kOutliers,
  kRepeats,
  kSparse,  // null map as ascending rows
  kNatural,
  kDecimals,
  kExceptions,
  kDoubles,
  kBits,
  kDictionary,
  kMessages,
  kIds,
  kWords,
  kNoise,
  kLast = kNoise,
};

ColumnType type_of(Content content) {
  if (content < kNatural) return ColumnType::kI64;
  if (content == kNatural) return ColumnType::kU64;
  if (content < kBits) return ColumnType::kF64;
  return content == kBits ? ColumnType::kBool : ColumnType::kString;
}

std::vector<Column> columns() {
  std::vector<Column> all;
  for (ColumnId id = 1; id <= kLast; ++id) {
    all.push_back({id, "c" + std::to_string(id), type_of(Content{id}), ColumnKind::kField, false});
  }
  return all;
}

bool has_value(Content content, uint32_t row) {
  if (content == kSparse) return row % 40 == 7;
  const bool has_nulls = content % 2 == 0;
  return !has_nulls || mixed(row * kLast + content) % 5 != 0;
}

uint64_t number(Content content, uint32_t row) {
  const uint64_t chance = mixed(row * 100 + content);
  switch (content) {
    case kConstant: return 42;
    case kFrame: return chance % 1'000;
    case kDelta: return uint64_t{row} * 1'000'000 + chance % 16;
    case kOutliers: return chance % 30 == 0 ? chance : chance % 16;
    case kRepeats: return mixed(chance % 20);
    case kSparse: return row;
    case kNatural: return chance;
    case kDecimals: return bits_of(static_cast<double>(chance % 100'000) / 100);
    case kExceptions:
      return bits_of(chance % 16 == 0 ? 1.0 / 3 : static_cast<double>(chance % 1'000) / 10);
    case kBits: return chance % 2;
    default: return chance;
  }
}

std::string text(Content content, uint32_t row) {
  const uint64_t chance = mixed(row * 100 + content);
  switch (content) {
    case kDictionary: return "service-" + std::to_string(chance % 5);
    case kMessages:
      if (chance % 20 == 0) return word(chance) + " " + word(row);  // stays whole
      if (chance % 3 == 0) return "user " + std::to_string(chance % 1'000'000) + " left";
      return "took " + std::to_string(chance % 900) + " ms of " +
             std::to_string(mixed(chance) % 90) + " s";
    case kIds: {
      char id[24];
      std::snprintf(id, sizeof id, "req-%016llx", static_cast<unsigned long long>(chance));
      return id;
    }
    case kWords: return word(chance % 900) + " " + word(mixed(chance) % 900) + " " + word(row);
    default: {
      std::string noise;
      for (uint64_t i = 0; i < 2 + chance % 9; ++i)
        noise.push_back(static_cast<char>(mixed(chance + i)));
      return noise;
    }
  }
}

EncodedSegment make_segment(uint32_t row_count, bool compress) {
  SegmentBuilder builder(kMeasurement, "audit", 0);
  for (uint32_t row = 0; row < row_count; ++row) builder.add_row(int64_t{row} * 1'000 + row % 7);
  for (const Column& column : columns()) {
    const Content content{column.id};
    ColumnBuilder& values = builder.column(column);
    for (uint32_t row = 0; row < row_count; ++row) {
      if (!has_value(content, row)) continue;
      if (column.type == ColumnType::kString) {
        values.add_text(row, text(content, row));
      } else {
        values.add_bits(row, number(content, row));
      }
    }
  }
  auto encoded = builder.finish(1, compress);
  TOCSIN_CHECK(encoded.size() == 1);
  return std::move(encoded[0]);
}

// ---- Its buffers ----

/// The length field before a buffer; empty if it is not inside the segment.
std::span<uint8_t> length_of(std::span<uint8_t> segment, const format::Buffer* buffer) {
  if (buffer == nullptr || buffer->data() == 0) return {};
  const uint8_t* field =
      reinterpret_cast<const flatbuffers::Table*>(buffer)->GetAddressOf(format::Buffer::VT_DATA);
  const size_t start = static_cast<size_t>(field - segment.data()) + buffer->data();
  if (start + kLengthSize > segment.size()) return {};
  return segment.subspan(start, kLengthSize);
}

/// The length field and the bytes of a buffer; empty if they are not inside the segment.
std::span<uint8_t> bytes_of(std::span<uint8_t> segment, const format::Buffer* buffer) {
  const auto length = length_of(segment, buffer);
  if (length.empty()) return {};
  uint32_t size = 0;
  std::memcpy(&size, length.data(), kLengthSize);
  const auto start = static_cast<size_t>(length.data() - segment.data());
  if (size > segment.size() - start - kLengthSize) return {};
  return segment.subspan(start, kLengthSize + size);
}

/// Calls f(a buffer, the id of its column), with id 0 for the time.
template <class F>
void for_each_buffer(const format::Segment& root, F f) {
  f(root.times(), ColumnId{0});
  for (uint32_t i = 0; root.columns() != nullptr && i < root.columns()->size(); ++i) {
    const format::Column* column = root.columns()->Get(i);
    for (const NamedBuffer& named : buffers_of(*column)) f(named.buffer, column->id());
  }
}

/// The address of a field's value; null if the table lacks the field.
uint8_t* field_of(const void* table, flatbuffers::voffset_t field) {
  return reinterpret_cast<flatbuffers::Table*>(const_cast<void*>(table))->GetAddressOf(field);
}

// ---- Patches ----

enum Patch : uint8_t { kByte, kWord, kLong, kAdd, kPowerOfTwo, kLength, kRowCount, kPatchCount };

/// A range that may be patched: the metadata, or a buffer without its length.
struct Place {
  size_t offset;
  size_t size;
  ColumnId column = 0;
};

struct Original {
  EncodedSegment segment;
  std::vector<Place> places;  // the metadata, then the buffers

  Original(uint32_t row_count, bool compress) : segment(make_segment(row_count, compress)) {
    const std::span<uint8_t> bytes(segment.bytes.data(), segment.bytes.size());
    places.push_back({0, segment.metadata_size});
    for_each_buffer(
        *format::GetSegment(bytes.data()), [&](const format::Buffer* buffer, ColumnId column) {
          const auto found = bytes_of(bytes, buffer);
          if (found.empty()) return;
          const auto offset = static_cast<size_t>(found.data() - bytes.data()) + kLengthSize;
          places.push_back({offset, found.size() - kLengthSize, column});
        });
  }
};

const Original& original(uint8_t choice) {
  static const Original all[] = {{120, true}, {120, false}, {2'100, true}};
  return all[choice % std::size(all)];
}

struct Tampered {
  AlignedBytes bytes;
  SegmentInfo info;
  bool is_metadata_whole = true;
  std::set<ColumnId> columns;  ///< those with a patched buffer

  Tampered(const Original& from, const uint8_t* data, size_t size)
      : bytes(from.segment.bytes.view()) {
    info.measurement = kMeasurement;
    info.row_count = from.segment.row_count;
    info.min_time = from.segment.min_time;
    info.max_time = from.segment.max_time;
    info.name = "fuzzed";
    for (size_t i = 0; i + kPatchSize <= size && i < kPatchesMax * kPatchSize; i += kPatchSize) {
      patch(from.places[data[i] % from.places.size()], data + i);
    }
  }

  void patch(const Place& place, const uint8_t* record) {
    is_metadata_whole = is_metadata_whole && place.offset != 0;
    columns.insert(place.column);
    const size_t offset = size_t{record[1]} | size_t{record[2]} << 8;
    const auto value = static_cast<uint16_t>(record[4] | record[5] << 8);
    const auto wide = static_cast<uint64_t>(int64_t{static_cast<int16_t>(value)});
    switch (record[3] % kPatchCount) {
      case kByte: return put(place, offset, static_cast<uint8_t>(value));
      case kWord: return put(place, offset * 4, static_cast<uint32_t>(wide));
      case kLong: return put(place, offset * 8, wide);
      case kAdd: return add(place, offset * 4, static_cast<uint32_t>(wide));
      case kPowerOfTwo:
        return put(place, offset * 4, (uint64_t{1} << value % 64) - (value >> 8) % 2);
      case kLength:
        if (place.offset != 0)
          put(Place{place.offset - kLengthSize, kLengthSize}, 0, uint32_t{value});
        return;
      case kRowCount: info.row_count = value; return;
      default: return;
    }
  }

  template <class T>
  void put(const Place& place, size_t offset, T value) {
    if (place.size < sizeof value) return;
    offset %= place.size;
    if (offset + sizeof value > place.size) offset = place.size - sizeof value;
    std::memcpy(bytes.data() + place.offset + offset, &value, sizeof value);
  }
  void add(const Place& place, size_t offset, uint32_t value) {
    if (place.size < sizeof value) return;
    offset = std::min(offset % place.size, place.size - sizeof value);
    uint32_t before;
    std::memcpy(&before, bytes.data() + place.offset + offset, sizeof before);
    put(place, offset, before + value);
  }

  std::span<uint8_t> all() { return {bytes.data(), bytes.size()}; }

  /// Corrects all checksums and returns the root; null if the metadata are no longer a FlatBuffer.
  const format::Segment* sign(size_t metadata_size) {
    if (!is_flat_buffer(metadata_size)) return nullptr;
    const format::Segment* root = format::GetSegment(bytes.data());
    // Tables may overlap, and writing one may break another, so all are read first.
    std::vector<std::pair<uint8_t*, uint64_t>> checksums;
    for_each_buffer(*root, [&](const format::Buffer* buffer, ColumnId) {
      const auto found = bytes_of(all(), buffer);
      if (found.empty()) return;
      checksums.emplace_back(field_of(buffer, format::Buffer::VT_CHECKSUM),
                             checksum(found.subspan(kLengthSize)));
    });
    if (uint8_t* at = field_of(root, format::Segment::VT_ROW_COUNT)) {
      flatbuffers::WriteScalar(at, info.row_count);
    }
    for (const auto& [at, value] : checksums) {
      if (at != nullptr) flatbuffers::WriteScalar(at, value);
    }
    return is_flat_buffer(metadata_size) ? root : nullptr;
  }

  bool is_flat_buffer(size_t metadata_size) const {
    flatbuffers::Verifier verifier(bytes.view().data(), metadata_size);
    return format::VerifySegmentBuffer(verifier);
  }
};

// ---- Reading ----

/// While it exists, only the metadata and the buffers of one column can be read.
class Fence {
 public:
#ifdef TOCSIN_ADDRESS_SANITIZER
  Fence(std::span<uint8_t> bytes, size_t metadata_size, const format::Segment& root,
        ColumnId wanted)
      : bytes_(bytes) {
    std::vector<std::span<uint8_t>> readable;
    for_each_buffer(root, [&](const format::Buffer* buffer, ColumnId column) {
      if (column != wanted) return;
      readable.push_back(length_of(bytes, buffer));  // even if the length is too large
      readable.push_back(bytes_of(bytes, buffer));
    });
    ASAN_POISON_MEMORY_REGION(bytes.data() + metadata_size, bytes.size() - metadata_size);
    for (const auto buffer : readable) ASAN_UNPOISON_MEMORY_REGION(buffer.data(), buffer.size());
  }
  ~Fence() { ASAN_UNPOISON_MEMORY_REGION(bytes_.data(), bytes_.size()); }

 private:
  std::span<uint8_t> bytes_;
#else
  Fence(std::span<uint8_t>, size_t, const format::Segment&, ColumnId) {}
#endif
};

/// A modified format or encoding may look like a later version's.
bool is_damage(ErrorCode code) {
  return code == ErrorCode::kCorrupt || code == ErrorCode::kUnsupported;
}

/// Reads all rows, then those from a third on; the values must agree if both reads succeed.
template <class T, class Read>
void read_twice(size_t count, Read read) {
  std::vector<T> whole(count), part(count - count / 3);
  const Status first = read(0, std::span<T>(whole));
  const Status second = read(count / 3, std::span<T>(part));
  for (const Status& status : {first, second})
    TOCSIN_CHECK(status || is_damage(status.error().code));
  if (!first || !second) return;
  TOCSIN_CHECK(part.empty() ||
               std::memcmp(part.data(), whole.data() + count / 3, part.size() * sizeof(T)) == 0);
}

void read_texts(const SegmentColumn& column, uint32_t count) {
  std::vector<uint32_t> rows, some;
  for (uint32_t row = 0; row < count; ++row) {
    rows.push_back(row);
    if (row % 7 == 3) some.push_back(row);
  }
  StringVector all, few;
  if (!column.read_strings(rows, all) || !column.read_strings(some, few)) return;
  for (size_t i = 0; i < some.size(); ++i) TOCSIN_CHECK(few.values[i] == all.values[some[i]]);
}

/// Reads a few rows of the first vector; the values of the others are unspecified.
template <class T, class Read>
void read_few(size_t count, Read read) {
  std::vector<T> values(std::min(count, kVectorRows));
  std::vector<uint32_t> only;
  for (uint32_t row = 3; row < values.size(); row += 29) only.push_back(row);
  (void)read(std::span<T>(values), only);
}

void read_entries(const SegmentColumn& column, size_t count) {
  const auto entries = column.entries();
  std::vector<uint32_t> codes(count);
  read_few<uint32_t>(count, [&](auto out, auto only) { return column.read_codes(0, out, only); });
  if (entries && column.read_codes(0, codes) && !entries->empty()) {
    for (const uint32_t code : codes) TOCSIN_CHECK(code < entries->size());
  }
  const auto statistics = column.entry_statistics();
  TOCSIN_CHECK(!entries || !statistics || entries->size() == statistics->size());
}

void read_templates(const SegmentColumn& column, size_t count) {
  const auto templates = column.templates();
  std::vector<uint32_t> numbers(count);
  if (templates && column.read_template_ids(0, numbers)) {
    for (const uint32_t number : numbers) TOCSIN_CHECK(number < templates->size());
  }
  const auto format = column.id_format();
  if (!format || *format == nullptr) return;
  read_twice<uint64_t>(count, [&](size_t start, auto out) { return column.read_ids(start, out); });
  std::vector<uint64_t> ids;
  if (!column.read_distinct_ids(ids) || ids.empty()) return;
  std::vector<uint32_t> codes(count);
  if (!column.read_id_codes(0, codes)) return;
  for (const uint32_t code : codes) TOCSIN_CHECK(code < ids.size());
}

void read_column(const SegmentColumn& column, size_t count) {
  read_twice<uint8_t>(count, [&](size_t start, auto out) { return column.read_valid(start, out); });
  switch (column.type()) {
    case ColumnType::kI64:
      read_few<int64_t>(count, [&](auto out, auto only) { return column.read_i64(0, out, only); });
      return read_twice<int64_t>(
          count, [&](size_t start, auto out) { return column.read_i64(start, out); });
    case ColumnType::kU64:
      read_few<uint64_t>(count, [&](auto out, auto only) { return column.read_u64(0, out, only); });
      return read_twice<uint64_t>(
          count, [&](size_t start, auto out) { return column.read_u64(start, out); });
    case ColumnType::kF64:
      read_few<double>(count, [&](auto out, auto only) { return column.read_f64(0, out, only); });
      return read_twice<double>(
          count, [&](size_t start, auto out) { return column.read_f64(start, out); });
    case ColumnType::kBool:
      return read_twice<uint8_t>(
          count, [&](size_t start, auto out) { return column.read_bool(start, out); });
    case ColumnType::kString: break;
  }
  read_texts(column, static_cast<uint32_t>(count));
  if (column.has_dictionary()) read_entries(column, count);
  if (column.has_templates()) read_templates(column, count);
}

void read_times(const Segment& segment) {
  const SegmentInfo& info = segment.info();
  read_twice<Timestamp>(info.row_count,
                        [&](size_t start, auto out) { return segment.read_times(start, out); });
  const auto rows = segment.rows_in({1'000, 100'000});
  TOCSIN_CHECK(!rows || (rows->first <= rows->second && rows->second <= info.row_count));
}

void read_columns(const Segment& segment, const format::Segment& root, Tampered& tampered,
                  size_t metadata_size) {
  for (Column column : columns()) {
    if (tampered.is_metadata_whole && !tampered.columns.contains(column.id)) continue;
    // As if the column had been widened after the segment was written.
    if (column.id == kDelta) column.type = ColumnType::kF64;
    const auto stored = segment.column(column);
    if (!stored || *stored == nullptr) continue;
    const Fence fence(tampered.all(), metadata_size, root, column.id);
    read_column(**stored, segment.info().row_count);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const Original& from = original(data[0]);
  Tampered tampered(from, data + 1, size - 1);
  const format::Segment* root = tampered.sign(from.segment.metadata_size);
  SegmentBytes bytes;
  bytes.bytes = tampered.bytes.view();
  bytes.metadata_size = from.segment.metadata_size;
  bytes.metadata_checksum = checksum(bytes.bytes.first(bytes.metadata_size));
  const auto segment = open_segment(tampered.info, bytes);
  read_times(*segment);
  (void)inspect(*segment);
  if (root != nullptr) read_columns(*segment, *root, tampered, bytes.metadata_size);
  if (data[0] < kMergeToo) return 0;
  SegmentBuilder merged(kMeasurement, "audit", 0);
  (void)merged.append(*segment, columns());
  return 0;
}
