#include "query/vector/table.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "db/base/check.h"
#include "query/format/typed_values.h"
#include "query/vector/kernels.h"

namespace tocsin {
namespace {

// The member of `other` that corresponds to `values`, a member of another column.
template <class Values, class Column>
auto& same_values(const Values&, Column& other) {
  return values_of<typename Values::value_type>(other);
}

template <class T>
std::span<const T> slice(const std::vector<T>& values, size_t start, size_t count) {
  return values.empty() ? std::span<const T>{} : std::span<const T>(values).subspan(start, count);
}

}  // namespace

Value TableColumn::at(size_t row) const {
  if (absent || is_null(row)) return Value::null();
  if (type == ValueType::kString) return Value::of(std::string(text[row]));
  return scalar_at(*this, row);
}

void TableColumn::append_null() {
  valid.push_back(0);
  visit_values(*this, [](auto& values) { values.emplace_back(); });
}

void TableColumn::append(const Value& value, StringArena& arena) {
  if (value.is_null() || type == ValueType::kNull) {
    append_null();
    return;
  }
  valid.push_back(1);
  switch (type) {
    case ValueType::kBool: boolean.push_back(std::get<bool>(value.data)); break;
    case ValueType::kU64: u64.push_back(std::get<uint64_t>(value.data)); break;
    case ValueType::kF64: f64.push_back(std::get<double>(value.data)); break;
    case ValueType::kString: text.push_back(arena.keep(std::get<std::string>(value.data))); break;
    default: i64.push_back(std::get<int64_t>(value.data)); break;
  }
}

void TableColumn::append_from(const TableColumn& other, size_t row) {
  valid.push_back(other.valid[row]);
  visit_values(*this, [&](auto& values) { values.push_back(same_values(values, other)[row]); });
}

void TableColumn::resize(size_t row_count) {
  valid.resize(row_count);
  visit_values(*this, [&](auto& values) { values.resize(row_count); });
}

void TableColumn::reserve(size_t row_count) {
  valid.reserve(row_count);
  visit_values(*this, [&](auto& values) { values.reserve(row_count); });
}

size_t TableColumn::memory_bytes() const {
  size_t bytes = valid.capacity();
  visit_values(*this, [&](auto& values) { bytes += values.capacity() * sizeof(values[0]); });
  return bytes;
}

size_t TableColumn::row_bytes() const {
  size_t bytes = sizeof(uint8_t);
  visit_values(*this, [&](auto& values) { bytes += sizeof(values[0]); });
  return bytes;
}

Table::Table(std::span<const PlanColumn> plan_columns) {
  for (const PlanColumn& column : plan_columns) columns.emplace_back(column.type);
}

Table Table::gather(std::span<const uint32_t> rows) const {
  Table result;
  result.row_count = rows.size();
  result.share_arenas(*this);
  for (const TableColumn& column : columns) {
    TableColumn& out = result.columns.emplace_back(column.type);
    out.absent = column.absent;
    if (column.absent) continue;
    out.resize(rows.size());
    kernels::gather(std::span(column.valid), rows, std::span(out.valid));
    visit_values(column, [&](const auto& values) {
      kernels::gather(std::span(values), rows, std::span(same_values(values, out)));
    });
  }
  return result;
}

void Table::keep_first(size_t count) {
  TOCSIN_CHECK(pending_order.empty() && count <= row_count);
  for (TableColumn& column : columns) {
    if (!column.absent) column.resize(count);
  }
  row_count = count;
}

void Table::share_arenas(const Table& other) {
  for (const auto& arena : other.arenas) {
    if (std::ranges::find(arenas, arena) == arenas.end()) arenas.push_back(arena);
  }
}

void Table::keep_texts(StringArena& arena) {
  for (TableColumn& column : columns) {
    for (std::string_view& text : column.text) text = arena.keep(text);
  }
}

size_t Table::memory_bytes() const {
  size_t bytes = 0;
  for (const TableColumn& column : columns) bytes += column.memory_bytes();
  for (const auto& arena : arenas) bytes += arena->memory_bytes();
  return bytes;
}

int compare_in_column(const TableColumn& column, size_t a, size_t b) {
  if (column.type == ValueType::kString) {
    const std::string_view x = column.text[a], y = column.text[b];
    // The text of a key is stored once, so equal texts are mostly the same view.
    const bool same = x.data() == y.data() && x.size() == y.size();
    return same ? 0 : x.compare(y);
  }
  int order = 0;
  visit_values(column, [&](const auto& values) {
    order = values[a] < values[b] ? -1 : values[b] < values[a] ? 1 : 0;
  });
  return order;
}

double number_at(const TableColumn& column, size_t row) {
  if (column.is_null(row)) return std::nan("");
  switch (column.type) {
    case ValueType::kF64: return column.f64[row];
    case ValueType::kU64: return static_cast<double>(column.u64[row]);
    case ValueType::kBool: return column.boolean[row];
    case ValueType::kString: return 0;  // callers only test texts for null
    default: return static_cast<double>(column.i64[row]);
  }
}

TableOrder::TableOrder(const Table& table, std::span<const SortKey> keys) {
  for (const SortKey& key : keys) {
    TOCSIN_CHECK(!table.columns.at(key.column).absent);
    keys_.push_back({&table.columns[key.column], key.descending});
  }
}

int TableOrder::compare(uint32_t a, uint32_t b) const {
  for (const Key& key : keys_) {
    const bool null_a = key.column->is_null(a);
    const bool null_b = key.column->is_null(b);
    if (null_a || null_b) {
      if (null_a != null_b) return null_a ? 1 : -1;
      continue;
    }
    const int order = compare_in_column(*key.column, a, b);
    if (order != 0) return key.descending ? -order : order;
  }
  return 0;
}

Status TableSource::read(uint32_t index, size_t start, size_t count, std::span<const uint32_t>,
                         Vector& out) {
  const TableColumn& column = table_.columns.at(index);
  TOCSIN_CHECK(!column.absent);
  out.reset(column.type, count);
  out.valid = slice(column.valid, start, count);
  out.i64 = slice(column.i64, start, count);
  out.u64 = slice(column.u64, start, count);
  out.f64 = slice(column.f64, start, count);
  out.boolean = slice(column.boolean, start, count);
  out.text = slice(column.text, start, count);
  return {};
}

void ColumnAppender::append(const Vector& vector, std::span<const uint32_t> rows,
                            StringArena& arena, TableColumn& out) {
  const size_t before = out.valid.size();
  out.resize(before + rows.size());
  for (size_t i = 0; i < rows.size(); ++i) out.valid[before + i] = !vector.is_null(rows[i]);
  if (vector.type == ValueType::kNull) {
    std::fill(out.valid.begin() + static_cast<ptrdiff_t>(before), out.valid.end(), uint8_t{0});
    return;
  }
  TOCSIN_CHECK(vector.type == out.type);
  if (vector.type != ValueType::kString) {
    visit_values(vector, [&](const auto values) {
      auto& to = same_values(values, out);
      for (size_t i = 0; i < rows.size(); ++i) to[before + i] = values[rows[i]];
    });
    return;
  }
  if (vector.codes.empty()) {
    for (size_t i = 0; i < rows.size(); ++i) {
      out.text[before + i] = arena.keep(vector.text[rows[i]]);
    }
    return;
  }
  if (vector.dictionary->serial != serial_) {
    serial_ = vector.dictionary->serial;
    kept_.assign(vector.dictionary->entries.size() + 1, {});
  }
  for (size_t i = 0; i < rows.size(); ++i) {
    std::string_view& kept = kept_[vector.codes[rows[i]]];
    if (kept.data() == nullptr) kept = arena.keep(vector.text_at(rows[i]));
    out.text[before + i] = kept;
  }
}

}  // namespace tocsin
