// Rows of the source: all in ascending time, or the first ones of an order.
//
// With a limit there are two passes. The first reads only the columns of the filters and of the
// order, and keeps the places of the first rows. The second reads all other columns for those
// places. If the order is by time, segments are visited from the end where it starts, until the
// remaining ones cannot contribute.
#include <algorithm>
#include <numeric>
#include <utility>

#include "db/base/check.h"
#include "query/operator/operators.h"

namespace tocsin {
namespace {

Table empty_table(const Program& program, const std::vector<uint8_t>& live) {
  Table table;
  for (size_t i = 0; i < program.columns.size(); ++i) {
    TableColumn& column = table.columns.emplace_back(program.nodes[program.columns[i]].type);
    column.absent = !live[i];
  }
  return table;
}

// ---- all rows -----------------------------------------------------------------------------------

// Appends the selected rows of the live columns to a table.
class LiveColumns {
 public:
  LiveColumns(const Program& program, const std::vector<uint8_t>& live)
      : program_(program), live_(live), appenders_(program.columns.size()) {}

  Status append(Evaluator& evaluator, StringArena& arena, Table& table) {
    for (size_t i = 0; i < program_.columns.size(); ++i) {
      if (!live_[i]) continue;
      TOCSIN_TRY(const Vector* vector, evaluator.value(program_.columns[i]));
      appenders_[i].append(*vector, evaluator.rows(), arena, table.columns[i]);
    }
    table.row_count += evaluator.rows().size();
    return {};
  }

 private:
  const Program& program_;
  const std::vector<uint8_t>& live_;
  std::vector<ColumnAppender> appenders_;
};

struct Piece {
  Table table;
  std::vector<Timestamp> times;
};

Result<Table> read_all(Execution& execution, const Scan& scan, const Program& program,
                       const std::vector<uint8_t>& live) {
  std::vector<std::unique_ptr<SourceReader>> readers(execution.thread_count());
  std::vector<Piece> pieces(scan.units.size());
  std::vector<MemoryGauge> gauges;
  for (size_t i = 0; i < pieces.size(); ++i) gauges.emplace_back(execution);
  const auto read_unit = [&](unsigned thread, size_t index) -> Status {
    auto& reader = readers[thread];
    if (!reader) reader = std::make_unique<SourceReader>(execution, program, nullptr);
    Piece& piece = pieces[index];
    piece.table = empty_table(program, live);
    auto arena = std::make_shared<StringArena>();
    LiveColumns columns(program, live);
    const auto append = [&]() -> Status {
      Evaluator& evaluator = reader->evaluator();
      TOCSIN_TRY(const Vector* time, evaluator.value(kSourceTime));
      for (const uint32_t row : evaluator.rows()) piece.times.push_back(time->i64[row]);
      TOCSIN_RETURN_IF_ERROR(columns.append(evaluator, *arena, piece.table));
      return gauges[index].set(piece.table.memory_bytes() + arena->memory_bytes() +
                               piece.times.capacity() * sizeof(Timestamp));
    };
    const ScanUnit& unit = scan.units[index];
    TOCSIN_TRY(const bool may_match, reader->open(unit));
    if (!may_match) return {};
    Status status = reader->read(unit, append);
    piece.table.arenas.push_back(std::move(arena));
    return status;
  };
  TOCSIN_RETURN_IF_ERROR(run_parallel(execution, scan.units.size(), read_unit));

  std::vector<Table> tables(1, empty_table(program, live));
  std::vector<Timestamp> times;
  bool ascending = true;
  for (Piece& piece : pieces) {
    if (piece.times.empty()) continue;
    ascending = ascending && (times.empty() || times.back() <= piece.times.front());
    times.insert(times.end(), piece.times.begin(), piece.times.end());
    piece.times = {};
    tables.push_back(std::move(piece.table));
  }
  Table result = join_tables(std::move(tables));
  if (ascending) return result;
  // Each piece is sorted already. The sort is stable, so equal times stay in the order of the
  // units.
  std::vector<uint32_t> order(times.size());
  std::iota(order.begin(), order.end(), 0u);
  std::ranges::stable_sort(order, {}, [&](uint32_t row) { return times[row]; });
  return gather_rows(execution, std::move(result), order);
}

// ---- the first rows of an order -----------------------------------------------------------------

// Candidates are rows of a table with the columns of the order, then time, unit and row. The last
// three break ties in the order of the source.
class TopRows {
 public:
  TopRows(Execution& execution, const Scan& scan, const Program& program,
          const RowsRequest& request)
      : execution_(execution), scan_(scan), program_(program), limit_(*request.limit) {
    for (const SortKey& key : request.order) {
      key_nodes_.push_back(program.columns.at(key.column));
      order_.push_back({static_cast<uint32_t>(order_.size()), key.descending});
    }
    by_time_ = order_.empty() || (order_.size() == 1 && key_nodes_[0] == kSourceTime);
    newest_first_ = by_time_ && !order_.empty() && order_[0].descending;
    time_column_ = static_cast<uint32_t>(order_.size());
    for (uint32_t i = 0; i < 3; ++i) order_.push_back({time_column_ + i, false});
  }

