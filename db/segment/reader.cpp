#include "db/segment/reader.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "db/base/check.h"
#include "db/limits.h"
#include "db/segment/buffer.h"
#include "db/segment/column_reader.h"
#include "db/segment/file.h"
#include "db/segment/format.h"
#include "db/segment/inspection.h"
#include "db/segment/opened_once.h"
#include "segment_generated.h"

namespace tocsin {
namespace {

tl::unexpected<Error> damaged(const SegmentInfo& info, const std::string& fault) {
  return fail(ErrorCode::kCorrupt,
              fmt::format("segment {} is damaged: {}; see `tocsin verify` and `tocsin repair`",
                          info.name, fault));
}

/// The verified metadata of a segment, and its columns' readers. Borrows `info` and the bytes. Safe
/// for concurrent readers.
class SegmentMetadata {
 public:
  static Result<std::unique_ptr<SegmentMetadata>> open(const SegmentInfo& info,
                                                       const SegmentBytes& bytes);

  const format::Segment& root() const { return root_; }
  const SegmentBuffers& buffers() const { return buffers_; }
  /// Null if the segment does not have the column.
  Result<const SegmentColumn*> column(const Column& column) const;

 private:
  SegmentMetadata(const SegmentInfo& info, const SegmentBytes& segment, const format::Segment& root)
      : info_(info), root_(root), buffers_(segment.bytes, root, segment.mapping != nullptr) {}

  static Status check(const SegmentInfo& info, const format::Segment& root);

  const SegmentInfo& info_;
  const format::Segment& root_;
  const SegmentBuffers buffers_;
  // By the type that they read the column as. With its own synchronisation.
  OpenedByKey<std::pair<ColumnId, ColumnType>, ColumnReader> columns_;
};

Result<std::unique_ptr<SegmentMetadata>> SegmentMetadata::open(const SegmentInfo& info,
                                                               const SegmentBytes& segment) {
  const ByteView bytes = segment.bytes;
  if (segment.metadata_size > bytes.size() ||
      checksum(bytes.first(segment.metadata_size)) != segment.metadata_checksum) {
    return damaged(info, "its metadata do not match their checksum");
  }
  if (reinterpret_cast<uintptr_t>(bytes.data()) % 64 != 0) {
    return damaged(info, "it does not start on a 64-byte boundary");
  }
  // Only the metadata: the buffers after them are not touched before they are read.
  flatbuffers::Verifier verifier(bytes.data(), segment.metadata_size);
  if (!format::VerifySegmentBuffer(verifier)) {
    return damaged(info, "it is not a valid FlatBuffer");
  }
  const format::Segment* root = format::GetSegment(bytes.data());
  if (root->format() > kSegmentFormat) {
    return fail(ErrorCode::kUnsupported,
                fmt::format("segment {} has format {}, this version reads up to {}; use a later "
                            "version of tocsin",
                            info.name, root->format(), kSegmentFormat));
  }
  TOCSIN_RETURN_IF_ERROR(check(info, *root));
  return std::unique_ptr<SegmentMetadata>(new SegmentMetadata(info, segment, *root));
}

Status SegmentMetadata::check(const SegmentInfo& info, const format::Segment& root) {
  if (root.measurement_id() != info.measurement || root.partition() != info.partition ||
      root.row_count() != info.row_count || root.min_time() != info.min_time ||
      root.max_time() != info.max_time) {
    return damaged(info, "its metadata contradict the catalog");
  }
  // FlatBuffers' verifier checks the alignment of a vector's length, but not that of its items.
  for (const auto* ids : {root.sealed_from(), root.replaces(), root.ancestors()}) {
    if (ids != nullptr && reinterpret_cast<uintptr_t>(ids->data()) % sizeof(uint64_t) != 0) {
      return damaged(info, "a list of segments does not start on an 8-byte boundary");
    }
  }
  if (root.columns() == nullptr) return damaged(info, "it has no list of columns");
  for (const format::Column* column : *root.columns()) {
    if (column->name() == nullptr) return damaged(info, "a column has no name");
  }
  return {};
}

Result<const SegmentColumn*> SegmentMetadata::column(const Column& column) const {
  const auto& stored = *root_.columns();
  const auto at =
      std::lower_bound(stored.begin(), stored.end(), column.id,
                       [](const format::Column* c, ColumnId wanted) { return c->id() < wanted; });
  if (at == stored.end() || at->id() != column.id) return nullptr;
  return columns_.get(std::pair(column.id, column.type),
                      [&] { return ColumnReader::open(info_, buffers_, **at, column.type); });
}

class SegmentReader final : public Segment {
 public:
  SegmentReader(SegmentInfo info, SegmentBytes bytes)
      : info_(std::move(info)), bytes_(std::move(bytes)) {}

  const SegmentInfo& info() const override { return info_; }

  Status read_times(size_t start, std::span<Timestamp> out) const override {
    TOCSIN_CHECK(start + out.size() <= info_.row_count);
    TOCSIN_TRY(const PackedIntegers* times, this->times());
    times->read(start, out.size(), out.data());
    return {};
  }

  Result<std::pair<uint32_t, uint32_t>> rows_in(TimeRange range) const override {
    if (range.start <= info_.min_time && info_.max_time < range.end) {
      return std::pair<uint32_t, uint32_t>(0, info_.row_count);
    }
    TOCSIN_TRY(const PackedIntegers* times, this->times());
    const auto first_at = [&](Timestamp limit) -> uint32_t {
      if (limit <= info_.min_time) return 0;
      if (limit > info_.max_time) return info_.row_count;
      return static_cast<uint32_t>(times->lower_bound(limit));
    };
    const uint32_t start = first_at(range.start);
    return std::pair(start, std::max(start, first_at(range.end)));
  }

  Result<const SegmentColumn*> column(const Column& column) const override {
    TOCSIN_TRY(const SegmentMetadata* metadata, this->metadata());
    return metadata->column(column);
  }

  Result<SegmentInspection> inspect() const override {
    TOCSIN_TRY(const SegmentMetadata* metadata, this->metadata());
    return inspect_segment(metadata->root(), metadata->buffers(), bytes_.metadata_size);
  }

  Status check_intact() const override {
    if (bytes_.mapping == nullptr || !bytes_.mapping->is_damaged()) return {};
    return damaged(info_, "part of its file could not be read");
  }

 private:
  Result<const SegmentMetadata*> metadata() const {
    return metadata_.get([this] { return SegmentMetadata::open(info_, bytes_); });
  }
  Result<const PackedIntegers*> times() const {
    return times_.get([this] { return open_times(); });
  }
  Result<std::unique_ptr<PackedIntegers>> open_times() const {
    TOCSIN_TRY(const SegmentMetadata* metadata, this->metadata());
    TOCSIN_TRY(const ByteView bytes,
               metadata->buffers().open(metadata->root().times(), info_.name, "time"));
    auto times = std::make_unique<PackedIntegers>();
    if (!times->open(bytes, info_.row_count)) {
      return damaged(info_, "`time` is not a valid integer stream");
    }
    return times;
  }

  const SegmentInfo info_;
  const SegmentBytes bytes_;

  // With their own synchronisation.
  OpenedOnce<SegmentMetadata> metadata_;
  OpenedOnce<PackedIntegers> times_;
};

}  // namespace

std::shared_ptr<const Segment> open_segment(SegmentInfo info, SegmentBytes bytes) {
  return std::make_shared<SegmentReader>(std::move(info), std::move(bytes));
}

}  // namespace tocsin
