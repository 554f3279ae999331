// Bulk import of files. Reading, parsing and writing overlap.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "db/base/result.h"
#include "db/database.h"
#include "net/parse/line_errors.h"
#include "net/parse/time_keys.h"
#include "tools/import/chunk_reader.h"
#include "tools/import/plan.h"

namespace tocsin {

struct ImportOptions {
  std::vector<std::string> paths;  ///< files, folders, or `-` for standard input
  ChunkReaderOptions reader;
  /// JSON and CSV: keys whose columns are tags; empty: decided by heuristics.
  std::vector<std::string> tags;
  TimeOptions time;     ///< JSON and CSV
  TagList static_tags;  ///< of all rows but those of line protocol and CSV
  /// Whether a file may be imported in which no row has a time: all get the current one.
  bool time_now = false;
  /// Accepts rows of Tocsin's own measurements, which are otherwise refused.
  bool restore = false;
  unsigned parser_count = 2;                ///< threads that read and parse
  const std::atomic<bool>* stop = nullptr;  ///< checked between chunks; may be null
};

/// A file of which nothing was stored.
struct FileWithoutRows {
  std::string path;
  uint64_t rejected = 0;  ///< lines and rows; 0: it has only blank lines, comments or a header
};

/// The progress of an import, whose rows become durable in large steps; also its final result, when
/// all rows are durable.
struct ImportProgress {
  uint64_t bytes_total = 0;  ///< 0: unknown
  uint64_t bytes_done = 0;   ///< of input
  uint64_t events = 0;       ///< rows
  uint64_t rejected = 0;     ///< lines and rows
  std::map<std::string, uint64_t> events_by_measurement;
  std::vector<std::string> rejected_examples;  ///< `FILE:LINE: reason`, the first few
  LineWarnings warnings;                       ///< `first` begins with `FILE: `
  /// At the end: the files that are not empty, but gave no row.
  std::vector<FileWithoutRows> files_without_rows;
};

inline constexpr size_t kRejectedExamplesMax = 5;

/// Options for opening the database to import into. They keep the write queue short.
DatabaseOptions import_database_options();

/// Imports the files of a plan that was made with the same options; further files are not read.
/// Returns when every row is durable, or with the first read or write error. Rejected lines are
/// counted and, within limits, kept in the measurement `rejected`. `report` is called on the
/// calling thread, a few times per second.
Result<ImportProgress> import_files(Database& database, ImportPlan plan,
                                    const ImportOptions& options,
                                    const std::function<void(const ImportProgress&)>& report);

}  // namespace tocsin