  /// Returns the chosen rows in order. The last two columns are unit and row.
  Result<Table> choose() {
    if (limit_ == 0) return no_candidates();
    std::vector<size_t> units(scan_.units.size());
    std::iota(units.begin(), units.end(), size_t{0});
    const auto info = [&](size_t unit) -> const SegmentInfo& {
      return scan_.units[unit].segment->info();
    };
    if (newest_first_) {
      std::ranges::stable_sort(units, std::ranges::greater{},
                               [&](size_t unit) { return info(unit).max_time; });
    }
    // An order by time may end early, so only a few units are visited at a time.
    const size_t batch = by_time_ ? execution_.thread_count() : std::max<size_t>(units.size(), 1);
    std::vector<std::unique_ptr<SourceReader>> readers(execution_.thread_count());
    Table best = no_candidates();
    for (size_t start = 0; start < units.size(); start += batch) {
      if (by_time_ && best.row_count == limit_) {
        const Timestamp worst = best.columns[time_column_].i64.back();
        const SegmentInfo& next = info(units[start]);
        if (newest_first_ ? next.max_time <= worst : next.min_time >= worst) break;
      }
      const size_t count = std::min(batch, units.size() - start);
      std::vector<Table> found(execution_.thread_count(), no_candidates());
      const auto work = [&](unsigned thread, size_t index) {
        auto& reader = readers[thread];
        if (!reader) reader = std::make_unique<SourceReader>(execution_, program_, nullptr);
        return visit(units[start + index], *reader, found[thread]);
      };
      TOCSIN_RETURN_IF_ERROR(run_parallel(execution_, count, work));
      for (Table& table : found) append_table(best, std::move(table));
      TOCSIN_TRY(best, best_of(std::move(best)));
    }
    return best;
  }

 private:
  Table no_candidates() const {
    Table table;
    for (const NodeId node : key_nodes_) table.columns.emplace_back(program_.nodes[node].type);
    table.columns.emplace_back(ValueType::kTime);
    table.columns.emplace_back(ValueType::kI64);
    table.columns.emplace_back(ValueType::kI64);
    return table;
  }

  // The first rows in order, copied so that the strings of the others can be freed.
  Result<Table> best_of(Table candidates) const {
    TOCSIN_TRY(Table best, table_sort(execution_, std::move(candidates), order_, limit_));
    best.pending_order.clear();
    auto arena = std::make_shared<StringArena>();
    best.keep_texts(*arena);
    best.arenas = {std::move(arena)};
    return best;
  }

  Status visit(size_t unit_index, SourceReader& reader, Table& found) {
    const ScanUnit& unit = scan_.units[unit_index];
    TOCSIN_TRY(const bool may_match, reader.open(unit));
    if (!may_match) return {};
    reader.note_access(SourceReader::Access::kRead);
    MemoryGauge gauge(execution_);
    auto arena = std::make_shared<StringArena>();
    found.arenas.push_back(arena);
    std::vector<ColumnAppender> appenders(key_nodes_.size());
    const size_t before = found.row_count;
    // Iterates over the segment's own vectors, because each is decoded as a whole.
    const auto first = static_cast<uint32_t>(unit.start / kVectorRows);
    const auto count = static_cast<uint32_t>((unit.end - 1) / kVectorRows) - first + 1;
    for (uint32_t i = 0; i < count; ++i) {
      const uint32_t vector = first + (newest_first_ ? count - 1 - i : i);
      const auto vector_start = static_cast<uint32_t>(vector * kVectorRows);
      const uint32_t start = std::max(unit.start, vector_start);
      const auto end =
          static_cast<uint32_t>(std::min<size_t>(unit.end, vector_start + kVectorRows));
      TOCSIN_RETURN_IF_ERROR(reader.load(start, end - start));
      TOCSIN_RETURN_IF_ERROR(
          append(unit_index, start, reader.evaluator(), appenders, *arena, found));
      if (by_time_ && found.row_count - before >= limit_) break;
      if (should_prune(found)) {
        TOCSIN_TRY(found, best_of(std::move(found)));
        arena = std::make_shared<StringArena>();
        found.arenas.push_back(arena);
        appenders.assign(key_nodes_.size(), {});  // they remember strings of the old arena
      }
      TOCSIN_RETURN_IF_ERROR(gauge.set(found.memory_bytes()));
    }
    return {};
  }

