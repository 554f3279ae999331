#include "db/write/lane_selection.h"

#include <cmath>

#include <fmt/format.h>

#include "db/base/json.h"

namespace tocsin {

std::string text_of_value(const Lane& lane, uint32_t k) {
  const std::string_view text = lane.text_of(k);
  if (!text.empty() || lane.type == ColumnType::kString) return std::string(text);
  switch (lane.type) {
    case ColumnType::kI64: return fmt::format("{}", lane.i64[k]);
    case ColumnType::kU64: return fmt::format("{}", lane.u64[k]);
    case ColumnType::kF64: return fmt::format("{}", lane.f64[k]);
    case ColumnType::kBool: return lane.i64[k] != 0 ? "true" : "false";
    case ColumnType::kString: break;
  }
  return {};
}

std::string json_of_value(const Lane& lane, uint32_t k) {
  switch (lane.type) {
    case ColumnType::kI64: return fmt::format("{}", lane.i64[k]);
    case ColumnType::kU64: return fmt::format("{}", lane.u64[k]);
    case ColumnType::kF64:
      if (std::isfinite(lane.f64[k])) return fmt::format("{}", lane.f64[k]);
      return json_quote(fmt::format("{}", lane.f64[k]));
    case ColumnType::kBool: return lane.i64[k] != 0 ? "true" : "false";
    case ColumnType::kString: return json_quote(lane.text_of(k));
  }
  return "null";
}

}  // namespace tocsin
