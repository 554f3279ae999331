#include "db/column_builder.h"

#include <algorithm>
#include <bit>
#include <functional>

#include "db/base/check.h"

namespace tocsin {
namespace {

constexpr uint32_t kNone = UINT32_MAX;

template <class T>
void pick(std::vector<T>& values, std::span<const uint32_t> order) {
  std::vector<T> picked(order.size());
  for (size_t i = 0; i < order.size(); ++i) picked[i] = values[order[i]];
  values = std::move(picked);
}

/// Grows geometrically also when asked for a little more each time.
template <class T>
void reserve_more(std::vector<T>& values, size_t more) {
  if (values.capacity() - values.size() >= more) return;
  values.reserve(std::max(values.size() + more, values.capacity() * 2));
}

}  // namespace

void ColumnBuilder::reserve(size_t more) {
  reserve_more(rows_, more);
  if (column_.type == ColumnType::kString) {
    reserve_more(codes_, more);
  } else {
    reserve_more(bits_, more);
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

void ColumnBuilder::sort(std::span<const uint32_t> new_rows, size_t row_count,
                         std::vector<uint32_t>& scratch) {
  if (!new_rows.empty()) {
    for (uint32_t& row : rows_) row = new_rows[row];
  }
  if (rows_ascend()) return;
  // Where each row's value is: writing in order makes the last of several stay.
  std::vector<uint32_t>& value_of_row = scratch;
  value_of_row.assign(row_count, kNone);
  for (uint32_t i = 0; i < rows_.size(); ++i) value_of_row[rows_[i]] = i;
  std::vector<uint32_t> order;
  order.reserve(rows_.size());
  rows_.clear();
  for (uint32_t row = 0; row < row_count; ++row) {
    if (value_of_row[row] == kNone) continue;
    order.push_back(value_of_row[row]);
    rows_.push_back(row);
  }
  if (column_.type == ColumnType::kString) {
    pick(codes_, order);
  } else {
    pick(bits_, order);
  }
}

size_t ColumnBuilder::memory_bytes() const {
  return rows_.capacity() * sizeof(uint32_t) + bits_.capacity() * sizeof(uint64_t) +
         codes_.capacity() * sizeof(uint32_t) + pool_.memory_bytes() + sizeof *this;
}

}  // namespace tocsin
