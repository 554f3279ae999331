// A slice that does not fit into memory is halved; after one that fits, the next is longer.
#include "tools/export/query_rows.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>

#include <fmt/format.h>

namespace tocsin {
namespace {

constexpr const char* kMeasurementColumn = "measurement";
constexpr const char* kTimeColumn = "time";
constexpr uint64_t kSegmentsKeptMax = 16;  // after more, the database is reopened

bool is_row_by_row(const Plan& plan) {
  return std::ranges::all_of(plan.stages, [](const Stage& stage) {
    return std::holds_alternative<FilterStage>(stage.operation) ||
           std::holds_alternative<LetStage>(stage.operation) ||
           std::holds_alternative<ProjectStage>(stage.operation);
  });
}

ColumnType stored_type(ValueType type) {
  switch (type) {
    case ValueType::kBool: return ColumnType::kBool;
    case ValueType::kU64: return ColumnType::kU64;
    case ValueType::kF64: return ColumnType::kF64;
    case ValueType::kString: return ColumnType::kString;
    default: return ColumnType::kI64;
  }
}

constexpr uint32_t kNoCell = UINT32_MAX;

/// The type that comes first in the result may not be the first of the measurement.
void set_first_types(const Measurement& stored, std::vector<TypedColumn>& columns) {
  for (TypedColumn& first : columns) {
    const Column* same = first.first ? stored.find(first.name) : nullptr;
    if (same == nullptr || same->type != first.type) continue;
    for (TypedColumn& column : columns) {
      if (column.name == first.name) column.first.emplace(first.type, first.kind);
    }
    first.first.reset();
  }
}

class QueryRows final : public RowSource {
 public:
  QueryRows(OpenDatabase open_database, QueryOptions options)
      : open_database_(std::move(open_database)), options_(std::move(options)) {
    options_.keep_siblings = true;
  }

  Status open(const QueryRowsOptions& options) {
    TOCSIN_RETURN_IF_ERROR(reopen());
    TOCSIN_TRY(plan_, engine_->prepare(options.text, options_));
    TOCSIN_RETURN_IF_ERROR(find_columns(options.measurement));
    return is_row_by_row(plan_) ? slice(options.slice_bytes_max) : Status();
  }

  const std::vector<TypedMeasurement>& measurements() const override { return measurements_; }
  uint64_t done() const override {
    if (!sliced_) return answered_ ? 1 : 0;
    return next_start_ <= range_.start ? 0 : width(range_.start, next_start_);
  }
  uint64_t total() const override {
    if (!sliced_) return 1;
    return range_.start >= range_.end ? 0 : width(range_.start, range_.end);
  }

  Result<bool> next(ExportRow& row) override {
    while (next_row_ == table_.row_count) {
      TOCSIN_TRY(const bool more, next_table());
      if (!more) return false;
    }
    const size_t at = next_row_++;
    if (table_.columns[time_].valid[at] == 0) {
      return fail(ErrorCode::kInvalid, "a row of the result has no time");
    }
    TOCSIN_RETURN_IF_ERROR(read(at, row));
    return true;
  }

 private:
  static uint64_t width(Timestamp start, Timestamp end) {
    return static_cast<uint64_t>(end) - static_cast<uint64_t>(start);
  }

  Status reopen() {
    engine_.reset();
    database_.reset();
    TOCSIN_TRY(database_, open_database_());
    engine_ = std::make_unique<QueryEngine>(*database_);
    segments_kept_ = 0;
    return {};
  }

