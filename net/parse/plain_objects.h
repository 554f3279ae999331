// The quick way through JSON lines: flat objects of ASCII without escapes whose keys are those of
// an object before. Internal to net/parse; json_lines.cpp takes whatever this leaves.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "db/schema/batch.h"
#include "net/parse/line_protocol.h"

namespace tocsin {

/// Remembers everything but the values of some objects, so that the next one of the same shape is
/// compared and not parsed. What it takes, it takes exactly as the general parser does. Not
/// thread-safe; what it is made with must outlive it.
class PlainObjects {
 public:
  /// `time_keys`: candidates for the time, the first present one first.
  PlainObjects(const ParseOptions& options, std::vector<std::string_view> time_keys, Batch& batch);

  /// Appends the row of one object. False, and nothing was appended, for anything that is not
  /// plain: with nested values, a backslash, control or other than ASCII characters, duplicate
  /// keys, no time where its key says so, or an error. Requires: `line` lives as long as the batch.
  bool take(std::string_view line);

 private:
  enum class Kind : uint8_t { kNull, kBool, kI64, kU64, kF64, kString };
  struct Value {
    Kind kind = Kind::kNull;
    bool boolean = false;
    std::string_view text;
    int64_t i64 = 0;
    uint64_t u64 = 0;
    double f64 = 0;
  };
  struct Key {
    std::string
        before;  // the bytes from the value before to this one: a comma, the key, a colon, blanks
    std::string name;
    bool is_tag = false;  // if its value is a string
  };
  /// Where a key's values went last in one measurement.
  struct Lane {
    Kind kind = Kind::kNull;
    size_t index = 0;
  };
  struct Target {
    std::string measurement;
    RowBatch* rows = nullptr;
    std::vector<Lane> lanes;  // by key
  };
  struct Shape {
    std::vector<Key> keys;
    std::string after;  // the bytes behind the last value
    std::optional<size_t> measurement_key;
    std::optional<size_t> time_key;
    std::vector<Target> targets;
    size_t next_target = 0;
  };

  bool matches(const Shape& shape, std::string_view line);
  bool learn(std::string_view line);
  bool read_value(const char*& p, const char* end, Value& value) const;
  bool read_number(std::string_view text, Value& value) const;
  void set_roles(Shape& shape) const;
  bool append(Shape& shape, std::string_view line);
  Target& target_of(Shape& shape, std::string_view measurement);
  void set(Target& target, const Key& key, size_t index, const Value& value, size_t hint);

  const ParseOptions& options_;
  const std::vector<std::string_view> time_keys_;
  Batch& batch_;
  std::vector<Shape> shapes_;
  size_t last_ = 0;            // the shape of the object before
  size_t next_shape_ = 0;      // to be replaced
  std::vector<Value> values_;  // of the object at hand, by key
};

}  // namespace tocsin
