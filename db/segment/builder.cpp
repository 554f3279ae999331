#include "db/segment/builder.h"

#include <algorithm>
#include <array>
#include <bit>
#include <numeric>

#include "db/encoding/packed.h"
#include "db/limits.h"
#include "db/segment/column_writer.h"
#include "db/segment/format.h"

namespace tocsin {
namespace {

/// Raw size divided by this is the first guess of the encoded size.
constexpr size_t kUsualShrinkage = 8;

/// The rows in the order of their times; rows of equal time keep their order. Logs arrive nearly in
/// order, so only the few late rows, whose time is before that of an earlier row, are sorted, and
/// then merged with the others. Requires: at most UINT32_MAX rows.
std::vector<uint32_t> order_by_time(std::span<const Timestamp> times) {
  const auto is_earlier = [&](uint32_t a, uint32_t b) { return times[a] < times[b]; };
  std::vector<uint32_t> in_order, late, order(times.size());
  in_order.reserve(times.size());
  Timestamp latest = times[0];
  for (uint32_t row = 0; row < times.size(); ++row) {
    if (times[row] < latest) {
      late.push_back(row);
    } else {
      latest = times[row];
      in_order.push_back(row);
    }
  }
  std::stable_sort(late.begin(), late.end(), is_earlier);
  // merge() prefers in_order at equal times. That is right: a row in order precedes any late row of
  // the same time, because the late row follows a row of a later time.
  std::merge(in_order.begin(), in_order.end(), late.begin(), late.end(), order.begin(), is_earlier);
  return order;
}

flatbuffers::Offset<flatbuffers::Vector<uint64_t>> write_ids(
    flatbuffers::FlatBufferBuilder& builder, const std::vector<uint64_t>& ids) {
  if (ids.empty()) return {};
  return builder.CreateVector(ids);
}

/// Appends one column of a segment to the rows that a builder already has.
class ColumnCopy {
 public:
  ColumnCopy(const SegmentColumn& from, ColumnBuilder& to, uint32_t base)
      : from_(from), to_(to), base_(base) {}

  Status run(size_t row_count) {
    to_.reserve(row_count - from_.statistics().null_count);
    for (size_t start = 0; start < row_count; start += kVectorRows) {
      const size_t n = std::min(kVectorRows, row_count - start);
      if (from_.has_nulls()) {
        TOCSIN_RETURN_IF_ERROR(from_.read_valid(start, std::span(valid_).first(n)));
      } else {
        std::fill_n(valid_.begin(), n, 1);
      }
      TOCSIN_RETURN_IF_ERROR(copy(start, n));
    }
    return {};
  }

 private:
  Status copy(size_t start, size_t n) {
    switch (from_.type()) {
      case ColumnType::kI64: {
        std::array<int64_t, kVectorRows> values;
        TOCSIN_RETURN_IF_ERROR(from_.read_i64(start, std::span(values).first(n)));
        return add(start, n, [&](size_t i) { return static_cast<uint64_t>(values[i]); });
      }
      case ColumnType::kU64: {
        std::array<uint64_t, kVectorRows> values;
        TOCSIN_RETURN_IF_ERROR(from_.read_u64(start, std::span(values).first(n)));
        return add(start, n, [&](size_t i) { return values[i]; });
      }
      case ColumnType::kF64: {
        std::array<double, kVectorRows> values;
        TOCSIN_RETURN_IF_ERROR(from_.read_f64(start, std::span(values).first(n)));
        return add(start, n, [&](size_t i) { return std::bit_cast<uint64_t>(values[i]); });
      }
      case ColumnType::kBool: {
        std::array<uint8_t, kVectorRows> values;
        TOCSIN_RETURN_IF_ERROR(from_.read_bool(start, std::span(values).first(n)));
        return add(start, n, [&](size_t i) { return uint64_t{values[i]}; });
      }
      case ColumnType::kString:
        return from_.has_dictionary() ? copy_codes(start, n) : copy_text(start, n);
    }
    return {};
  }

