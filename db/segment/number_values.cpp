#include "db/segment/number_values.h"

#include <algorithm>
#include <array>

#include "db/encoding/float.h"
#include "db/limits.h"

namespace tocsin {

Result<std::unique_ptr<NumberValues>> NumberValues::open(const StoredColumn& column) {
  auto values = std::make_unique<NumberValues>();
  values->encoding_ = static_cast<Encoding>(column->encoding());
  values->is_signed_ = static_cast<ColumnType>(column->type()) == ColumnType::kI64;
  const size_t count = column.value_count();
  switch (values->encoding_) {
    case Encoding::kIntegers:
    case Encoding::kDictionary: {
      TOCSIN_TRY(values->integers_, column.open_integers(column->values(), "values", count));
      return values;
    }
    case Encoding::kDecimals: {
      TOCSIN_RETURN_IF_ERROR(values->open_decimals(column));
      return values;
    }
    case Encoding::kDoubles: {
      TOCSIN_TRY(values->doubles_, column.open_array<double>(column->values(), "values", count));
      return values;
    }
    case Encoding::kBits: {
      TOCSIN_TRY(values->bits_,
                 column.open_array<uint64_t>(column->values(), "values", (count + 63) / 64));
      return values;
    }
    case Encoding::kBlocks:
    case Encoding::kTemplates: break;
  }
  return column.damaged("the encoding is not one of numbers");
}

Status NumberValues::open_decimals(const StoredColumn& column) {
  exponent_ = column->exponent();
  if (exponent_ > kDecimalExponentMax) return column.damaged("exponent out of range");
  TOCSIN_TRY(integers_, column.open_integers(column->values(), "values", column.value_count()));
  if (column->positions() == nullptr) return {};
  TOCSIN_TRY(positions_, column.open_items<uint32_t>(column->positions(), "positions"));
  if (!std::is_sorted(positions_.begin(), positions_.end())) {
    return column.damaged("positions do not ascend");
  }
  TOCSIN_TRY(exceptions_,
             column.open_array<double>(column->exceptions(), "exceptions", positions_.size()));
  return {};
}

void NumberValues::read_doubles(size_t first, std::span<double> out,
                                SegmentColumn::Only only) const {
  switch (encoding_) {
    case Encoding::kDoubles:
      std::copy_n(doubles_.begin() + static_cast<ptrdiff_t>(first), out.size(), out.begin());
      return;
    case Encoding::kDecimals:
      decode_decimals(integers_, exponent_, positions_, exceptions_, first, out, only);
      return;
    default: read_widened(first, out);
  }
}

/// An integer column that was widened after this segment was written.
void NumberValues::read_widened(size_t first, std::span<double> out) const {
  std::array<uint64_t, kVectorRows> bits;
  for (size_t done = 0; done < out.size(); done += kVectorRows) {
    const size_t n = std::min(kVectorRows, out.size() - done);
    integers_.read(first + done, n, bits.data());
    for (size_t i = 0; i < n; ++i) {
      out[done + i] = is_signed_ ? static_cast<double>(static_cast<int64_t>(bits[i]))
                                 : static_cast<double>(bits[i]);
    }
  }
}

void NumberValues::read_bools(size_t first, std::span<uint8_t> out) const {
  for (size_t i = 0; i < out.size(); ++i) {
    out[i] = bits_[(first + i) / 64] >> ((first + i) % 64) & 1;
  }
}

}  // namespace tocsin
