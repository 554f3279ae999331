// The fast path of the line protocol parser, for lines without escapes whose keys are those of the
// previous row of the measurement. Internal to net/parse; line_protocol.cpp parses all other lines.
// tools/bench/parse_bench.cpp measures the gain.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "db/schema/batch.h"
#include "net/parse/line_protocol.h"

namespace tocsin {

/// Remembers the keys of each measurement's last row, so that the next row's keys are compared and
/// not looked up. Parses a line exactly as the general parser does, or leaves it. Not thread-safe;
/// the constructor's arguments must outlive it.
class PlainLines {
 public:
  PlainLines(std::string_view buffer, const ParseOptions& options, Batch& batch);

  /// Removes plain lines from the front of `rest` and appends their rows. Stops at the first line
  /// that is not plain: one with a backslash, an error, a duplicate key, a comment, a raw newline
  /// in a string, or without a newline at its end. That line leaves nothing in the batch. Requires:
  /// `rest` ends where the buffer does.
  void consume(std::string_view& rest);
  /// The number of rows so far whose line has no time.
  uint64_t untimed_count() const { return untimed_count_; }

 private:
  struct Key {
    std::string text;  ///< with its `=`
    ColumnType type = ColumnType::kString;
    size_t lane = 0;
  };
  struct Shape {
    std::string measurement;
    RowBatch* rows = nullptr;
    std::vector<Key> tags;
    std::vector<Key> fields;
  };

  bool read_line();
  bool read_tags();
  bool read_fields();
  bool read_string(Key& key);
  bool read_number(Key& key);
  bool read_bool(Key& key);
  bool read_time();
  bool find_shape(std::string_view measurement);
  Key* match_key(std::vector<Key>& keys, size_t index);
  size_t lane_of(Key& key, ColumnType type, ColumnKind kind);
  bool at_line_end() const;

  const ParseOptions& options_;
  Batch& batch_;
  static constexpr size_t kShapesMax = 16;  // searched linearly

  std::deque<Shape> shapes_;
  size_t next_shape_ = 0;  // the one to replace once there are kShapesMax

  const char* end_;  // of the last line with a newline; no scan goes further

  // State of the current line.
  const char* p_ = nullptr;
  Shape* shape_ = nullptr;
  RowBatch* rows_ = nullptr;
  bool timed_ = false;

  uint64_t untimed_count_ = 0;
};

}  // namespace tocsin
