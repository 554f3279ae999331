// The catalog for tests of the language.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "db/schema/schema.h"
#include "query/query.h"

namespace tocsin {

inline void add_measurement(Catalog& catalog, MeasurementId id, const std::string& name,
                            const std::vector<std::pair<std::string, ColumnType>>& columns) {
  Measurement measurement;
  measurement.id = id;
  measurement.name = name;
  for (const auto& [column, type] : columns) {
    const auto next = static_cast<ColumnId>(measurement.columns.size() + 1);
    const bool is_time = column == "started_at";
    measurement.columns.push_back(
        {next, column, type, is_time ? ColumnKind::kTime : ColumnKind::kField});
  }
  catalog.measurements[name] = std::move(measurement);
}

/// `audit` and `bpm` differ in `duration_ms` (f64, i64) and in `code` (i64, string); `bytes` is
/// unsigned in `audit` and missing in `bpm`.
inline Catalog sample_catalog() {
  using T = ColumnType;
  Catalog catalog;
  add_measurement(catalog, 1, "audit",
                  {{"service", T::kString},
                   {"transaction", T::kString},
                   {"status", T::kString},
                   {"duration_ms", T::kF64},
                   {"user", T::kString},
                   {"message", T::kString},
                   {"code", T::kI64},
                   {"ok", T::kBool},
                   {"bytes", T::kU64}});
  add_measurement(catalog, 2, "bpm",
                  {{"service", T::kString},
                   {"status", T::kString},
                   {"duration_ms", T::kI64},
                   {"code", T::kString}});
  add_measurement(catalog, 3, "alerts", {{"rule", T::kString}, {"started_at", T::kI64}});
  return catalog;
}

/// 2026-11-24T12:00:00Z.
inline constexpr Timestamp kSampleNow = 1'795'521'600 * kSecond;

inline QueryOptions sample_options() {
  QueryOptions options;
  options.now = kSampleNow;
  options.parameters = {{"min_events", Value::of(int64_t{20})},
                        {"baseline_window", Value::duration(7 * kDay)}};
  return options;
}

}  // namespace tocsin
