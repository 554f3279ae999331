// One column of a segment under construction, in the column's stored type.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "db/encoding/string_pool.h"
#include "db/schema/lane_strings.h"
#include "db/schema/schema.h"

namespace tocsin {

/// A permutation that sorts rows by time. Both are empty if the rows are in order already.
struct RowOrder {
  std::vector<uint32_t> old_rows;  ///< by new row
  std::vector<uint32_t> new_rows;  ///< by old row
};

/// Values of the rows that have one. Not thread-safe.
class ColumnBuilder {
 public:
  explicit ColumnBuilder(const Column& column) : column_(column) {}

  const Column& column() const& { return column_; }
  const Column& column() const&& = delete;
  size_t value_count() const {
    return column_.type == ColumnType::kString ? codes_.size() : bits_.size();
  }

  /// `bits` is the bit pattern of the int64, uint64 or double; a bool is 0 or 1. A row may be set
  /// twice (the last value wins), and rows may be added in any order.
  void add_bits(uint32_t row, uint64_t bits) {
    add_row(row);
    bits_.push_back(bits);
  }
  void add_text(uint32_t row, std::string_view text) {
    add_row(row);
    codes_.push_back(pool_.add(text));
    text_bytes_ += text.size();
  }
  /// Adds a string that the pool already has. Requires: add_entry() returned `code`.
  void add_code(uint32_t row, uint32_t code) {
    add_row(row);
    codes_.push_back(code);
    text_bytes_ += pool_.entry(code).size();
  }
  uint32_t add_entry(std::string_view text) { return pool_.add(text); }
  /// Adds many values, of the rows base + rows[i]. Requires: `rows` ascends strictly.
  void add_bits(uint32_t base, std::span<const uint32_t> rows, std::span<const uint64_t> bits);
  /// The same for strings; `codes` are indexes into `strings`.
  void add_texts(uint32_t base, std::span<const uint32_t> rows, const LaneStrings& strings,
                 std::span<const uint32_t> codes);
  void reserve(size_t more);

  /// Turns the integers added so far into floats. Requires: type kI64 or kU64.
  void widen_to_f64();

  /// Sorts the values by their new rows and keeps one per row. `all_rows` are the numbers 0, 1, ...
  /// of all rows; they must live as long as rows() is used.
  void sort(const RowOrder& order, std::span<const uint32_t> all_rows);

  // After sort(): rows ascend strictly.
  std::span<const uint32_t> rows() const& {
    return dense_ ? all_rows_.first(value_count()) : std::span<const uint32_t>(rows_);
  }
  std::span<const uint32_t> rows() const&& = delete;
  std::span<const uint64_t> bits() const& { return bits_; }
  std::span<const uint64_t> bits() const&& = delete;
  std::span<const uint32_t> codes() const& { return codes_; }
  std::span<const uint32_t> codes() const&& = delete;
  const StringPool& pool() const& { return pool_; }
  const StringPool& pool() const&& = delete;

  size_t memory_bytes() const;
  /// Roughly the bytes of the values before any encoding.
  size_t raw_bytes() const { return value_count() * sizeof(uint64_t) + text_bytes_; }

 private:
  // Records the row of the next value.
  void add_row(uint32_t row) {
    if (dense_) {
      if (row == value_count()) return;
      list_rows();
    }
    rows_.push_back(row);
  }
  void add_rows(uint32_t base, std::span<const uint32_t> rows);
  void list_rows();
  void pick(std::span<const uint32_t> order);
  bool rows_ascend() const;

  Column column_;
  bool dense_ = true;            // value i belongs to row i; else to row rows_[i]
  std::vector<uint32_t> rows_;   // empty while dense
  std::vector<uint64_t> bits_;   // all types but string
  std::vector<uint32_t> codes_;  // strings: into pool_
  StringPool pool_;
  size_t text_bytes_ = 0;
  std::span<const uint32_t> all_rows_;
};

}  // namespace tocsin
