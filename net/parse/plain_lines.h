// The quick way through line protocol: lines without escapes whose row looks like the row before it
// in their measurement. Internal to net/parse; line_protocol.cpp takes whatever this leaves.
#pragma once

#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "db/schema/batch.h"
#include "net/parse/line_protocol.h"

namespace tocsin {

/// Remembers of each measurement the keys of its last row, so that the keys of the next one are
/// compared and not looked up. What it takes, it takes exactly as the general parser does. Not
/// thread-safe; what it is made with must outlive it.
class PlainLines {
 public:
  PlainLines(std::string_view buffer, const ParseOptions& options, Batch& batch);

  /// Appends the rows of plain lines from the front of `rest`, and removes them there, up to the
  /// first line that is not plain: one with a backslash, an error, a comment, a raw newline in a
  /// string, or without its newline. Nothing of that line stays in the batch. Requires: `rest` ends
  /// where the buffer does.
  void take(std::string_view& rest);

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

  bool take_line();
  bool take_tags();
  bool take_fields();
  bool take_value(Key& key, ColumnKind kind);
  bool take_string(Key& key);
  bool take_number(Key& key);
  bool take_bool(Key& key);
  bool take_time();
  bool find_shape(std::string_view measurement);
  Key* take_key(std::vector<Key>& keys, size_t index);
  size_t lane_of(Key& key, ColumnType type, ColumnKind kind);
  bool at_line_end() const;

  const ParseOptions& options_;
  Batch& batch_;
  std::deque<Shape> shapes_;
  size_t next_shape_ = 0;  // to be replaced once there are enough

  const char* end_;  // of the last line that has a newline: scans stop there at the latest

  // Of the line being taken.
  const char* p_ = nullptr;
  Shape* shape_ = nullptr;
  RowBatch* rows_ = nullptr;
};

}  // namespace tocsin
