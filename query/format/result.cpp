#include "query/format/result.h"

#include <string>

#include <fmt/format.h>

#include "db/base/check.h"
#include "query/format/format.h"
#include "query/format/typed_values.h"

namespace tocsin {

Value ResultColumn::at(size_t row) const {
  if (valid[row] == 0) return Value::null();
  if (type == ValueType::kString) return Value::of(text[row]);
  return scalar_at(*this, row);
}

void ResultColumn::append(const Value& value) {
  const bool null = value.is_null();
  TOCSIN_CHECK(null || value.type == type);
  valid.push_back(!null);
  switch (type) {
    case ValueType::kBool: boolean.push_back(!null && std::get<bool>(value.data)); break;
    case ValueType::kU64: u64.push_back(null ? 0 : std::get<uint64_t>(value.data)); break;
    case ValueType::kF64: f64.push_back(null ? 0 : std::get<double>(value.data)); break;
    case ValueType::kString:
      text.push_back(null ? std::string() : std::get<std::string>(value.data));
      break;
    case ValueType::kNull: break;
    default: i64.push_back(null ? 0 : std::get<int64_t>(value.data)); break;
  }
}

size_t ResultTable::find(std::string_view name) const {
  size_t i = 0;
  while (i < columns.size() && columns[i].name != name) ++i;
  return i;
}

Result<ResultFormat> parse_result_format(std::string_view name) {
  if (name == "table") return ResultFormat::kTable;
  if (name == "csv") return ResultFormat::kCsv;
  if (name == "json") return ResultFormat::kJson;
  if (name == "ndjson") return ResultFormat::kNdjson;
  if (name == "lp") return ResultFormat::kLineProtocol;
  return fail(
      ErrorCode::kInvalid,
      fmt::format("unknown result format `{}`; expected table, csv, json, ndjson or lp", name));
}

}  // namespace tocsin
