// Filters, lets, projections, stats and distinct over a table.
#include <algorithm>

#include "query/format/typed_values.h"
#include "query/operator/operators.h"

namespace tocsin {
namespace {

// Reads a table vector by vector; sets the window and now() of the rows of a windowed table.
class TableReader {
 public:
  TableReader(Execution& execution, const Table& table, const Program& program,
              const Windows* windows)
      : execution_(execution),
        table_(table),
        windows_(windows),
        source_(table),
        evaluator_(program, execution, execution.plan().now, execution.plan().zone) {
    evaluator_.bind(source_);
  }

  template <class F>
  Status read(F consume) {
    for (size_t start = 0; start < table_.row_count; start += kVectorRows) {
      TOCSIN_RETURN_IF_ERROR(execution_.check());
      const size_t count = std::min(kVectorRows, table_.row_count - start);
      evaluator_.begin(start, count);
      if (windows_) show_windows(start, count);
      TOCSIN_RETURN_IF_ERROR(evaluator_.filter());
      if (!evaluator_.rows().empty()) TOCSIN_RETURN_IF_ERROR(consume());
    }
    return {};
  }

  Evaluator& evaluator() { return evaluator_; }
  const Vector* window() const { return windows_ ? &window_ : nullptr; }

 private:
  void show_windows(size_t start, size_t count) {
    window_.reset(ValueType::kI64, count);
    window_.i64 = std::span(table_.columns.back().i64).subspan(start, count);
    now_.resize(count);
    for (size_t i = 0; i < count; ++i) {
      now_[i] = windows_->now_in(static_cast<uint32_t>(window_.i64[i]));
    }
    evaluator_.set_now(now_);
  }

