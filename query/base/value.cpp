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

}  // namespace tocsin
