// The types of the language, and a single value that owns its string.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include "db/base/time.h"
#include "db/schema/schema.h"

namespace tocsin {

enum class ValueType : uint8_t {
  kNull,  ///< only the literal `null`
  kBool,
  kI64,
  kU64,
  kF64,
  kString,
  kTime,      ///< int64 nanoseconds since the epoch
  kDuration,  ///< int64 nanoseconds
};

const char* name_of(ValueType type);      ///< `bool`, `i64`, ... `time`, `duration`
ValueType type_of(const Column& column);  ///< of the values of a stored column
/// The measurement's column of that name and type, else the first of that name; null if there is
/// none.
const Column* find_column(const Measurement& measurement, std::string_view name, ValueType type);

inline bool is_number(ValueType type) {
  return type == ValueType::kI64 || type == ValueType::kU64 || type == ValueType::kF64;
}

/// One value. Times and durations are stored as int64; `type` distinguishes them from integers.
struct Value {
  ValueType type = ValueType::kNull;
  std::variant<std::monostate, bool, int64_t, uint64_t, double, std::string> data;

  static Value null() { return {}; }
  static Value of(bool v) { return {ValueType::kBool, v}; }
  static Value of(int64_t v) { return {ValueType::kI64, v}; }
  static Value of(uint64_t v) { return {ValueType::kU64, v}; }
  static Value of(double v) { return {ValueType::kF64, v}; }
  static Value of(std::string v) { return {ValueType::kString, std::move(v)}; }
  static Value of(const char* v) { return {ValueType::kString, std::string(v)}; }
  static Value time(Timestamp v) { return {ValueType::kTime, v}; }
  static Value duration(Duration v) { return {ValueType::kDuration, v}; }

  bool is_null() const { return data.index() == 0; }
  bool operator==(const Value&) const = default;
};

}  // namespace tocsin
