// Export: writes rows as text, in pieces, in bounded memory.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <string_view>

#include "db/base/result.h"
#include "tools/export/row_source.h"
#include "tools/export/row_writer.h"

namespace tocsin {

struct ExportOptions {
  ExportFormatOptions format;
  /// Skips values that the format cannot represent. Otherwise they are an error that counts them,
  /// and nothing is written from the first of them on.
  bool lossy = false;
  const std::atomic<bool>* stop = nullptr;  ///< checked regularly; may be null
};

struct ExportReport {
  uint64_t rows = 0;
  uint64_t bytes = 0;
  ExportLosses losses;
};

/// Writes the next piece of the text; an error ends the export.
using PutText = std::function<Status(std::string_view)>;
/// Called regularly with the progress, in any unit.
using ShowExport = std::function<void(uint64_t done, uint64_t total)>;

/// Writes all rows. For a typed format the rows are read twice, because its first line marks the
/// columns that contain values which are not text. If such a value appears in another column
/// between the two passes, it counts as a loss. kInvalid: the format cannot represent some values;
/// kCancelled: stopped; otherwise the errors of `open`, its rows and `put`.
Result<ExportReport> export_rows(const OpenRows& open, const ExportOptions& options,
                                 const PutText& put, const ShowExport& show);

}  // namespace tocsin
