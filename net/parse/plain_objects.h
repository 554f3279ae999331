// The fast path of the JSON lines parser, for flat ASCII objects without escapes whose keys are
// those of an earlier object. Internal to net/parse; json_lines.cpp parses all other lines.
// tools/bench/parse_bench.cpp measures the gain.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "db/schema/batch.h"
#include "net/parse/line_protocol.h"
#include "net/parse/time_keys.h"

namespace tocsin {

/// Remembers everything except the values of some objects, so that the next object of the same
/// shape is compared and not parsed. Parses an object exactly as the general parser does, or leaves
/// it. Not thread-safe; the constructor's arguments must outlive it.
class PlainObjects {
 public:
  PlainObjects(const ParseOptions& options, const TimeKeys& time_keys, Batch& batch,
               LineWarnings& warnings);

  /// Appends the row of one object. Returns false and appends nothing if the object is not plain:
  /// it has nested values, a backslash, control or non-ASCII characters, duplicate keys, a named
  /// time key without a valid time, or an error. Requires: `line` lives as long as the batch.
  bool consume(std::string_view line);

 private:
  enum class Kind : uint8_t { kNull, kBool, kI64, kU64, kF64, kHuge, kString };
  struct Value {
    Kind kind = Kind::kNull;
    bool boolean = false;
    std::string_view text;
    int64_t i64 = 0;
    uint64_t u64 = 0;
    double f64 = 0;
  };
  struct Key {
    // The bytes between the previous value and this one: a comma, the key, a colon, spaces.
    std::string before;
    std::string name;
    bool is_tag = false;  // when its value is a string
  };
  /// Where the last value of a key went in one measurement.
  struct Lane {
    Kind kind = Kind::kNull;
    size_t index = 0;
  };
  struct Target {
    std::string measurement;
    RowBatch* rows = nullptr;
    std::vector<Lane> lanes;  // by key
  };
  struct TimeKey {
    size_t rank = 0;
    size_t index = 0;  // in `keys`
  };
  struct Shape {
    std::vector<Key> keys;
    std::string after;  // the bytes after the last value
    std::optional<size_t> measurement_key;
    std::vector<TimeKey> time_keys;  // by rank
    std::vector<Target> targets;
    size_t next_target = 0;
  };

  bool matches(const Shape& shape, std::string_view line);
  bool learn(std::string_view line);
  bool read_value(const char*& p, const char* end, Value& value) const;
  bool read_number(std::string_view text, Value& value) const;
  bool set_roles(Shape& shape) const;
  std::optional<FoundTime> find_time(const Shape& shape);
  std::string keys_text(const Shape& shape) const;
  bool append(Shape& shape, std::string_view line);
  Target& target_of(Shape& shape, std::string_view measurement);
  void set(Target& target, const Key& key, size_t index, const Value& value, size_t hint);

  const ParseOptions& options_;
  const TimeKeys& time_keys_;
  Batch& batch_;
  LineWarnings& warnings_;
  static constexpr size_t kShapesMax = 8;  // searched linearly

  std::vector<Shape> shapes_;
  size_t last_ = 0;            // the shape of the previous object
  size_t next_shape_ = 0;      // the one to replace next
  std::vector<Value> values_;  // of the current object, by key
  std::vector<TimeCandidate> candidates_;
};

}  // namespace tocsin
