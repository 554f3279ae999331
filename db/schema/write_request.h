// What is written together, and the small tables beside the rows.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "db/schema/batch.h"

namespace tocsin {

/// Small transactional tables beside the rows. Values are opaque to the store.
enum class SmallTable : uint8_t {
  kSources,  ///< tail positions, by source and file
  kRules,    ///< rule state, by alert name
  kOutbox,   ///< alerts still to deliver, by destination and sequence
};

/// Puts `value` under `key`, or removes the key when there is no value. Keys are 1 to 400 bytes.
struct SmallChange {
  SmallTable table = SmallTable::kSources;
  std::string key;
  std::optional<std::string> value;
};

struct SmallEntry {
  std::string key;
  std::string value;
};

/// Which of a list's entries are asked for.
struct SmallRange {
  std::string_view from = {};  ///< keys below it are left out
  size_t count_max = SIZE_MAX;
};

/// A line that was refused before it became a row; kept in the measurement `rejected`.
struct RejectedLine {
  std::string reason;
  std::string line;  ///< the raw line; its first 4 KiB are kept
  /// Not 0: this stands for so many lines of which nothing is kept but their number.
  uint64_t counted = 0;
};

/// How many lines they stand for.
inline uint64_t line_count(const std::vector<RejectedLine>& rejected) {
  uint64_t count = 0;
  for (const RejectedLine& line : rejected) count += line.counted == 0 ? 1 : line.counted;
  return count;
}

/// What becomes durable together: all of it or nothing.
struct WriteRequest {
  Batch batch;
  std::vector<SmallChange> changes;
  std::vector<RejectedLine> rejected;
  std::string source;  ///< who sent it, for `rejected`: `tcp 127.0.0.1`, `/var/log/a.json`
  /// Rows of `alerts`, `deliveries` and `rejected` are refused unless this is set.
  bool allow_reserved = false;
  /// Commit as soon as the writer is free instead of gathering for commit_interval.
  bool urgent = false;
  /// For imports: gather these rows in memory, over many requests, until whole segments are full,
  /// and commit late: when enough is gathered, at seal(), or at close. Only submit() obeys it; it
  /// then waits for room instead of answering kBusy, and `done` comes as late as the commit.
  bool bulk = false;
};

/// A row that the store refused.
struct RejectedRow {
  std::string measurement;
  size_t row = 0;      ///< in that measurement's RowBatch
  std::string reason;  ///< e.g. `field type conflict: ...`
};

struct WriteReport {
  uint64_t commit_number = 0;
  size_t rows_written = 0;
  std::vector<RejectedRow> rejected;  ///< those rows of the batch that were refused
  std::vector<std::string> warnings;  ///< e.g. values that went into `_rest`
};

}  // namespace tocsin
