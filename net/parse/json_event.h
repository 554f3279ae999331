// One JSON object as a flat list of named values, in the order of its keys. json_flatten.cpp
// produces it, json_lines.cpp turns it into a row. Internal to net/parse.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "db/schema/batch.h"

namespace tocsin {

inline constexpr char kKeySeparator = '\0';            ///< of JsonValue::keys
inline constexpr std::string_view kEmptyKey = "\x01";  ///< in JsonValue::keys

struct JsonValue {
  /// kHuge: a number that no type holds.
  enum class Kind : uint8_t { kI64, kU64, kF64, kHuge, kBool, kString, kArray };
  /// Whether a string is a tag. Only kGuess values may be the event's time or measurement.
  enum class Role : uint8_t { kGuess, kTag, kField };

  std::string_view path;  ///< the name of its column: keys joined with `.`; unique in the object
  std::string_view keys;  ///< keys joined with kKeySeparator, kEmptyKey for empty ones
  Kind kind = Kind::kString;
  Role role = Role::kGuess;
  std::string_view text;  ///< a string's value; a number or boolean as written; an array as JSON
  bool escaped = false;   ///< `text` points into the flattener, not into the line: copy it
  bool boolean = false;
  int64_t i64 = 0;
  uint64_t u64 = 0;
  double f64 = 0;
};

/// The shape of the outermost object.
struct JsonShape {
  bool only_telegraf_keys = true;  ///< name, tags, fields, timestamp
  bool fields_is_object = false;
  bool tags_is_object = true;  ///< also true if there is no key `tags`
};

/// Reuses simdjson's buffers between calls. Not thread-safe.
class JsonFlattener {
 public:
  JsonFlattener();
  ~JsonFlattener();

  /// Flattens one object. Returns false and sets error() if `line` is not one valid object within
  /// the limits. Omits nulls and values replaced by a later duplicate key. An empty key is called
  /// kEmptyName. If `"a.b"` and a nested `a: {b}` collide, the more deeply nested one is called
  /// `a.b` and the other one `a.b_2`. The values are valid until the next call and as long as
  /// `line`. Requires: kJsonPadding readable bytes after `line`.
  bool flatten(std::string_view line);

  std::vector<JsonValue>& values();
  const JsonShape& shape() const;
  const std::string& error() const;
  /// What became of the first key that was renamed or dropped; empty if there was none.
  const std::string& oddity() const;
  /// Whether the error was invalid UTF-8 or an invalid escape, such as half of a surrogate pair.
  bool invalid_text() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

inline constexpr size_t kJsonPadding = 64;  ///< simdjson may read, and ignore, this many bytes more

/// A line of `buffer` with kJsonPadding readable bytes after it: `line` itself, or near the end of
/// the buffer a copy that the batch keeps.
std::string_view padded_line(std::string_view line, std::string_view buffer, Batch& batch);

}  // namespace tocsin
