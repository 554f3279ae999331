#include "db/segment/column_builder.h"

#include <algorithm>
#include <bit>
#include <functional>
#include <numeric>

#include "db/base/check.h"
#include "db/limits.h"

namespace tocsin {
namespace {

constexpr uint32_t kNone = UINT32_MAX;

template <class T>
void pick_values(std::vector<T>& values, std::span<const uint32_t> order) {
  std::vector<T> picked(order.size());
  for (size_t i = 0; i < order.size(); ++i) picked[i] = values[order[i]];
  values = std::move(picked);
}

/// The rows of a full builder of an import: kSmallSegmentRows plus the rest of a batch.
constexpr size_t kFullBuilderRows = kSmallSegmentRows + kSmallSegmentRows / 8;

/// Grows geometrically even if asked for a little more each time. Past a quarter of a full builder
/// it grows to a full one at once, because more is rarely needed.
template <class T>
void reserve_more(std::vector<T>& values, size_t more) {
  if (values.capacity() - values.size() >= more) return;
  size_t wanted = std::max(values.size() + more, values.capacity() * 2);
  if (wanted > kFullBuilderRows / 4 && wanted < kFullBuilderRows) wanted = kFullBuilderRows;
  values.reserve(wanted);
}

}  // namespace

void ColumnBuilder::reserve(size_t more) {
  if (!dense_) reserve_more(rows_, more);
  if (column_.type == ColumnType::kString) {
    reserve_more(codes_, more);
  } else {
    reserve_more(bits_, more);
  }
}

void ColumnBuilder::list_rows() {
  rows_.resize(value_count());
  std::iota(rows_.begin(), rows_.end(), 0);
  dense_ = false;
}

void ColumnBuilder::add_rows(uint32_t base, std::span<const uint32_t> rows) {
  if (dense_) {
    // Rows ascend strictly, so their first and last tell whether they are consecutive.
    const bool consecutive = rows.back() - rows.front() + 1 == rows.size();
    if (consecutive && base + rows.front() == value_count()) return;
    list_rows();
  }
  for (const uint32_t row : rows) rows_.push_back(base + row);
}

void ColumnBuilder::add_bits(uint32_t base, std::span<const uint32_t> rows,
                             std::span<const uint64_t> bits) {
  if (rows.empty()) return;
  reserve(rows.size());
  add_rows(base, rows);
  bits_.insert(bits_.end(), bits.begin(), bits.end());
}

void ColumnBuilder::add_texts(uint32_t base, std::span<const uint32_t> rows,
                              const LaneStrings& strings, std::span<const uint32_t> codes) {
  if (rows.empty()) return;
  reserve(rows.size());
  add_rows(base, rows);
  std::vector<uint32_t> pool_code(strings.size(), kNone);
  constexpr size_t kPrefetchAhead = 8;  // the pool of ids is larger than the caches
  for (size_t i = 0; i < codes.size(); ++i) {
    if (i + kPrefetchAhead < codes.size()) {
      pool_.prefetch(strings.entry(codes[i + kPrefetchAhead]).hash);
    }
    const uint32_t code = codes[i];
    const LaneStrings::Entry& entry = strings.entry(code);
    uint32_t& own = pool_code[code];
    if (own == kNone) own = pool_.add(entry.text(), entry.hash);
    codes_.push_back(own);
    text_bytes_ += entry.size;
  }
}

void ColumnBuilder::widen_to_f64() {
  TOCSIN_CHECK(column_.type == ColumnType::kI64 || column_.type == ColumnType::kU64);
  const bool is_signed = column_.type == ColumnType::kI64;
  for (uint64_t& bits : bits_) {
    const double value =
        is_signed ? static_cast<double>(static_cast<int64_t>(bits)) : static_cast<double>(bits);
    bits = std::bit_cast<uint64_t>(value);
  }
  column_.type = ColumnType::kF64;
}

bool ColumnBuilder::rows_ascend() const {
  return std::adjacent_find(rows_.begin(), rows_.end(), std::greater_equal<>()) == rows_.end();
}

void ColumnBuilder::pick(std::span<const uint32_t> order) {
  if (column_.type == ColumnType::kString) {
    pick_values(codes_, order);
  } else {
    pick_values(bits_, order);
  }
}

void ColumnBuilder::sort(const RowOrder& order, std::span<const uint32_t> all_rows) {
  all_rows_ = all_rows;
  if (dense_ && order.old_rows.empty()) return;
  if (dense_ && value_count() == all_rows.size()) return pick(order.old_rows);
  if (dense_) list_rows();
  if (!order.new_rows.empty()) {
    for (uint32_t& row : rows_) row = order.new_rows[row];
  }
  if (rows_ascend()) return;
  // The index of each row's value. Written in order, so that the last of several wins.
  std::vector<uint32_t> value_of_row(all_rows.size(), kNone);
  for (uint32_t i = 0; i < rows_.size(); ++i) value_of_row[rows_[i]] = i;
  std::vector<uint32_t> picked;
  picked.reserve(rows_.size());
  rows_.clear();
  for (uint32_t row = 0; row < all_rows.size(); ++row) {
    if (value_of_row[row] == kNone) continue;
    picked.push_back(value_of_row[row]);
    rows_.push_back(row);
  }
  pick(picked);
}

size_t ColumnBuilder::memory_bytes() const {
  return rows_.capacity() * sizeof(uint32_t) + bits_.capacity() * sizeof(uint64_t) +
         codes_.capacity() * sizeof(uint32_t) + pool_.memory_bytes() + sizeof *this;
}

}  // namespace tocsin
