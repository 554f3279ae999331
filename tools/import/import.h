// Bulk import: files in, rows durable; reading, parsing and writing overlap.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "db/base/result.h"
#include "db/database.h"
#include "tools/import/chunk_reader.h"

namespace tocsin {

struct ImportOptions {
  std::vector<std::string> paths;  ///< files, folders, or `-` for standard input
  ChunkReaderOptions reader;
  std::vector<std::string> tags;  ///< JSON, CSV: keys whose columns are tags; empty: good guesses
  std::vector<std::string>
      time_keys;  ///< JSON, CSV: candidates for the time; empty: the usual ones
  bool restore =
      false;  ///< takes rows of `alerts`, `deliveries` and `rejected`, which else are refused
  unsigned parser_count = 2;                ///< threads that read and parse
  const std::atomic<bool>* stop = nullptr;  ///< looked at between chunks; may be null
};

/// Where an import stands: what the database has taken in, which becomes durable in large steps.
/// Also what it came to: then all of it is durable.
struct ImportProgress {
  uint64_t bytes_total = 0;  ///< 0: not known
  uint64_t bytes_done = 0;   ///< of input
  uint64_t events = 0;       ///< rows
  uint64_t rejected = 0;     ///< lines and rows that were refused
  std::map<std::string, uint64_t> events_by_measurement;
  std::vector<std::string> rejected_examples;  ///< `FILE:LINE: reason`, the first few
};

inline constexpr size_t kRejectedExamplesMax = 5;

/// Options with which a database is best opened for an import: few rows that wait.
DatabaseOptions import_database_options();

/// Returns when every row is durable, or the first error of reading or writing. What was refused is
/// counted and, within bounds, kept in the measurement `rejected`. `report` is called from this
/// thread, a few times per second.
Result<ImportProgress> import_files(Database& database, const ImportOptions& options,
                                    const std::function<void(const ImportProgress&)>& report);

}  // namespace tocsin
