// A table in memory, as passed between stages that need all rows.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "query/base/arena.h"
#include "query/base/budget.h"
#include "query/format/result.h"
#include "query/plan/plan.h"
#include "query/vector/vector.h"

namespace tocsin {

/// The vector that matches `type` has one entry per row, and so has `valid`. A column that no later
/// stage reads may be `absent`; it has no entries.
struct TableColumn {
  ValueType type = ValueType::kNull;
  bool absent = false;
  std::vector<uint8_t> valid;  ///< 0 is null
  std::vector<int64_t> i64;
  std::vector<uint64_t> u64;
  std::vector<double> f64;
  std::vector<uint8_t> boolean;
  std::vector<std::string_view> text;  ///< views into the table's arenas

  explicit TableColumn(ValueType column_type = ValueType::kNull) : type(column_type) {}

  Value at(size_t row) const;
  std::string_view text_at(size_t row) const { return text[row]; }
  bool is_null(size_t row) const { return valid[row] == 0; }

  void append_null();
  /// Strings are copied to `arena`. Requires: value is null or value.type == type.
  void append(const Value& value, StringArena& arena);
  /// Appends a row of another column of the same type; strings are shared, not copied.
  void append_from(const TableColumn& other, size_t row);
  void resize(size_t row_count);
  void reserve(size_t row_count);
  size_t memory_bytes() const;
  size_t row_bytes() const;  ///< of one row, without the text
};

/// Columns of equal length. Movable; copies share the strings.
struct Table {
  std::vector<TableColumn> columns;
  size_t row_count = 0;
  /// Shared by all tables made from this one, whose columns hold views into the same arenas.
  std::vector<std::shared_ptr<const StringArena>> arenas;
  /// The order that the rows still have to be sorted into (stably); empty: they are in order. This
  /// way `stats | sort | limit` need not sort all groups by their keys.
  std::vector<SortKey> pending_order;

  explicit Table(std::span<const PlanColumn> plan_columns = {});

  /// A table of the given rows, in that order.
  Table gather(std::span<const uint32_t> rows) const;
  /// Drops the rows after the first `count`. Requires: the rows are in order.
  void keep_first(size_t count);
  void share_arenas(const Table& other);
  /// Copies all strings to `arena`.
  void keep_texts(StringArena& arena);
  size_t memory_bytes() const;
};

/// Three-way comparison of two rows by sort keys. Nulls come last in both directions.
class TableOrder {
 public:
  TableOrder(const Table& table, std::span<const SortKey> keys);
  int compare(uint32_t a, uint32_t b) const;
  bool operator()(uint32_t a, uint32_t b) const { return compare(a, b) < 0; }

 private:
  struct Key {
    const TableColumn* column;
    bool descending;
  };
  std::vector<Key> keys_;
};

/// Three-way comparison of two rows of one column. Requires: neither is null.
int compare_in_column(const TableColumn& column, size_t a, size_t b);

/// A number as a double, a bool as 0 or 1, any text as 0, and null as NaN.
double number_at(const TableColumn& column, size_t row);

/// Shows a table's rows as vectors without copying. The table must outlive it.
class TableSource final : public ColumnSource {
 public:
  explicit TableSource(const Table& table) : table_(table) {}
  Status read(uint32_t column, size_t start, size_t count, std::span<const uint32_t> selection,
              Vector& out) override;
  Result<const Dictionary*> dictionary(uint32_t) override { return nullptr; }

 private:
  const Table& table_;
};

/// Appends rows of vectors to a column. Remembers its copies of the strings of a dictionary, so
/// that each is copied once.
class ColumnAppender {
 public:
  void append(const Vector& vector, std::span<const uint32_t> rows, StringArena& arena,
              TableColumn& out);

 private:
  uint64_t serial_ = 0;
  std::vector<std::string_view> kept_;  // by code
};

/// Moves the columns out, with the names of `plan_columns`; copies the strings, which count towards
/// the memory of the query. A column of which a sibling has values becomes one of texts, unless
/// `keep_siblings`. In result.cpp.
Result<ResultTable> to_result(Budget& budget, Table table, std::span<const PlanColumn> plan_columns,
                              bool keep_siblings);

}  // namespace tocsin
