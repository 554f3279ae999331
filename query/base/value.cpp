#include "query/base/value.h"

namespace tocsin {

const char* name_of(ValueType type) {
  switch (type) {
    case ValueType::kNull: return "null";
    case ValueType::kBool: return "bool";
    case ValueType::kI64: return "i64";
    case ValueType::kU64: return "u64";
    case ValueType::kF64: return "f64";
    case ValueType::kString: return "string";
    case ValueType::kTime: return "time";
    case ValueType::kDuration: return "duration";
  }
  return "unknown";
}

ValueType type_of(const Column& column) {
  switch (column.type) {
    case ColumnType::kI64:
      return column.kind == ColumnKind::kTime ? ValueType::kTime : ValueType::kI64;
    case ColumnType::kU64: return ValueType::kU64;
    case ColumnType::kF64: return ValueType::kF64;
    case ColumnType::kBool: return ValueType::kBool;
    case ColumnType::kString: return ValueType::kString;
  }
  return ValueType::kString;
}

const Column* find_column(const Measurement& measurement, std::string_view name, ValueType type) {
  const Column* first = nullptr;
  for (const Column& column : measurement.columns) {
    if (column.name != name) continue;
    if (type_of(column) == type) return &column;
    if (!first) first = &column;
  }
  return first;
}

}  // namespace tocsin
