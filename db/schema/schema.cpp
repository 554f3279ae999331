#include "db/schema/schema.h"

#include <algorithm>

#include "db/schema/own_columns.h"

namespace tocsin {

const char* name_of(ColumnType type) {
  switch (type) {
    case ColumnType::kI64: return "i64";
    case ColumnType::kU64: return "u64";
    case ColumnType::kF64: return "f64";
    case ColumnType::kBool: return "bool";
    case ColumnType::kString: return "string";
  }
  return "unknown";
}

const char* name_of(ColumnKind kind) {
  switch (kind) {
    case ColumnKind::kField: return "field";
    case ColumnKind::kTag: return "tag";
    case ColumnKind::kTime: return "time";
  }
  return "unknown";
}

const Column* Measurement::find(std::string_view column_name) const& {
  auto it = std::find_if(columns.begin(), columns.end(),
                         [&](const Column& column) { return column.name == column_name; });
  return it == columns.end() ? nullptr : &*it;
}

const Measurement* Catalog::find(std::string_view name) const& {
  auto it = measurements.find(name);
  return it == measurements.end() ? nullptr : &it->second;
}

bool is_reserved_measurement(std::string_view name) {
  return name == kAlertsMeasurement || name == kDeliveriesMeasurement ||
         name == kEventLagMeasurement || name == kRejectedMeasurement;
}

}  // namespace tocsin