  /// Finds the special columns of the result.
  Status find_columns(const std::string& measurement) {
    const auto& columns = plan_.output_columns();
    const auto find = [&](const char* name, ValueType type) -> std::optional<size_t> {
      for (size_t i = 0; i < columns.size(); ++i) {
        if (columns[i].name == name && columns[i].type == type && !columns[i].sibling) return i;
      }
      return std::nullopt;
    };
    const auto time = find(kTimeColumn, ValueType::kTime);
    if (!time) {
      return fail(ErrorCode::kInvalid,
                  "the result has no column `time`, so its rows cannot be imported again; "
                  "`tocsin query --format csv` writes any result");
    }
    time_ = *time;
    measurement_column_ = find(kMeasurementColumn, ValueType::kString);
    fallback_ = measurement;
    if (fallback_.empty() && is_row_by_row(plan_) && plan_.source.size() == 1) {
      fallback_ = plan_.source[0].name;
    }
    if (!measurement_column_ && fallback_.empty()) {
      return fail(ErrorCode::kInvalid,
                  "the result has no column `measurement`; name one with --measurement");
    }
    add_measurements();
    return {};
  }

  /// Prepares to run the query in slices of the time range in which the measurements have rows.
  Status slice(size_t bytes_max) {
    SnapshotScope scope;
    for (const SourceMeasurement& source : plan_.source) scope.measurements.push_back(source.name);
    scope.range = plan_.range;
    TOCSIN_TRY(const auto infos, database_->segment_infos(scope));
    range_ = {kTimeMax, kTimeMin};
    for (const SegmentInfo& info : infos) {
      range_.start = std::min(range_.start, std::max(info.min_time, plan_.range.start));
      // No half-open range can include the last nanosecond.
      const Timestamp end = info.max_time == kTimeMax ? kTimeMax : info.max_time + 1;
      range_.end = std::max(range_.end, std::min(end, plan_.range.end));
    }
    next_start_ = range_.start;
    whole_bytes_max_ = options_.memory_bytes_max;
    slice_bytes_max_ = bytes_max;
    sliced_ = true;
    return {};
  }

  /// Adds every measurement that rows may belong to: the columns of the result, with the kinds that
  /// they have in that measurement.
  void add_measurements() {
    if (!measurement_column_) return add_measurement(fallback_);
    for (const SourceMeasurement& source : plan_.source) add_measurement(source.name);
  }

  void add_measurement(const std::string& name) {
    const auto& columns = plan_.output_columns();
    const auto catalog = database_->catalog();
    const Measurement* stored = catalog->find(name);
    TypedMeasurement measurement{name, {}};
    std::vector<uint32_t> index(columns.size(), kNoCell);
    for (size_t i = 0; i < columns.size(); ++i) {
      const bool replaced = columns[i].sibling && columns[i].name.empty();
      if (i == time_ || i == measurement_column_ || replaced) continue;
      TypedColumn column{columns[i].name, stored_type(columns[i].type), ColumnKind::kField};
      const Column* same =
          stored == nullptr ? nullptr : find_column(*stored, column.name, columns[i].type);
      if (columns[i].type == ValueType::kTime) {
        column.kind = ColumnKind::kTime;
      } else if (same != nullptr && same->type == column.type) {
        column.kind = same->kind;
      }
      index[i] = static_cast<uint32_t>(measurement.columns.size());
      measurement.columns.push_back(std::move(column));
    }
    mark_siblings(measurement.columns);
    if (stored != nullptr) set_first_types(*stored, measurement.columns);
    by_name_[name] = static_cast<uint32_t>(measurements_.size());
    measurements_.push_back(std::move(measurement));
    cell_index_ = std::move(index);  // the same for all measurements
  }

  Result<bool> next_table() {
    next_row_ = 0;
    table_ = ResultTable();
    if (!sliced_) {
      if (answered_) return false;
      answered_ = true;
      TOCSIN_TRY(table_, engine_->execute(plan_, options_));
      return true;
    }
    if (next_start_ >= range_.end) return false;
    return next_slice();
  }

