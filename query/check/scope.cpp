#include "query/check/scope.h"

#include <algorithm>

#include <fmt/format.h>

#include "db/base/check.h"
#include "db/base/text.h"

namespace tocsin {
std::optional<uint32_t> Scope::find(std::string_view name) const {
  const auto found = index_.find(std::string(name));
  if (found == index_.end()) return std::nullopt;
  return found->second;
}

std::vector<uint32_t> Scope::family(uint32_t index) const {
  std::vector<uint32_t> out = {index};
  if (!has_siblings(index)) return out;
  const std::vector<uint32_t>& siblings = siblings_.at(columns_[index].name);
  out.insert(out.end(), siblings.begin(), siblings.end());
  return out;
}

uint32_t Scope::add(ScopeColumn column) {
  const auto index = static_cast<uint32_t>(columns_.size());
  if (column.sibling) {
    siblings_[column.name].push_back(index);
  } else {
    const bool added = index_.emplace(column.name, index).second;
    TOCSIN_CHECK(added);
  }
  columns_.push_back(std::move(column));
  return index;
}

void Scope::replace(uint32_t index, ScopeColumn column) {
  for (const uint32_t member : family(index)) {
    if (std::find(keys.begin(), keys.end(), member) != keys.end()) keys_complete = false;
    columns_[member].name.clear();  // no column has an empty name, so it belongs to none
  }
  siblings_.erase(column.name);
  if (time_bucket == index) time_bucket.reset();
  columns_[index] = std::move(column);
}

Scope Scope::project(const std::vector<uint32_t>& columns) const {
  Scope out;
  out.bucket = bucket;
  out.keys_complete = keys_complete;
  for (const uint32_t column : columns) out.add(columns_[column]);
  const auto moved = [&](uint32_t column) -> std::optional<uint32_t> {
    const auto found = std::find(columns.begin(), columns.end(), column);
    if (found == columns.end()) return std::nullopt;
    return static_cast<uint32_t>(found - columns.begin());
  };
  for (const uint32_t key : keys) {
    const auto place = moved(key);
    if (place) out.keys.push_back(*place);
    out.keys_complete = out.keys_complete && place.has_value();
  }
  if (time_bucket) out.time_bucket = moved(*time_bucket);
  return out;
}

std::vector<PlanColumn> Scope::plan_columns() const {
  std::vector<PlanColumn> out;
  out.reserve(columns_.size());
  for (const ScopeColumn& column : columns_) {
    out.push_back({column.name, column.type, column.unknown, column.sibling});
  }
  return out;
}

std::vector<std::string> Scope::names() const {
  std::vector<std::string> out;
  out.reserve(columns_.size());
  for (const ScopeColumn& column : columns_) {
    if (!column.sibling) out.push_back(column.name);
  }
  return out;
}

void CheckContext::warn_once(std::string warning) {
  if (std::ranges::find(warnings, warning) == warnings.end()) {
    warnings.push_back(std::move(warning));
  }
}

bool CheckContext::fault(TextSpan span, std::string message, std::string hint) {
  diagnostic.message = std::move(message);
  diagnostic.hint = std::move(hint);
  diagnostic.locate(text, span.start, span.end - span.start);
  return false;
}

bool CheckContext::unknown_name(const ast::Name& name, const Scope& scope) {
  const std::vector<std::string> names = scope.names();
  const std::string near = nearest_name(name.text, names);
  std::string message = fmt::format("no column `{}`", name.text);
  if (scope.open && !source_names.empty()) {
    message += " in " + source_names;
    const std::string owners = owners_of(name.text);
    if (!owners.empty())
      return fault(name.span, message, fmt::format("it is a column of {}", owners));
  }
  if (!near.empty()) return fault(name.span, message, did_you_mean(near));
  const bool removed = !scope.open && std::find(source_columns.begin(), source_columns.end(),
                                                name.text) != source_columns.end();
  if (removed) message += ": an earlier stage removed it";
  return fault(name.span, message, "the columns here are " + list_names(names));
}

std::string CheckContext::owners_of(std::string_view column) const {
  std::string first;
  size_t count = 0;
  for (const auto& [name, measurement] : catalog->measurements) {
    if (!measurement.find(column)) continue;
    if (count++ == 0) first = fmt::format("`{}`", name);
  }
  return count > 1 ? fmt::format("{} and {} more", first, count - 1) : first;
}

std::optional<uint32_t> CheckContext::resolve(const ast::Name& name, const Scope& scope) {
  if (const auto column = scope.find(name.text)) return column;
  if (scope.open && options.rule_mode) {
    unknown_column = name.text;
  } else {
    unknown_name(name, scope);
  }
  return std::nullopt;
}

std::string list_names(const std::vector<std::string>& names) {
  constexpr size_t kListedNamesMax = 12;
  std::string out;
  for (size_t i = 0; i < names.size() && i < kListedNamesMax; ++i) {
    out += (i == 0 ? "" : ", ") + ast::print_name(names[i]);
  }
  if (names.size() > kListedNamesMax) {
    out += fmt::format(" and {} more", names.size() - kListedNamesMax);
  }
  return out;
}

std::string describe(ValueType type) {
  switch (type) {
    case ValueType::kNull: return "null";
    case ValueType::kBool: return "a boolean";
    case ValueType::kI64:
    case ValueType::kU64:
    case ValueType::kF64: return fmt::format("a number ({})", name_of(type));
    case ValueType::kString: return "a string";
    case ValueType::kTime: return "a time";
    case ValueType::kDuration: return "a duration";
  }
  return "a value";
}

}  // namespace tocsin
