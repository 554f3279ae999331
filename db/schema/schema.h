// Measurements and their columns: names, types, kinds; and the catalog of all measurements.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace tocsin {

/// Physical type of a column. Written to disk: values never change.
enum class ColumnType : uint8_t { kI64 = 1, kU64 = 2, kF64 = 3, kBool = 4, kString = 5 };

/// The purpose of a column. Written to disk: values never change.
enum class ColumnKind : uint8_t {
  kField = 1,
  kTag = 2,   ///< a string column that names a stream; matters for encoding and export only
  kTime = 3,  ///< an i64 that counts nanoseconds since the epoch; queries show it as a time
};

const char* name_of(ColumnType type);  ///< `i64`, `u64`, `f64`, `bool`, `string`
const char* name_of(ColumnKind kind);  ///< `field`, `tag`, `time`

using ColumnId = uint32_t;       ///< unique in its measurement, never reused
using MeasurementId = uint32_t;  ///< unique in its database, never reused

/// A column other than `time`, which every measurement has and which is not a Column. Several
/// columns of a measurement may have the same name and different types. The first of them is the
/// column of that name; the others are its *siblings*, which have the values that do not fit it. In
/// a row, at most one of them has a value.
struct Column {
  ColumnId id = 0;
  std::string name;
  ColumnType type = ColumnType::kString;
  ColumnKind kind = ColumnKind::kField;
  /// Some stored integer exceeds 2^53 in magnitude, so that no double holds it exactly. The column
  /// can no longer be widened to f64.
  bool beyond_double = false;
};

struct Measurement {
  MeasurementId id = 0;
  std::string name;
  std::vector<Column> columns;  ///< in the order in which they were added

  const Column* find(std::string_view column_name) const&;  ///< the first; null if there is none
  const Column* find(std::string_view column_name) const&& = delete;
};

/// All measurements at one commit. Immutable once published; shared by snapshots and the writer.
struct Catalog {
  std::map<std::string, Measurement, std::less<>> measurements;  ///< by name

  const Measurement* find(std::string_view name) const&;  ///< null if there is none
  const Measurement* find(std::string_view name) const&& = delete;
};

/// Measurements that only Tocsin itself writes: all inputs refuse rows for them.
inline constexpr const char* kAlertsMeasurement = "alerts";
inline constexpr const char* kDeliveriesMeasurement = "deliveries";
inline constexpr const char* kRejectedMeasurement = "rejected";
bool is_reserved_measurement(std::string_view name);

}  // namespace tocsin