  template <class Bits>
  Status add(size_t start, size_t n, Bits bits) {
    for (size_t i = 0; i < n; ++i) {
      if (valid_[i]) to_.add_bits(base_ + static_cast<uint32_t>(start + i), bits(i));
    }
    return {};
  }

  Status copy_codes(size_t start, size_t n) {
    TOCSIN_TRY(auto entries, from_.entries());
    new_codes_.resize(entries.size(), UINT32_MAX);
    std::array<uint32_t, kVectorRows> codes;
    TOCSIN_RETURN_IF_ERROR(from_.read_codes(start, std::span(codes).first(n)));
    for (size_t i = 0; i < n; ++i) {
      if (!valid_[i]) continue;
      uint32_t& code = new_codes_[codes[i]];
      if (code == UINT32_MAX) code = to_.add_entry(entries[codes[i]]);
      to_.add_code(base_ + static_cast<uint32_t>(start + i), code);
    }
    return {};
  }

  Status copy_text(size_t start, size_t n) {
    rows_.clear();
    for (size_t i = 0; i < n; ++i) {
      if (valid_[i]) rows_.push_back(static_cast<uint32_t>(start + i));
    }
    TOCSIN_RETURN_IF_ERROR(from_.read_strings(rows_, strings_));
    for (size_t i = 0; i < rows_.size(); ++i) to_.add_text(base_ + rows_[i], strings_.values[i]);
    return {};
  }

