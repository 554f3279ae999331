// One column of a segment under construction, in the column's stored type.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "db/schema.h"
#include "db/string_pool.h"

namespace tocsin {

/// Values of the rows that have one. Not thread-safe.
class ColumnBuilder {
 public:
  explicit ColumnBuilder(const Column& column) : column_(column) {}

  const Column& column() const { return column_; }
  size_t value_count() const { return rows_.size(); }

  /// `bits` is the int64, uint64 or double as it lies in memory; a bool is 0 or 1.
  /// A row may be set twice (the last one stays) and rows may come in any order.
  void add_bits(uint32_t row, uint64_t bits) {
    rows_.push_back(row);
    bits_.push_back(bits);
  }
  void add_text(uint32_t row, std::string_view text) {
    rows_.push_back(row);
    codes_.push_back(pool_.add(text));
    text_bytes_ += text.size();
  }
  /// Adds a string that this pool has already: `code` came from `add_entry`.
  void add_code(uint32_t row, uint32_t code) {
    rows_.push_back(row);
    codes_.push_back(code);
    text_bytes_ += pool_.entry(code).size();
  }
  uint32_t add_entry(std::string_view text) { return pool_.add(text); }
  void reserve(size_t more);

  /// Turns the integers added so far into floats. Requires: type kI64 or kU64.
  void widen_to_f64();

  /// Puts the values in ascending order of their new rows, one per row. `new_rows[r]` is the new
  /// place of row r, or empty when rows keep their places. `scratch` is reused memory.
  void sort(std::span<const uint32_t> new_rows, size_t row_count, std::vector<uint32_t>& scratch);

  // After sort(): rows ascend strictly.
  std::span<const uint32_t> rows() const { return rows_; }
  std::span<const uint64_t> bits() const { return bits_; }
  std::span<const uint32_t> codes() const { return codes_; }
  const StringPool& pool() const { return pool_; }

  size_t memory_bytes() const;
  /// Roughly the bytes of the values before any encoding.
  size_t raw_bytes() const { return rows_.size() * sizeof(uint64_t) + text_bytes_; }

 private:
  bool rows_ascend() const;

  Column column_;
  std::vector<uint32_t> rows_;
  std::vector<uint64_t> bits_;   // all types but string
  std::vector<uint32_t> codes_;  // strings: into pool_
  StringPool pool_;
  size_t text_bytes_ = 0;
};

}  // namespace tocsin
