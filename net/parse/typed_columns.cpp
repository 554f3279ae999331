#include "net/parse/typed_columns.h"

#include <bit>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <limits>
#include <unordered_map>

#include <fmt/format.h>

#include "db/base/binary_text.h"
#include "db/base/text.h"
#include "net/parse/number.h"

namespace tocsin {
namespace {

constexpr std::string_view kBase64Prefix = "base64:";  // of a name
constexpr std::string_view kBase64Suffix = " base64";  // of a type
constexpr std::string_view kAfter = " after ";  // before the type of a sibling's first column
constexpr std::string_view kNanPrefix = "nan:";
constexpr uint64_t kUsualNan = std::bit_cast<uint64_t>(std::numeric_limits<double>::quiet_NaN());
constexpr size_t kNanDigits = 16;

constexpr ColumnType kTypes[] = {ColumnType::kI64, ColumnType::kU64, ColumnType::kF64,
                                 ColumnType::kBool, ColumnType::kString};
constexpr ColumnKind kKinds[] = {ColumnKind::kField, ColumnKind::kTag, ColumnKind::kTime};

}  // namespace

std::string type_text(const TypedColumn& column) {
  std::string out = fmt::format("{} {}{}", name_of(column.type), name_of(column.kind),
                                column.base64 ? kBase64Suffix : "");
  if (column.first) {
    const auto [type, kind] = *column.first;
    out += fmt::format("{}{} {}", kAfter, name_of(type), name_of(kind));
  }
  return out;
}

bool parse_type_text(std::string_view text, TypedColumn& column) {
  column.first.reset();
  if (const size_t after = text.find(kAfter); after != text.npos) {
    TypedColumn first;
    if (!parse_type_text(text.substr(after + kAfter.size()), first) || first.base64) return false;
    if (!parse_type_text(text.substr(0, after), column)) return false;
    column.first.emplace(first.type, first.kind);
    return true;
  }
  column.base64 = text.starts_with(name_of(ColumnType::kString)) && text.ends_with(kBase64Suffix);
  for (const ColumnType type : kTypes) {
    for (const ColumnKind kind : kKinds) {
      if (kind == ColumnKind::kTag && type != ColumnType::kString) continue;
      if (kind == ColumnKind::kTime && type != ColumnType::kI64) continue;
      column.type = type;
      column.kind = kind;
      if (type_text(column) == text) return true;
    }
  }
  return false;
}

void mark_siblings(std::vector<TypedColumn>& columns) {
  std::unordered_map<std::string_view, const TypedColumn*> first_of;
  for (TypedColumn& column : columns) {
    const auto [found, is_first] = first_of.emplace(column.name, &column);
    if (!is_first) column.first.emplace(found->second->type, found->second->kind);
  }
}

void add_exact_f64(std::string& out, double value) {
  if (std::isnan(value)) {
    const auto bits = std::bit_cast<uint64_t>(value);
    out += bits == kUsualNan ? "nan" : fmt::format("{}{:016x}", kNanPrefix, bits);
    return;
  }
  char buffer[32];
  const auto end = std::to_chars(buffer, buffer + sizeof buffer, value).ptr;  // also `inf`, `-inf`
  out.append(buffer, end);
}

std::optional<double> parse_exact_f64(std::string_view text) {
  if (const auto finite = parse_f64(text)) return finite;
  if (text == "inf") return std::numeric_limits<double>::infinity();
  if (text == "-inf") return -std::numeric_limits<double>::infinity();
  if (text == "nan") return std::numeric_limits<double>::quiet_NaN();
  if (!text.starts_with(kNanPrefix) || text.size() != kNanPrefix.size() + kNanDigits) {
    return std::nullopt;
  }
  uint64_t bits = 0;
  const auto end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data() + kNanPrefix.size(), end, bits, 16);
  const auto value = std::bit_cast<double>(bits);
  if (parsed.ec != std::errc() || parsed.ptr != end || !std::isnan(value)) return std::nullopt;
  return value;
}

bool is_plain_text(std::string_view bytes) {
  return bytes.find('\0') == bytes.npos && is_valid_utf8(bytes);
}

std::string exact_name(std::string_view name) {
  if (is_plain_text(name) && !is_base64_name(name)) return std::string(name);
  return std::string(kBase64Prefix) + base64_text(name);
}

std::optional<std::string> parse_exact_name(std::string_view text) {
  if (!is_base64_name(text)) return std::string(text);
  return parse_base64(text.substr(kBase64Prefix.size()));
}

bool is_base64_name(std::string_view text) { return text.starts_with(kBase64Prefix); }

}  // namespace tocsin