  const SegmentColumn& from_;
  ColumnBuilder& to_;
  const uint32_t base_;
  std::array<uint8_t, kVectorRows> valid_;
  std::vector<uint32_t> new_codes_;
  std::vector<uint32_t> rows_;
  StringVector strings_;
};

}  // namespace

uint32_t SegmentBuilder::add_rows(std::span<const Timestamp> times) {
  const auto base = static_cast<uint32_t>(times_.size());
  times_.insert(times_.end(), times.begin(), times.end());
  return base;
}

uint32_t SegmentBuilder::add_row(Timestamp time) {
  times_.push_back(time);
  return static_cast<uint32_t>(times_.size() - 1);
}

ColumnBuilder& SegmentBuilder::column(const Column& column) & {
  auto [it, added] = column_index_.emplace(column.id, columns_.size());
  if (added) columns_.push_back(std::make_unique<ColumnBuilder>(column));
  ColumnBuilder& builder = *columns_[it->second];
  if (builder.column().type != column.type) builder.widen_to_f64();
  return builder;
}

Status SegmentBuilder::append(const Segment& segment, std::span<const Column> columns) {
  const size_t row_count = segment.info().row_count;
  const auto base = static_cast<uint32_t>(times_.size());
  times_.resize(base + row_count);
  TOCSIN_RETURN_IF_ERROR(segment.read_times(0, std::span(times_).subspan(base)));
  for (const Column& schema_column : columns) {
    TOCSIN_TRY(const SegmentColumn* source, segment.column(schema_column));
    if (source == nullptr) continue;
    ColumnCopy copy(*source, column(schema_column), base);
    TOCSIN_RETURN_IF_ERROR(copy.run(row_count));
  }
  return {};
}

size_t SegmentBuilder::memory_bytes() const {
  size_t bytes = times_.capacity() * sizeof(Timestamp);
  for (const auto& column : columns_) bytes += column->memory_bytes();
  return bytes;
}

size_t SegmentBuilder::raw_bytes() const {
  size_t bytes = times_.size() * sizeof(Timestamp);
  for (const auto& column : columns_) bytes += column->raw_bytes();
  return bytes;
}

void SegmentBuilder::sort() {
  RowOrder order;
  if (!std::is_sorted(times_.begin(), times_.end())) {
    order.old_rows = order_by_time(times_);
    order.new_rows.resize(times_.size());
    std::vector<Timestamp> sorted(times_.size());
    for (uint32_t row = 0; row < times_.size(); ++row) {
      order.new_rows[order.old_rows[row]] = row;
      sorted[row] = times_[order.old_rows[row]];
    }
    times_ = std::move(sorted);
  }
  all_rows_.resize(times_.size());
  std::iota(all_rows_.begin(), all_rows_.end(), 0);
  for (auto& column : columns_) column->sort(order, all_rows_);
  std::sort(columns_.begin(), columns_.end(),
            [](const auto& a, const auto& b) { return a->column().id < b->column().id; });
  for (size_t i = 0; i < columns_.size(); ++i) column_index_[columns_[i]->column().id] = i;
}

std::vector<EncodedSegment> SegmentBuilder::finish(uint64_t commit_number, bool compress) {
  std::vector<EncodedSegment> segments;
  if (times_.empty()) return segments;
  sort();
  const size_t bytes_per_row = std::max<size_t>(1, raw_bytes() / times_.size());
  const size_t rows_max = std::clamp<size_t>(kSegmentBytesMax / bytes_per_row, 1, kSegmentRowsMax);
  const size_t pieces = (times_.size() + rows_max - 1) / rows_max;
  for (size_t i = 0; i < pieces; ++i) {
    const auto start = static_cast<uint32_t>(times_.size() * i / pieces);
    const auto end = static_cast<uint32_t>(times_.size() * (i + 1) / pieces);
    segments.push_back(encode(start, end, commit_number, compress));
  }
  return segments;
}

EncodedSegment SegmentBuilder::encode(uint32_t start, uint32_t end, uint64_t commit_number,
                                      bool compress) {
  const RowSlice slice{start, end, times_};
  // Most columns shrink further; the builder grows for the others.
  const size_t raw_size = raw_bytes() / times_.size() * (end - start);
  flatbuffers::FlatBufferBuilder builder(raw_size / kUsualShrinkage + 64 * kKiB);

  std::vector<uint64_t> times(times_.begin() + start, times_.begin() + end);
  std::vector<uint8_t> stream;
  encode_packed(times, stream);
  const WrittenBuffer times_buffer = write_buffer(builder, stream);
  std::vector<ColumnWriter> writers;
  for (const auto& column : columns_) {
    ColumnWriter& writer = writers.emplace_back();
    if (!writer.write_buffers(builder, *column, slice, compress)) writers.pop_back();
  }
  // FlatBuffers grow towards the front: so far only buffers are written, and everything that
  // follows is placed before them.
  const size_t buffers_size = builder.GetSize();

  std::vector<flatbuffers::Offset<format::Column>> columns;
  columns.reserve(writers.size());
  for (const ColumnWriter& writer : writers) columns.push_back(writer.write_table(builder));
  auto columns_offset = builder.CreateVector(columns);
  auto times_offset = write_buffer_table(builder, times_buffer);
  auto name_offset = builder.CreateString(name_);
  auto sealed_from = write_ids(builder, lineage_.sealed_from);
  auto replaces = write_ids(builder, lineage_.replaces);
  auto ancestors = write_ids(builder, lineage_.ancestors);
  auto root = format::CreateSegment(builder, kSegmentFormat, measurement_, name_offset, partition_,
                                    end - start, times_[start], times_[end - 1], commit_number,
                                    times_offset, columns_offset, sealed_from, replaces, ancestors);
  format::FinishSegmentBuffer(builder, root);

  EncodedSegment segment;
  segment.bytes = AlignedBytes(ByteView(builder.GetBufferPointer(), builder.GetSize()));
  segment.metadata_size = static_cast<uint32_t>(builder.GetSize() - buffers_size);
  segment.row_count = end - start;
  segment.min_time = times_[start];
  segment.max_time = times_[end - 1];
  segment.raw_size = raw_size;
  return segment;
}

}  // namespace tocsin
