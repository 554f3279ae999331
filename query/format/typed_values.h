// Access to the members that ResultColumn, TableColumn and Vector have in common: one list of
// values for each type.
#pragma once

#include <cstdint>
#include <type_traits>

#include "query/base/value.h"

namespace tocsin {

/// The member of `column` that holds values of type T; `text` for any type of string.
template <class T, class Column>
auto& values_of(Column& column) {
  if constexpr (std::is_same_v<T, int64_t>) {
    return column.i64;
  } else if constexpr (std::is_same_v<T, uint64_t>) {
    return column.u64;
  } else if constexpr (std::is_same_v<T, double>) {
    return column.f64;
  } else if constexpr (std::is_same_v<T, uint8_t>) {
    return column.boolean;
  } else {
    return column.text;
  }
}

/// Calls `visit` with the member that holds the values of the column's type; not for kNull.
template <class Column, class Visit>
void visit_values(Column& column, Visit visit) {
  switch (column.type) {
    case ValueType::kBool: visit(column.boolean); break;
    case ValueType::kI64:
    case ValueType::kTime:
    case ValueType::kDuration: visit(column.i64); break;
    case ValueType::kU64: visit(column.u64); break;
    case ValueType::kF64: visit(column.f64); break;
    case ValueType::kString: visit(column.text); break;
    case ValueType::kNull: break;
  }
}

/// The value in a row. Requires: it is not null and not a string.
template <class Column>
Value scalar_at(const Column& column, size_t row) {
  switch (column.type) {
    case ValueType::kBool: return Value::of(column.boolean[row] != 0);
    case ValueType::kI64: return Value::of(column.i64[row]);
    case ValueType::kU64: return Value::of(column.u64[row]);
    case ValueType::kF64: return Value::of(column.f64[row]);
    case ValueType::kTime: return Value::time(column.i64[row]);
    case ValueType::kDuration: return Value::duration(column.i64[row]);
    case ValueType::kString:
    case ValueType::kNull: break;
  }
  return Value::null();
}

}  // namespace tocsin
