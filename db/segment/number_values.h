// The values of a column of numbers or bools, and the codes of a dictionary.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "db/encoding/integer.h"
#include "db/segment/format.h"
#include "db/segment/stored_column.h"

namespace tocsin {

/// Values by value index, without nulls. Which members are set depends on the encoding. Immutable;
/// borrows the segment's bytes.
class NumberValues {
 public:
  /// kCorrupt if a buffer is damaged. Requires: the encoding is not that of texts.
  static Result<std::unique_ptr<NumberValues>> open(const StoredColumn& column);

  /// Requires: kIntegers, kDecimals or kDictionary.
  const IntegerStream& integers() const& { return integers_; }
  const IntegerStream& integers() const&& = delete;
  /// Values [first, first + out.size()) as floats; for `only` see SegmentColumn.
  /// Requires: kDoubles, kDecimals or kIntegers.
  void read_doubles(size_t first, std::span<double> out, SegmentColumn::Only only) const;
  /// Requires: kBits.
  void read_bools(size_t first, std::span<uint8_t> out) const;

 private:
  Status open_decimals(const StoredColumn& column);
  void read_widened(size_t first, std::span<double> out) const;

  Encoding encoding_ = Encoding::kIntegers;
  bool is_signed_ = false;               // kIntegers: i64, else u64
  IntegerStream integers_;               // kIntegers, kDecimals, kDictionary
  std::span<const double> doubles_;      // kDoubles
  std::span<const uint64_t> bits_;       // kBits
  std::span<const uint32_t> positions_;  // kDecimals, like the next two
  std::span<const double> exceptions_;
  uint8_t exponent_ = 0;
};

}  // namespace tocsin
