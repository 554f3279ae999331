// Shared by the implementation of single-value functions; only for `scalar*.cpp`.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "query/function/scalar.h"

namespace tocsin::scalar {

using Arguments = std::span<const Value>;

inline const std::string& text_of(const Value& value) { return std::get<std::string>(value.data); }
inline int64_t i64_of(const Value& value) { return std::get<int64_t>(value.data); }
inline bool bool_of(const Value& value) {
  const bool* flag = std::get_if<bool>(&value.data);
  return flag && *flag;
}
double f64_of(const Value& number);  ///< of an i64, u64 or f64
Value finite(double number);         ///< null for NaN and the infinities

/// By family. Requires: no argument is null.
Value number_function(Function function, ValueType type, Arguments arguments);
Value text_function(Function function, Arguments arguments, ScalarContext& context);
Value time_function(Function function, Arguments arguments, ScalarContext& context);

}  // namespace tocsin::scalar
