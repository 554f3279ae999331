// One JSON object as a flat list of named values, in the order of its keys: what json_flatten.cpp
// finds and json_lines.cpp makes a row of. Internal to net/parse.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "db/schema/batch.h"

namespace tocsin {

struct JsonValue {
  enum class Kind : uint8_t { kI64, kU64, kF64, kBool, kString, kArray };

  std::string_view path;  ///< keys joined with `.`
  std::string_view keys;  ///< the same, told apart from keys that contain `.`
  Kind kind = Kind::kString;
  std::string_view text;  ///< the value; of numbers and booleans, as written; of arrays, their JSON
  bool escaped = false;   ///< `text` lies in the flattener, not in the line: copy it
  bool boolean = false;
  int64_t i64 = 0;
  uint64_t u64 = 0;
  double f64 = 0;
};

/// What the keys of the outermost object say about its shape.
struct JsonShape {
  bool only_telegraf_keys = true;  ///< name, tags, fields, timestamp
  bool fields_is_object = false;
  bool tags_is_object = true;  ///< or there is none
};

/// Keeps simdjson's buffers between calls. Not thread-safe.
class JsonFlattener {
 public:
  JsonFlattener();
  ~JsonFlattener();

  /// Flattens one object. Requires: kJsonPadding readable bytes behind `line`. Returns false and
  /// sets error() on anything that is not one valid object within the limits. Nulls and what
  /// duplicate keys replace are left out. The values are valid until the next call, and as long as
  /// `line`.
  bool flatten(std::string_view line);

  std::vector<JsonValue>& values();
  const JsonShape& shape() const;
  const std::string& error() const;
  /// Whether the error was bytes that are no UTF-8, or an escape that is none, such as half a
  /// surrogate pair.
  bool invalid_text() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

inline constexpr size_t kJsonPadding = 64;  ///< simdjson may read, and ignore, so many bytes more

/// A line of `buffer` with kJsonPadding readable bytes behind it: itself, except near the buffer's
/// end, where it is a copy that the batch keeps.
std::string_view padded_line(std::string_view line, std::string_view buffer, Batch& batch);

}  // namespace tocsin
