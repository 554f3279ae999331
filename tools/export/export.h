// Export: rows as text, in pieces, within bounded memory.
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
  /// Goes on without what the format cannot hold. Else that is an error that counts it; nothing is
  /// written from the first such value on.
  bool lossy = false;
  const std::atomic<bool>* stop = nullptr;  ///< looked at between pieces; may be null
};

struct ExportReport {
  uint64_t rows = 0;
  uint64_t bytes = 0;
  ExportLosses losses;
};

/// Takes the next piece of the text; an error ends the export.
using PutText = std::function<Status(std::string_view)>;
/// Called now and then: what is done of all that there is to do.
using ShowExport = std::function<void(uint64_t done, uint64_t total)>;

/// Writes all rows. Those of a typed format are read twice, since its first line marks the columns
/// that hold bytes which are no text; such bytes that were stored in between in another column are
/// a loss. kInvalid: the format cannot hold some value; kCancelled: stopped; else the errors of
/// `open`, its rows and `put`.
Result<ExportReport> export_rows(const OpenRows& open, const ExportOptions& options,
                                 const PutText& put, const ShowExport& show);

}  // namespace tocsin
