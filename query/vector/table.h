// A table in memory: what flows between stages that need all rows.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "query/base/arena.h"
#include "query/format/result.h"
#include "query/plan/plan.h"
#include "query/vector/vector.h"

namespace tocsin {

/// The vector of the type has one entry per row, so has `valid`. A column that no later stage
/// reads may be `absent`: it has no entries.
struct TableColumn {
  ValueType type = ValueType::kNull;
  bool absent = false;
  std::vector<uint8_t> valid;  ///< 0 is null
  std::vector<int64_t> i64;
  std::vector<uint64_t> u64;
  std::vector<double> f64;
  std::vector<uint8_t> boolean;
  std::vector<std::string_view> text;  ///< views into the arenas of the table

  explicit TableColumn(ValueType column_type = ValueType::kNull) : type(column_type) {}

  Value at(size_t row) const;
  std::string_view text_at(size_t row) const { return text[row]; }
  bool is_null(size_t row) const { return valid[row] == 0; }

  void append_null();
  /// Requires: value.type == type, or null. Strings are kept in `arena`.
  void append(const Value& value, StringArena& arena);
  /// Appends the same row of another column of the type; views are shared.
  void append_from(const TableColumn& other, size_t row);
  void resize(size_t row_count);
  void reserve(size_t row_count);
  size_t memory_bytes() const;
};

/// Columns of equal length. Movable; copies share the strings.
struct Table {
  std::vector<TableColumn> columns;
  size_t row_count = 0;
  /// Who shares: every table made from this one, since their columns hold views into the same
  /// arenas.
  std::vector<std::shared_ptr<const StringArena>> arenas;
  /// The rows still have to be put into this order (stably); empty: they are in order. Lets `stats
  /// | sort | limit` skip the sorting of all groups by their keys.
  std::vector<SortKey> pending_order;

  explicit Table(std::span<const PlanColumn> plan_columns = {});

  /// The rows `order` of this table, in that order.
  Table take(std::span<const uint32_t> order) const;
  void share_arenas(const Table& other);
  /// Copies all strings into `arena`.
  void keep_texts(StringArena& arena);
  size_t memory_bytes() const;
};

/// Three-way comparison of two rows by sort keys: nulls last in both directions.
class RowOrder {
 public:
  RowOrder(const Table& table, std::span<const SortKey> keys);
  int compare(uint32_t a, uint32_t b) const;
  bool operator()(uint32_t a, uint32_t b) const { return compare(a, b) < 0; }

 private:
  struct Key {
    const TableColumn* column;
    bool descending;
  };
  std::vector<Key> keys_;
};

/// Three-way comparison of two rows of one column; neither may be null.
int compare_in_column(const TableColumn& column, size_t a, size_t b);

/// A number as a double, a bool as 0 or 1, any text as 0; NaN where the row is null.
double number_at(const TableColumn& column, size_t row);

/// Reads a table's rows into vectors without copying. The table must outlive it.
class TableSource final : public ColumnSource {
 public:
  explicit TableSource(const Table& table) : table_(table) {}
  Status read(uint32_t column, size_t start, size_t count, std::span<const uint32_t> selection,
              Vector& out) override;
  Result<const Dictionary*> dictionary(uint32_t) override { return nullptr; }

 private:
  const Table& table_;
};

/// Appends rows of vectors to a column; remembers where it keeps the strings of a dictionary, so
/// that each is kept once.
class ColumnAppender {
 public:
  void append(const Vector& vector, std::span<const uint32_t> rows, StringArena& arena,
              TableColumn& out);

 private:
  uint64_t serial_ = 0;
  std::vector<std::string_view> kept_;  // by code
};

/// Moves the columns out, with the names of `plan_columns`; copies the strings.
ResultTable to_result(Table table, std::span<const PlanColumn> plan_columns);

}  // namespace tocsin
