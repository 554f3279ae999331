// Rows for export, read from a source one at a time.
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
  uint64_t bits = 0;      ///< of a number; 0 or 1 for a bool
  std::string_view text;  ///< of a string

  int64_t i64() const { return static_cast<int64_t>(bits); }
  double f64() const { return std::bit_cast<double>(bits); }
};

/// The cells are sorted by column and valid until the next row is read from the source.
struct ExportRow {
  uint32_t measurement = 0;
  Timestamp time = 0;
  std::vector<ExportCell> cells;
};

/// Returns rows in ascending time. Not thread-safe.
class RowSource {
 public:
  virtual ~RowSource() = default;

  /// Measurements and columns of all rows to come; constant.
  virtual const std::vector<TypedMeasurement>& measurements() const = 0;
  /// Reads the next row; false after the last one. kCorrupt names the segment.
  virtual Result<bool> next(ExportRow& row) = 0;
  /// The progress and its final value, in any unit.
  virtual uint64_t done() const = 0;
  virtual uint64_t total() const = 0;
};

/// Opens a source that starts at the first row.
using OpenRows = std::function<Result<std::unique_ptr<RowSource>>()>;

}  // namespace tocsin
