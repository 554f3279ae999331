// Rows on their way out: what a source reads and a writer writes, one at a time.
#pragma once

#include <bit>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "db/base/result.h"
#include "db/base/time.h"
#include "net/parse/typed_columns.h"

namespace tocsin {

/// A value that is not null.
struct ExportCell {
  uint32_t column = 0;    ///< of the row's measurement
  uint64_t bits = 0;      ///< of a number; 0 and 1 of a bool
  std::string_view text;  ///< of a string

  int64_t i64() const { return static_cast<int64_t>(bits); }
  double f64() const { return std::bit_cast<double>(bits); }
};

/// Its cells are in ascending order of columns, and live until the source's next row.
struct ExportRow {
  uint32_t measurement = 0;
  Timestamp time = 0;
  std::vector<ExportCell> cells;
};

/// Gives rows in ascending time. Not thread-safe.
class RowSource {
 public:
  virtual ~RowSource() = default;

  /// Measurements and columns of all rows to come; constant.
  virtual const std::vector<TypedMeasurement>& measurements() const = 0;
  /// The next row, or false behind the last one. kCorrupt names the segment.
  virtual Result<bool> next(ExportRow& row) = 0;
  /// How far it is, in any unit, and all that there is to do.
  virtual uint64_t done() const = 0;
  virtual uint64_t total() const = 0;
};

/// Begins at the first row, each time.
using OpenRows = std::function<Result<std::unique_ptr<RowSource>>()>;

}  // namespace tocsin