  Result<bool> next_slice() {
    if (segments_kept_ > kSegmentsKeptMax) TOCSIN_RETURN_IF_ERROR(reopen());
    if (slice_width_ == 0) slice_width_ = width(range_.start, range_.end);
    while (true) {
      const uint64_t left = width(next_start_, range_.end);
      const uint64_t size = std::min(slice_width_, left);
      plan_.range = {next_start_,
                     static_cast<Timestamp>(static_cast<uint64_t>(next_start_) + size)};
      // A slice of one instant cannot be halved, so it gets the memory limit of a query.
      options_.memory_bytes_max = size == 1 ? whole_bytes_max_ : slice_bytes_max_;
      Result<ResultTable> answer = engine_->execute(plan_, options_);
      if (!answer && answer.error().code == ErrorCode::kLimit && size > 1) {
        slice_width_ = size / 2;
        continue;
      }
      if (!answer) return tl::unexpected<Error>(answer.error());
      table_ = *std::move(answer);
      segments_kept_ += table_.statistics.segments_read;
      next_start_ = plan_.range.end;
      // Grows slowly: reading a slice that does not fit is wasted work.
      if (size == slice_width_ && size < UINT64_MAX / 2) slice_width_ = size + size / 4 + 1;
      return true;
    }
  }

  Status read(size_t at, ExportRow& row) {
    row.measurement = 0;
    row.time = table_.columns[time_].i64[at];
    row.cells.clear();
    if (measurement_column_) {
      const ResultColumn& names = table_.columns[*measurement_column_];
      const auto known = names.valid[at] == 0 ? by_name_.end() : by_name_.find(names.text[at]);
      if (known == by_name_.end()) {
        return fail(ErrorCode::kInvalid,
                    "the column `measurement` of the result contains a name that is not in `from`");
      }
      row.measurement = known->second;
    }
    for (size_t i = 0; i < table_.columns.size(); ++i) {
      if (cell_index_[i] == kNoCell) continue;
      const ResultColumn& column = table_.columns[i];
      if (column.valid[at] != 0) row.cells.push_back(cell(column, cell_index_[i], at));
    }
    return {};
  }

  static ExportCell cell(const ResultColumn& column, uint32_t index, size_t at) {
    switch (column.type) {
      case ValueType::kBool: return {index, column.boolean[at], {}};
      case ValueType::kU64: return {index, column.u64[at], {}};
      case ValueType::kF64: return {index, std::bit_cast<uint64_t>(column.f64[at]), {}};
      case ValueType::kString: return {index, 0, column.text[at]};
      default: return {index, static_cast<uint64_t>(column.i64[at]), {}};
    }
  }

  const OpenDatabase open_database_;
  QueryOptions options_;
  std::unique_ptr<Database> database_;
  std::unique_ptr<QueryEngine> engine_;  // of database_
  uint64_t segments_kept_ = 0;           // upper bound of the segments cached by database_
  Plan plan_;

  // The columns of the result.
  size_t time_ = 0;
  std::optional<size_t> measurement_column_;
  std::string fallback_;  // the measurement of rows that name none
  std::vector<TypedMeasurement> measurements_;
  std::map<std::string, uint32_t, std::less<>> by_name_;
  std::vector<uint32_t> cell_index_;  // by column of the result; kNoCell if its values are no cells

  // Progress.
  bool sliced_ = false;
  bool answered_ = false;  // if not sliced
  TimeRange range_;        // in which there are rows
  Timestamp next_start_ = 0;
  uint64_t slice_width_ = 0;
  size_t whole_bytes_max_ = 0;
  size_t slice_bytes_max_ = 0;
  ResultTable table_;
  size_t next_row_ = 0;
};

}  // namespace

Result<std::unique_ptr<RowSource>> open_query_rows(OpenDatabase open_database,
                                                   const QueryRowsOptions& options) {
  QueryOptions query = options.query;
  if (query.now == 0) query.now = SystemClock().now();  // the same for all slices
  auto rows = std::make_unique<QueryRows>(std::move(open_database), std::move(query));
  TOCSIN_RETURN_IF_ERROR(rows->open(options));
  return rows;
}

}  // namespace tocsin