  Execution& execution_;
  const Table& table_;
  const Windows* windows_;
  TableSource source_;
  Evaluator evaluator_;
  Vector window_;
  std::vector<Timestamp> now_;
};

// The pending order in terms of the program's output columns; nothing if one of its columns is not
// among them.
std::optional<std::vector<SortKey>> carried_order(const Table& table, const Program& program) {
  std::vector<SortKey> carried;
  for (const SortKey& key : table.pending_order) {
    const auto found = std::ranges::find(program.columns, NodeId{key.column});
    if (found == program.columns.end()) return std::nullopt;
    carried.push_back({static_cast<uint32_t>(found - program.columns.begin()), key.descending});
  }
  return carried;
}

}  // namespace

void append_table(Table& to, Table from) {
  if (to.row_count == 0 && to.arenas.empty()) {
    to = std::move(from);
    return;
  }
  to.row_count += from.row_count;
  to.share_arenas(from);
  const auto move_to_end = [](auto& values, auto& more) {
    values.insert(values.end(), more.begin(), more.end());
    more = {};
  };
  for (size_t i = 0; i < to.columns.size(); ++i) {
    TableColumn& more = from.columns[i];
    move_to_end(to.columns[i].valid, more.valid);
    visit_values(to.columns[i], [&](auto& values) {
      using T = typename std::remove_reference_t<decltype(values)>::value_type;
      move_to_end(values, values_of<T>(more));
    });
  }
}

Table join_tables(std::vector<Table> parts) {
  size_t row_count = 0;
  for (const Table& part : parts) row_count += part.row_count;
  Table result = std::move(parts.front());
  for (TableColumn& column : result.columns) {
    if (!column.absent) column.reserve(row_count);
  }
  for (size_t i = 1; i < parts.size(); ++i) append_table(result, std::move(parts[i]));
  return result;
}

Result<Table> gather_rows(Execution& execution, Table input, std::span<const uint32_t> rows) {
  MemoryGauge gauge(execution);
  Table result;
  result.row_count = rows.size();
  result.share_arenas(input);
  size_t bytes = 0;
  for (TableColumn& column : input.columns) {
    if (!column.absent) bytes += column.row_bytes() * rows.size();
    TOCSIN_RETURN_IF_ERROR(execution.check());
    TOCSIN_RETURN_IF_ERROR(gauge.set(bytes));
    Table one;
    one.columns.push_back(std::move(column));
    one.row_count = input.row_count;
    result.columns.push_back(std::move(one.gather(rows).columns.front()));
    bytes -= std::min(bytes, one.memory_bytes());  // the caller counts `input`
  }
  return result;
}

Result<Table> table_rows(Execution& execution, Table input, const Program& program,
                         std::span<const uint8_t> live, const Windows* windows) {
  auto order = carried_order(input, program);
  if (!order) {
    TOCSIN_TRY(input, settle_order(execution, std::move(input)));
    order.emplace();
  }
  Table result;
  for (size_t i = 0; i < program.columns.size(); ++i) {
    TableColumn& column = result.columns.emplace_back(program.nodes[program.columns[i]].type);
    column.absent = !live.empty() && !live[i];
  }
  for (const SortKey& key : *order) result.columns[key.column].absent = false;
  if (windows) result.columns.emplace_back(ValueType::kI64);
  auto arena = std::make_shared<StringArena>();
  std::vector<ColumnAppender> appenders(result.columns.size());
  MemoryGauge gauge(execution);

  TableReader reader(execution, input, program, windows);
  const auto append = [&]() -> Status {
    const auto rows = reader.evaluator().rows();
    for (size_t i = 0; i < program.columns.size(); ++i) {
      TableColumn& out = result.columns[i];
      if (out.absent) continue;
      TOCSIN_TRY(const Vector* vector, reader.evaluator().value(program.columns[i]));
      appenders[i].append(*vector, rows, *arena, out);
    }
    if (windows) appenders.back().append(*reader.window(), rows, *arena, result.columns.back());
    result.row_count += rows.size();
    return gauge.set(result.memory_bytes() + arena->memory_bytes());
  };
  TOCSIN_RETURN_IF_ERROR(reader.read(append));
  // If few rows are left, copies their strings, so that those of the others can be freed.
  if (result.row_count < input.row_count / 4) {
    result.keep_texts(*arena);
  } else {
    result.share_arenas(input);
  }
  result.arenas.push_back(std::move(arena));
  result.pending_order = std::move(*order);
  return result;
}

Result<Table> table_stats(Execution& execution, const Table& input, const Program& program,
                          const StatsPlan& stats, const Windows* windows) {
  StatsState state(stats, program, execution);
  TableReader reader(execution, input, program, windows);
  TOCSIN_RETURN_IF_ERROR(
      reader.read([&] { return state.add(reader.evaluator(), reader.window()); }));
  return state.finish();
}

Result<Table> table_distinct(Execution& execution, Table input, const DistinctStage& stage) {
  TOCSIN_TRY(input, settle_order(execution, std::move(input)));
  std::vector<ValueType> types;
  for (const uint32_t column : stage.columns) types.push_back(input.columns.at(column).type);
  GroupTable groups(types);
  std::vector<uint32_t> first_rows;  // of each group
  std::vector<uint32_t> row_groups;

  std::vector<PlanColumn> columns;
  for (const TableColumn& column : input.columns) columns.push_back({"", column.type});
  const Program program(columns);
  TableReader reader(execution, input, program, nullptr);
  size_t start = 0;
  MemoryGauge gauge(execution);
  const auto add_rows = [&]() -> Status {
    std::vector<const Vector*> keys;
    for (const uint32_t column : stage.columns) {
      TOCSIN_TRY(const Vector* key, reader.evaluator().value(column));
      keys.push_back(key);
    }
    const auto rows = reader.evaluator().rows();
    row_groups.resize(rows.size());
    groups.assign(keys, rows, row_groups);
    for (size_t i = 0; i < rows.size(); ++i) {
      if (row_groups[i] == first_rows.size()) {
        first_rows.push_back(static_cast<uint32_t>(start + rows[i]));
      }
    }
    start += reader.evaluator().row_count();
    return gauge.set(groups.memory_bytes() + first_rows.capacity() * sizeof(first_rows[0]));
  };
  TOCSIN_RETURN_IF_ERROR(reader.read(add_rows));
  Table kept;
  kept.row_count = input.row_count;
  kept.share_arenas(input);
  for (const uint32_t column : stage.columns) {
    kept.columns.push_back(std::move(input.columns[column]));
  }
  return gather_rows(execution, std::move(kept), first_rows);
}

}  // namespace tocsin
