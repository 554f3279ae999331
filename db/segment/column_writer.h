// Encodes one column of a segment into the FlatBuffer under construction: the only place that
// chooses encodings.
#pragma once

#include <cstdint>
#include <span>

#include <flatbuffers/flatbuffers.h>

#include "db/base/time.h"
#include "db/encoding/bytes.h"
#include "db/encoding/template.h"
#include "db/segment/column_builder.h"
#include "segment_generated.h"

namespace tocsin {

/// A buffer whose bytes are in the segment, but whose table is not written yet.
struct WrittenBuffer {
  flatbuffers::Offset<flatbuffers::Vector<uint8_t>> data;
  uint64_t checksum = 0;
};

/// Copies `bytes` into the segment on a 32-byte boundary.
WrittenBuffer write_buffer(flatbuffers::FlatBufferBuilder& builder, ByteView bytes);
/// Writes the buffer's table; returns null for a buffer that was not written.
flatbuffers::Offset<format::Buffer> write_buffer_table(flatbuffers::FlatBufferBuilder& builder,
                                                       const WrittenBuffer& buffer);

/// The rows of a segment: [start, end) of the builder's rows.
struct RowSlice {
  uint32_t start = 0;
  uint32_t end = 0;
  std::span<const Timestamp> times;  ///< of all the builder's rows
};

/// Writes one column in two steps. All buffers of a segment are written before its first table,
/// which keeps the metadata together at the front.
class ColumnWriter {
 public:
  /// Encodes the slice of `column` and writes its buffers. False if no row of the slice has a
  /// value. Requires: `column` is sorted.
  bool write_buffers(flatbuffers::FlatBufferBuilder& builder, const ColumnBuilder& column,
                     const RowSlice& slice, bool compress);
  flatbuffers::Offset<format::Column> write_table(flatbuffers::FlatBufferBuilder& builder) const;

 private:
  void write_valid(flatbuffers::FlatBufferBuilder& builder, std::span<const uint32_t> rows,
                   const RowSlice& slice);
  void write_integers(flatbuffers::FlatBufferBuilder& builder, std::span<const uint64_t> bits);
  void write_floats(flatbuffers::FlatBufferBuilder& builder, std::span<const uint64_t> bits);
  void write_bools(flatbuffers::FlatBufferBuilder& builder, std::span<const uint64_t> bits);
  void write_strings(flatbuffers::FlatBufferBuilder& builder, const StringPool& pool,
                     std::span<const uint32_t> codes, std::span<const uint32_t> rows,
                     const RowSlice& slice, bool compress);
  void write_templates(flatbuffers::FlatBufferBuilder& builder, const TemplateColumn& column,
                       std::span<const uint32_t> rows, const RowSlice& slice);
  /// Writes the entries of a dictionary or of templates, and each value's entry.
  void write_entries(flatbuffers::FlatBufferBuilder& builder,
                     std::span<const std::string_view> entries, std::span<const uint64_t> codes,
                     std::span<const uint32_t> rows, const RowSlice& slice);

  Column column_;
  uint16_t encoding_ = 0;
  uint32_t value_count_ = 0;
  bool has_range_ = false;
  uint64_t min_ = 0, max_ = 0;
  uint64_t raw_size_ = 0;
  uint8_t exponent_ = 0;
  uint8_t compression_ = 0;
  WrittenBuffer valid_, valid_ranks_, values_, positions_, exceptions_;
  WrittenBuffer entry_offsets_, entry_bytes_, entry_stats_, lengths_, blocks_;
  WrittenBuffer slot_streams_, whole_, whole_starts_;
  std::vector<std::pair<WrittenBuffer, WrittenBuffer>> variables_;  // values, starts
};

}  // namespace tocsin
