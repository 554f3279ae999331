// Which rows of a column have a value.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "db/encoding/packed.h"
#include "db/segment/stored_column.h"

namespace tocsin {

/// The null map of a column that has nulls: a bitmap, or for few values a list of rows. Immutable;
/// borrows the segment's bytes.
class NullMap {
 public:
  /// kCorrupt if the map contradicts the number of rows or values.
  static Result<std::unique_ptr<NullMap>> open(const StoredColumn& column);

  /// Sets out[i] to 1 if row start + i has a value, else to 0. Returns the number of values in
  /// earlier rows: the index of the first value in the range.
  /// Requires: start + out.size() <= the column's rows, and `out` is not empty.
  size_t read(size_t start, std::span<uint8_t> out) const;
  /// Replaces `values` by the value index of each row; UINT32_MAX for a null row. False if the map
  /// is damaged. Requires: `rows` ascend and are below the column's rows.
  bool values_of_rows(std::span<const uint32_t> rows, std::vector<uint32_t>& values) const;

 private:
  Status open_bitmap(const StoredColumn& column);
  Status open_rows(const StoredColumn& column);

  size_t row_count_ = 0;
  size_t value_count_ = 0;
  // A bitmap, and the number of values before each vector of kVectorRows rows ...
  std::span<const uint64_t> bits_;
  std::span<const uint32_t> ranks_;
  // ... or, without a bitmap, the rows that have a value, ascending.
  PackedIntegers rows_;
};

}  // namespace tocsin
