#include "db/segment/null_map.h"

#include <algorithm>
#include <array>
#include <bit>

#include "db/base/check.h"
#include "db/encoding/bit_packing.h"
#include "db/limits.h"

namespace tocsin {

Result<std::unique_ptr<NullMap>> NullMap::open(const StoredColumn& column) {
  auto map = std::make_unique<NullMap>();
  map->row_count_ = column.row_count();
  map->value_count_ = column.value_count();
  TOCSIN_RETURN_IF_ERROR(column->valid_ranks() != nullptr ? map->open_bitmap(column)
                                                          : map->open_rows(column));
  return map;
}

Status NullMap::open_bitmap(const StoredColumn& column) {
  TOCSIN_TRY(bits_, column.open_array<uint64_t>(column->valid(), "valid", (row_count_ + 63) / 64));
  TOCSIN_TRY(ranks_, column.open_array<uint32_t>(column->valid_ranks(), "valid_ranks",
                                                 vector_count(row_count_)));
  constexpr size_t kVectorWords = kVectorRows / 64;
  size_t count = 0;
  for (size_t word = 0; word < bits_.size(); ++word) {
    if (word % kVectorWords == 0 && ranks_[word / kVectorWords] != count) {
      return column.damaged("the null map's ranks are wrong");
    }
    count += static_cast<size_t>(std::popcount(bits_[word]));
  }
  if (count != value_count_) {
    return column.damaged("the null map does not match the number of values");
  }
  return {};
}

Status NullMap::open_rows(const StoredColumn& column) {
  TOCSIN_TRY(ByteView bytes, column.open_bytes(column->valid(), "valid"));
  if (!rows_.open(bytes, value_count_)) {
    return column.damaged("`valid` is not a valid integer stream");
  }
  std::array<uint64_t, kVectorRows> rows;
  uint64_t row_min = 0;
  for (size_t start = 0; start < value_count_; start += kVectorRows) {
    const size_t n = std::min(kVectorRows, value_count_ - start);
    rows_.read(start, n, rows.data());
    for (size_t i = 0; i < n; ++i) {
      if (rows[i] < row_min || rows[i] >= row_count_) {
        return column.damaged("`valid` is not an ascending list of rows");
      }
      row_min = rows[i] + 1;
    }
  }
  return {};
}

size_t NullMap::read(size_t start, std::span<uint8_t> out) const {
  if (!bits_.empty()) {
    size_t rank = ranks_[start / kVectorRows];
    for (size_t word = start / kVectorRows * (kVectorRows / 64); word < start / 64; ++word) {
      rank += static_cast<size_t>(std::popcount(bits_[word]));
    }
    if (start % 64 != 0) {
      const uint64_t below = (uint64_t{1} << (start % 64)) - 1;
      rank += static_cast<size_t>(std::popcount(bits_[start / 64] & below));
    }
    for (size_t i = 0; i < out.size(); ++i) {
      out[i] = bits_[(start + i) / 64] >> ((start + i) % 64) & 1;
    }
    return rank;
  }
  std::fill(out.begin(), out.end(), 0);
  const size_t first = rows_.lower_bound(static_cast<int64_t>(start));
  const size_t last = rows_.lower_bound(static_cast<int64_t>(start + out.size()));
  std::array<uint64_t, kVectorRows> rows;
  for (size_t at = first; at < last; at += kVectorRows) {
    const size_t n = std::min(kVectorRows, last - at);
    rows_.read(at, n, rows.data());
    for (size_t i = 0; i < n; ++i) {
      if (rows[i] - start < out.size()) out[rows[i] - start] = 1;
    }
  }
  return first;
}

bool NullMap::values_of_rows(std::span<const uint32_t> rows, std::vector<uint32_t>& values) const {
  values.clear();
  values.reserve(rows.size());
  std::array<uint8_t, kVectorRows> valid;
  std::array<uint32_t, kVectorRows> value_of;
  for (size_t at = 0; at < rows.size();) {
    const size_t window = rows[at] / kVectorRows * kVectorRows;
    const size_t n = std::min(kVectorRows, row_count_ - window);
    auto next = static_cast<uint32_t>(read(window, std::span(valid).first(n)));
    for (size_t i = 0; i < n; ++i) {
      value_of[i] = valid[i] ? next : UINT32_MAX;
      next += valid[i];
    }
    if (next > value_count_) return false;
    for (; at < rows.size() && rows[at] < window + n; ++at) {
      TOCSIN_CHECK(rows[at] >= window);
      values.push_back(value_of[rows[at] - window]);
    }
  }
  return true;
}

}  // namespace tocsin
