#include "db/schema/batch.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace tocsin {
namespace {

constexpr size_t kCopyBlockBytes = 64 * 1024;

}  // namespace

void RowBatch::pop_value(Lane& lane) {
  lane.rows.pop_back();
  if (lane.type == ColumnType::kString) {
    lane.codes.pop_back();
    return;
  }
  lane.text.pop_back();
  switch (lane.type) {
    case ColumnType::kI64:
    case ColumnType::kBool: lane.i64.pop_back(); break;
    case ColumnType::kU64: lane.u64.pop_back(); break;
    case ColumnType::kF64: lane.f64.pop_back(); break;
    case ColumnType::kString: break;
  }
}

void RowBatch::abandon_row() {
  const auto row = static_cast<uint32_t>(times_.size() - 1);
  for (Lane& lane : lanes_) {
    if (!lane.rows.empty() && lane.rows.back() == row) pop_value(lane);
  }
  times_.pop_back();
  lines_.pop_back();
}

size_t RowBatch::lane(std::string_view name, ColumnType type, ColumnKind kind, size_t hint) {
  if (hint < lanes_.size()) {
    const Lane& guess = lanes_[hint];
    if (guess.type == type && guess.kind == kind && guess.name == name) return hint;
  }
  return find_or_add_lane(name, type, kind);
}

size_t RowBatch::find_or_add_lane(std::string_view name, ColumnType type, ColumnKind kind) {
  auto [begin, end] = lanes_by_name_.equal_range(name);
  for (auto it = begin; it != end; ++it) {
    const Lane& lane = lanes_[it->second];
    if (lane.type == type && lane.kind == kind) return it->second;
  }
  Lane& lane = lanes_.emplace_back();
  lane.name = name;
  lane.type = type;
  lane.kind = kind;
  lanes_by_name_.emplace(lane.name, lanes_.size() - 1);
  return lanes_.size() - 1;
}

size_t RowBatch::byte_size() const {
  size_t bytes = times_.size() * (sizeof(Timestamp) + sizeof(std::string_view));
  for (const Lane& lane : lanes_) {
    bytes += sizeof(Lane) + lane.name.size();
    bytes += lane.rows.size() * sizeof(uint32_t) + lane.codes.size() * sizeof(uint32_t);
    bytes += lane.text.size() * (sizeof(std::string_view) + sizeof(int64_t));
    bytes += lane.strings.memory_bytes();
  }
  return bytes;
}

Batch::Batch(Batch&& other) noexcept : policy_(other.policy_) { *this = std::move(other); }

Batch& Batch::operator=(Batch&& other) noexcept {
  policy_ = other.policy_;
  measurements_ = std::exchange(other.measurements_, {});
  by_name_ = std::exchange(other.by_name_, {});
  last_ = std::exchange(other.last_, nullptr);
  buffers_ = std::exchange(other.buffers_, {});
  blocks_ = std::exchange(other.blocks_, {});
  block_used_ = std::exchange(other.block_used_, 0);
  block_size_ = std::exchange(other.block_size_, 0);
  memory_bytes_ = std::exchange(other.memory_bytes_, 0);
  return *this;
}

RowBatch& Batch::rows_of(std::string_view measurement) {
  if (last_ != nullptr && last_->measurement() == measurement) return *last_;
  if (auto it = by_name_.find(measurement); it != by_name_.end()) {
    last_ = it->second;
    return *last_;
  }
  last_ = &measurements_.emplace_back(std::string(measurement));
  by_name_.emplace(last_->measurement(), last_);
  return *last_;
}

std::string_view Batch::keep(std::string buffer) {
  memory_bytes_ += buffer.capacity();
  return *buffers_.emplace_back(std::make_unique<std::string>(std::move(buffer)));
}

std::string_view Batch::keep(std::unique_ptr<char[]> buffer, size_t size) {
  memory_bytes_ += size;
  // At the front, because copy() fills the last block.
  return {blocks_.emplace_front(std::move(buffer)).get(), size};
}

std::string_view Batch::copy(std::string_view text) {
  if (text.empty()) return {};
  if (text.size() > block_size_ - block_used_) {
    block_size_ = std::max(text.size(), kCopyBlockBytes);
    block_used_ = 0;
    blocks_.push_back(std::make_unique_for_overwrite<char[]>(block_size_));
    memory_bytes_ += block_size_;
  }
  char* target = blocks_.back().get() + block_used_;
  std::memcpy(target, text.data(), text.size());
  block_used_ += text.size();
  return {target, text.size()};
}

size_t Batch::row_count() const {
  size_t rows = 0;
  for (const RowBatch& batch : measurements_) rows += batch.row_count();
  return rows;
}

size_t Batch::byte_size() const {
  size_t bytes = memory_bytes_;
  for (const RowBatch& batch : measurements_) bytes += batch.byte_size();
  return bytes;
}

}  // namespace tocsin