  // Whether there are enough rows beyond the first `limit_` to make removing them worthwhile.
  bool should_prune(const Table& found) const {
    constexpr size_t kPruneRowsMin = 64 * 1024;
    constexpr size_t kPruneShare = 16;  // prune at 1 / kPruneShare of the query's memory
    if (limit_ > SIZE_MAX / 4 || found.row_count < limit_ * 2) return false;
    return found.row_count >= std::max<size_t>(kPruneRowsMin, limit_ * 4) ||
           found.memory_bytes() >=
               execution_.options().memory_bytes_max / kPruneShare / execution_.thread_count();
  }

  Status append(size_t unit, uint32_t start, Evaluator& evaluator,
                std::vector<ColumnAppender>& appenders, StringArena& arena, Table& found) {
    const auto rows = evaluator.rows();
    if (rows.empty()) return {};
    for (size_t k = 0; k < key_nodes_.size(); ++k) {
      TOCSIN_TRY(const Vector* key, evaluator.value(key_nodes_[k]));
      appenders[k].append(*key, rows, arena, found.columns[k]);
    }
    TOCSIN_TRY(const Vector* time, evaluator.value(kSourceTime));
    TableColumn& times = found.columns[time_column_];
    TableColumn& units = found.columns[time_column_ + 1];
    TableColumn& places = found.columns[time_column_ + 2];
    for (TableColumn* column : {&times, &units, &places}) {
      column->valid.insert(column->valid.end(), rows.size(), 1);
    }
    for (const uint32_t row : rows) {
      times.i64.push_back(time->i64[row]);
      units.i64.push_back(static_cast<int64_t>(unit));
      places.i64.push_back(start + row);
    }
    found.row_count += rows.size();
    return {};
  }

  Execution& execution_;
  const Scan& scan_;
  const Program& program_;
  uint64_t limit_;
  std::vector<NodeId> key_nodes_;
  std::vector<SortKey> order_;  // over the candidates' columns
  uint32_t time_column_ = 0;
  bool by_time_ = false;
  bool newest_first_ = false;
};

// Reads the live columns of the rows in `places`, whose last two columns are unit and row.
Result<Table> fetch(Execution& execution, const Scan& scan, const Program& program,
                    const std::vector<uint8_t>& live, const Table& places) {
  const std::vector<int64_t>& unit_of = places.columns[places.columns.size() - 2].i64;
  const std::vector<int64_t>& row_of = places.columns.back().i64;
  std::vector<uint32_t> by_place(places.row_count);
  std::iota(by_place.begin(), by_place.end(), 0u);
  std::ranges::sort(by_place, {}, [&](uint32_t i) { return std::pair(unit_of[i], row_of[i]); });

  Table table = empty_table(program, live);
  auto arena = std::make_shared<StringArena>();
  MemoryGauge gauge(execution);
  LiveColumns columns(program, live);
  SegmentSource source(execution.plan());
  Evaluator evaluator(program, execution, execution.plan().now, execution.plan().zone);
  std::vector<uint8_t> wanted;
  for (size_t i = 0; i < by_place.size();) {
    TOCSIN_RETURN_IF_ERROR(execution.check());
    const int64_t unit_index = unit_of[by_place[i]];
    const ScanUnit& unit = scan.units[static_cast<size_t>(unit_index)];
    if (i == 0 || unit_of[by_place[i - 1]] != unit_index) {
      source.open(*unit.segment, *unit.map, true);
      evaluator.bind(source);
    }
    // The segment's vector that contains the row.
    const auto start =
        static_cast<uint32_t>(static_cast<size_t>(row_of[by_place[i]]) / kVectorRows * kVectorRows);
    const auto count = static_cast<uint32_t>(
        std::min<size_t>(kVectorRows, unit.segment->info().row_count - start));
    wanted.assign(count, 0);
    for (; i < by_place.size() && unit_of[by_place[i]] == unit_index &&
           row_of[by_place[i]] < start + count;
         ++i) {
      wanted[static_cast<size_t>(row_of[by_place[i]]) - start] = 1;
    }
    evaluator.begin(start, count);
    evaluator.select(wanted);
    TOCSIN_RETURN_IF_ERROR(columns.append(evaluator, *arena, table));
    TOCSIN_RETURN_IF_ERROR(gauge.set(table.memory_bytes() + arena->memory_bytes()));
  }
  table.arenas.push_back(std::move(arena));
  TOCSIN_CHECK(table.row_count == places.row_count);
  std::vector<uint32_t> order(by_place.size());
  for (uint32_t i = 0; i < by_place.size(); ++i) order[by_place[i]] = i;
  return gather_rows(execution, std::move(table), order);
}

}  // namespace

Result<Table> read_rows(Execution& execution, const Scan& scan, const Program& program,
                        const RowsRequest& request) {
  TOCSIN_CHECK(request.live.size() == program.columns.size());
  if (!request.limit) {
    TOCSIN_CHECK(request.order.empty());
    return read_all(execution, scan, program, request.live);
  }
  TOCSIN_TRY(const Table places, TopRows(execution, scan, program, request).choose());
  return fetch(execution, scan, program, request.live, places);
}

}  // namespace tocsin
