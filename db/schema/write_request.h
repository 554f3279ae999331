// Write requests and their reports, and the small tables next to the rows.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "db/limits.h"
#include "db/schema/batch.h"

namespace tocsin {

/// Small transactional tables next to the rows. The store does not interpret their values.
enum class SmallTable : uint8_t {
  kSources,  ///< positions in followed files, by source and file
  kRules,    ///< rule state, by alert name
  kOutbox,   ///< alerts to be delivered, by receiver and sequence
};

/// Stores `value` under `key`, or removes the key if there is no value. A key has 1 to
/// kSmallKeyBytesMax bytes.
struct SmallChange {
  SmallTable table = SmallTable::kSources;
  std::string key;
  std::optional<std::string> value;
};

struct SmallEntry {
  std::string key;
  std::string value;
};

/// Restricts the entries of a list.
struct SmallRange {
  std::string_view from = {};  ///< smaller keys are omitted
  size_t count_max = SIZE_MAX;
};

/// How the lines of a request are parsed, so that one that was refused can be parsed again. The
/// store only records it in `rejected`; net/parse/line_origin.h writes and reads it.
struct LineOrigin {
  std::string path;         ///< of the file or of the HTTP request
  std::string format;       ///< empty if the rows were not parsed from lines
  std::string precision;    ///< of the timestamps of line protocol
  std::string measurement;  ///< of lines that name none
  std::string tag_keys;     ///< separated by commas
  std::string time_keys;    ///< separated by commas
  std::string time_layout;  ///< of the times under these keys; empty: any
  std::string time_zone;    ///< of times that have none; empty: UTC
  std::string header;       ///< the first lines of the file, which describe the others
};

/// A line that was refused before it became a row; kept in the measurement `rejected`.
struct RejectedLine {
  std::string reason;
  std::string line;  ///< the raw line; its first kRejectedLineBytesMax bytes are kept
  /// If not 0, this represents that many lines, which are only counted.
  uint64_t counted = 0;
  bool cut = false;  ///< `line` is only the beginning of the line
};

/// The beginning of `line` that is kept.
inline RejectedLine rejected_line(std::string reason, std::string_view line) {
  const bool cut = line.size() > kRejectedLineBytesMax;
  return {std::move(reason), std::string(line.substr(0, kRejectedLineBytesMax)), 0, cut};
}

/// A row of `rejected` whose line this request stores after all. If its row is stored, the same
/// commit records that in `rejected`.
struct RetriedLine {
  int64_t id = 0;         ///< of the row of `rejected`
  std::string source;     ///< of that row
  std::string reason;     ///< of that row
  std::string_view line;  ///< one of the batch's RowBatch::lines(), with a single row
};

/// The number of lines that they represent.
inline uint64_t line_count(const std::vector<RejectedLine>& rejected) {
  uint64_t count = 0;
  for (const RejectedLine& line : rejected) count += line.counted == 0 ? 1 : line.counted;
  return count;
}

/// Everything in a request becomes durable together, or nothing.
struct WriteRequest {
  Batch batch;
  std::vector<SmallChange> changes;
  std::vector<RejectedLine> rejected;
  std::string source;  ///< the sender, for `rejected`: `tcp 127.0.0.1`, `/var/log/a.json`
  LineOrigin origin;   ///< for `rejected`
  /// For rows that were not parsed from lines: writes a line in the format of `origin` for a
  /// refused row, on the writer thread. Null: the batch has the lines.
  std::string (*write_line)(const RowBatch& rows, size_t row) = nullptr;
  /// If there are any, rows that are refused are only reported: they are in `rejected` already.
  std::vector<RetriedLine> retried;
  /// Rows of Tocsin's own measurements are refused unless this is set.
  bool allow_reserved = false;
  /// Commit as soon as the writer is free instead of gathering for commit_interval.
  bool urgent = false;
  /// For imports: gather the rows of many requests in memory until they fill whole segments, and
  /// commit late: when enough is gathered, at seal(), or at close. Only submit() respects it. It
  /// then waits for room instead of returning kBusy, and calls `done` after that late commit.
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
  std::vector<RejectedRow> rejected;  ///< the refused rows of the batch
  std::vector<std::string> warnings;  ///< e.g. about values that went into `_rest`
};

}  // namespace tocsin
