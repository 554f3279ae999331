#include "db/segment/reader.h"

#include <algorithm>
#include <atomic>
#include <map>
#include <mutex>

#include <fmt/format.h>

#include "db/base/check.h"
#include "db/limits.h"
#include "db/segment/buffer.h"
#include "db/segment/column_reader.h"
#include "db/segment/file.h"
#include "db/segment/format.h"
#include "db/segment/inspection.h"
#include "segment_generated.h"

namespace tocsin {
namespace {

class SegmentReader final : public Segment {
 public:
  SegmentReader(SegmentInfo info, SegmentBytes bytes)
      : info_(std::move(info)), bytes_(std::move(bytes)) {}

  const SegmentInfo& info() const override { return info_; }

  Status read_times(size_t start, std::span<Timestamp> out) const override {
    TOCSIN_CHECK(start + out.size() <= info_.row_count);
    TOCSIN_RETURN_IF_ERROR(ensure_times());
    times_.read(start, out.size(), out.data());
    return {};
  }

  Result<std::pair<uint32_t, uint32_t>> rows_in(TimeRange range) const override {
    if (range.start <= info_.min_time && info_.max_time < range.end) {
      return std::pair<uint32_t, uint32_t>(0, info_.row_count);
    }
    TOCSIN_RETURN_IF_ERROR(ensure_times());
    const auto first_at = [&](Timestamp limit) -> uint32_t {
      if (limit <= info_.min_time) return 0;
      if (limit > info_.max_time) return info_.row_count;
      return static_cast<uint32_t>(times_.lower_bound(limit));
    };
    const uint32_t start = first_at(range.start);
    return std::pair(start, std::max(start, first_at(range.end)));
  }

  Result<const SegmentColumn*> column(const Column& column) const override {
    std::lock_guard lock(mutex_);
    TOCSIN_RETURN_IF_ERROR(open_metadata());
    const auto key = std::pair(column.id, column.type);
    if (auto it = columns_.find(key); it != columns_.end()) return it->second.get();
    const format::Column* stored = find(column.id);
    if (stored == nullptr) return nullptr;
    TOCSIN_TRY(auto reader, ColumnReader::open(info_, buffers_, *stored, column.type));
    return columns_.emplace(key, std::move(reader)).first->second.get();
  }

  Result<SegmentInspection> inspect() const override {
    std::lock_guard lock(mutex_);
    TOCSIN_RETURN_IF_ERROR(open_metadata());
    return inspect_segment(*root_, buffers_, bytes_.metadata_size);
  }

  Status check_intact() const override {
    if (bytes_.mapping == nullptr || !bytes_.mapping->is_damaged()) return {};
    return damaged("its file could not be read to its end");
  }

 private:
  tl::unexpected<Error> damaged(const std::string& what) const {
    return fail(ErrorCode::kCorrupt,
                fmt::format("segment {} is damaged: {}; see `tocsin verify` and `tocsin repair`",
                            info_.name, what));
  }

  // Requires: mutex_ is held.
  Status open_metadata() const {
    if (root_ != nullptr) return {};
    if (bytes_.metadata_size > bytes_.bytes.size() ||
        checksum(bytes_.bytes.first(bytes_.metadata_size)) != bytes_.metadata_checksum) {
      return damaged("its metadata do not match their checksum");
    }
    if (reinterpret_cast<uintptr_t>(bytes_.bytes.data()) % 64 != 0) {
      return damaged("it does not start on a boundary of 64 bytes");
    }
    // Only these: the buffers behind them are not touched before they are read.
    flatbuffers::Verifier verifier(bytes_.bytes.data(), bytes_.metadata_size);
    if (!format::VerifySegmentBuffer(verifier)) return damaged("it is no valid FlatBuffer");
    const format::Segment* root = format::GetSegment(bytes_.bytes.data());
    if (root->format() > kSegmentFormat) {
      return fail(ErrorCode::kUnsupported,
                  fmt::format("segment {} has format {}, this version reads up to {}; use a later "
                              "version of tocsin",
                              info_.name, root->format(), kSegmentFormat));
    }
    TOCSIN_RETURN_IF_ERROR(check(*root));
    buffers_ = SegmentBuffers(bytes_.bytes, *root);
    root_ = root;
    return {};
  }

  Status check(const format::Segment& root) const {
    if (root.measurement_id() != info_.measurement || root.partition() != info_.partition ||
        root.row_count() != info_.row_count || root.min_time() != info_.min_time ||
        root.max_time() != info_.max_time) {
      return damaged("its metadata contradict the catalog");
    }
    // FlatBuffers' verifier aligns the length of a vector, but not what follows it.
    for (const auto* ids : {root.sealed_from(), root.replaces(), root.ancestors()}) {
      if (ids != nullptr && reinterpret_cast<uintptr_t>(ids->data()) % sizeof(uint64_t) != 0) {
        return damaged("a list of segments does not start on a boundary of 8 bytes");
      }
    }
    if (root.columns() == nullptr) return damaged("it has no list of columns");
    for (const format::Column* column : *root.columns()) {
      if (column->name() == nullptr) return damaged("a column has no name");
    }
    return {};
  }

  Status ensure_times() const {
    if (times_ready_.load(std::memory_order_acquire)) return {};
    std::lock_guard lock(mutex_);
    if (times_ready_.load(std::memory_order_relaxed)) return {};
    TOCSIN_RETURN_IF_ERROR(open_metadata());
    TOCSIN_TRY(ByteView bytes, buffers_.open(root_->times(), info_.name, "time"));
    if (!times_.open(bytes, info_.row_count)) return damaged("time is no integer stream");
    times_ready_.store(true, std::memory_order_release);
    return {};
  }

  const format::Column* find(ColumnId id) const {
    const auto& columns = *root_->columns();
    auto it =
        std::lower_bound(columns.begin(), columns.end(), id,
                         [](const format::Column* c, ColumnId wanted) { return c->id() < wanted; });
    return it != columns.end() && it->id() == id ? *it : nullptr;
  }

  const SegmentInfo info_;
  const SegmentBytes bytes_;

  mutable std::mutex mutex_;  // guards what is opened on first use
  mutable const format::Segment* root_ = nullptr;
  mutable SegmentBuffers buffers_;  // constant once root_ is set
  mutable std::map<std::pair<ColumnId, ColumnType>, std::unique_ptr<ColumnReader>> columns_;
  mutable std::atomic<bool> times_ready_{false};
  mutable PackedIntegers times_;  // constant once times_ready_
};

}  // namespace

std::shared_ptr<const Segment> open_segment(SegmentInfo info, SegmentBytes bytes) {
  return std::make_shared<SegmentReader>(std::move(info), std::move(bytes));
}

}  // namespace tocsin
