// A database in memory for tests of the query layer, with segments made from vectors of values.
#pragma once

#include <algorithm>
#include <map>
#include <memory>
#include <mutex>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include "db/database.h"
#include "query/base/value.h"

namespace tocsin {

/// The columns of a segment by name, with one value per row, which may be null. All values of a
/// column have the same type; times become an i64 column of kind kTime.
using MemoryColumns = std::vector<std::pair<std::string, std::vector<Value>>>;

class MemoryColumn final : public SegmentColumn {
 public:
  MemoryColumn(std::vector<Value> values, ColumnType type, bool dictionary,
               const std::vector<Timestamp>& times)
      : values_(std::move(values)),
        type_(type),
        dictionary_(dictionary && type == ColumnType::kString) {
    for (size_t row = 0; row < values_.size(); ++row) {
      if (values_[row].is_null()) {
        ++statistics_.null_count;
      } else if (type_ != ColumnType::kString) {
        add_to_range(number(row));
      }
    }
    if (dictionary_) build_dictionary(times);
  }

  ColumnType type() const override { return type_; }
  const ColumnStatistics& statistics() const override { return statistics_; }
  Status read_valid(size_t start, std::span<uint8_t> out) const override {
    for (size_t i = 0; i < out.size(); ++i) out[i] = !values_[start + i].is_null();
    return {};
  }
  Status read_i64(size_t start, std::span<int64_t> out, Only only) const override {
    return read(start, out, only);
  }
  Status read_u64(size_t start, std::span<uint64_t> out, Only only) const override {
    return read(start, out, only);
  }
  Status read_f64(size_t start, std::span<double> out, Only only) const override {
    return read(start, out, only);
  }
  Status read_bool(size_t start, std::span<uint8_t> out) const override {
    for (size_t i = 0; i < out.size(); ++i) {
      const auto* value = std::get_if<bool>(&values_[start + i].data);
      out[i] = value && *value;
    }
    return {};
  }
  bool has_dictionary() const override { return dictionary_; }
  Result<std::span<const std::string_view>> entries() const override { return entries_; }
  Result<std::span<const EntryStatistics>> entry_statistics() const override {
    return entry_statistics_;
  }
  Status read_codes(size_t start, std::span<uint32_t> out, Only only) const override {
    for_each_wanted(out, only, [&](size_t i) { out[i] = codes_[start + i]; });
    return {};
  }
  Status read_strings(std::span<const uint32_t> rows, StringVector& out) const override {
    out.values.clear();
    for (const uint32_t row : rows) {
      const auto* text = std::get_if<std::string>(&values_[row].data);
      out.values.push_back(text ? std::string_view(*text) : std::string_view());
    }
    return {};
  }

 private:
  template <class T>
  Status read(size_t start, std::span<T> out, Only only) const {
    const auto set = [&](size_t i) {
      const auto* value = std::get_if<T>(&values_[start + i].data);
      out[i] = value ? *value : T{};
    };
    for_each_wanted(out, only, set);
    return {};
  }

  // Sets only the requested values, so that a caller that uses others is caught.
  template <class T, class Set>
  static void for_each_wanted(std::span<T> out, Only only, Set set) {
    if (only.empty()) {
      for (size_t i = 0; i < out.size(); ++i) set(i);
      return;
    }
    std::ranges::fill(out, T{});
    for (const uint32_t i : only) set(i);
  }

  double number(size_t row) const {
    return std::visit(
        [](const auto& value) -> double {
          if constexpr (std::is_arithmetic_v<std::decay_t<decltype(value)>>) {
            return static_cast<double>(value);
          } else {
            return 0;
          }
        },
        values_[row].data);
  }

  void add_to_range(double value) {
    if (value != value) return;
    statistics_.min = statistics_.has_range ? std::min(statistics_.min, value) : value;
    statistics_.max = statistics_.has_range ? std::max(statistics_.max, value) : value;
    statistics_.has_range = true;
  }

  void build_dictionary(const std::vector<Timestamp>& times) {
    std::map<std::string_view, uint32_t> codes;
    codes_.resize(values_.size());
    for (size_t row = 0; row < values_.size(); ++row) {
      if (values_[row].is_null()) continue;
      const std::string_view text = std::get<std::string>(values_[row].data);
      const auto [place, is_new] = codes.emplace(text, static_cast<uint32_t>(entries_.size()));
      if (is_new) {
        entries_.push_back(text);
        entry_statistics_.push_back({0, times[row], times[row]});
      }
      codes_[row] = place->second;
      EntryStatistics& entry = entry_statistics_[place->second];
      ++entry.row_count;
      entry.last_time = times[row];
    }
  }

  std::vector<Value> values_;
  ColumnType type_;
  bool dictionary_;
  ColumnStatistics statistics_;
  std::vector<std::string_view> entries_;
  std::vector<EntryStatistics> entry_statistics_;
  std::vector<uint32_t> codes_;
};

/// How a MemorySegment stores its columns.
struct MemoryEncoding {
  bool dictionary = true;  ///< of string columns
};

class MemorySegment final : public Segment {
 public:
  MemorySegment(SegmentInfo info, std::vector<Timestamp> times,
                std::map<ColumnId, std::unique_ptr<MemoryColumn>> columns)
      : info_(std::move(info)), times_(std::move(times)), columns_(std::move(columns)) {}

  const SegmentInfo& info() const override { return info_; }
  Status read_times(size_t start, std::span<Timestamp> out) const override {
    std::copy_n(times_.begin() + static_cast<ptrdiff_t>(start), out.size(), out.begin());
    return {};
  }
  Result<std::pair<uint32_t, uint32_t>> rows_in(TimeRange range) const override {
    const auto start = std::ranges::lower_bound(times_, range.start) - times_.begin();
    const auto end = std::ranges::lower_bound(times_, range.end) - times_.begin();
    return std::pair(static_cast<uint32_t>(start), static_cast<uint32_t>(std::max(start, end)));
  }
  Result<const SegmentColumn*> column(const Column& column) const override {
    const auto found = columns_.find(column.id);
    return found == columns_.end() ? nullptr : found->second.get();
  }

 private:
  SegmentInfo info_;
  std::vector<Timestamp> times_;
  std::map<ColumnId, std::unique_ptr<MemoryColumn>> columns_;
};

/// Segments are added with add_segment(). Writing through the Database interface is not supported.
class MemoryDatabase final : public Database {
 public:
  /// Adds a segment and returns its id. The rows need not be sorted by time.
  uint64_t add_segment(const std::string& measurement, const std::vector<Timestamp>& times,
                       const MemoryColumns& columns, MemoryEncoding encoding = {}) {
    auto next = std::make_shared<Catalog>(*catalog_);
    Measurement& stored = next->measurements[measurement];
    if (stored.id == 0) {
      stored.id = static_cast<MeasurementId>(next->measurements.size());
      stored.name = measurement;
    }
    std::vector<size_t> order(times.size());
    std::iota(order.begin(), order.end(), size_t{0});
    std::ranges::stable_sort(order, {}, [&](size_t row) { return times[row]; });
    std::vector<Timestamp> sorted;
    for (const size_t row : order) sorted.push_back(times[row]);
    std::map<ColumnId, std::unique_ptr<MemoryColumn>> made;
    for (const auto& [name, values] : columns) {
      std::vector<Value> ordered;
      for (const size_t row : order) ordered.push_back(values.at(row));
      const Column& column = column_of(stored, name, values);
      made[column.id] = std::make_unique<MemoryColumn>(std::move(ordered), column.type,
                                                       encoding.dictionary, sorted);
    }
    SegmentInfo info;
    info.id = ++last_id_;
    info.measurement = stored.id;
    info.row_count = static_cast<uint32_t>(times.size());
    info.min_time = sorted.empty() ? 0 : sorted.front();
    info.max_time = sorted.empty() ? 0 : sorted.back();
    info.name = "memory " + std::to_string(info.id);
    info.commit_number = info.id;
    segments_.push_back(std::make_shared<MemorySegment>(info, std::move(sorted), std::move(made)));
    catalog_ = std::move(next);
    return info.id;
  }
  void remove_segment(uint64_t id) {
    std::erase_if(segments_, [&](const auto& segment) { return segment->info().id == id; });
  }

  const std::string& directory() const override { return directory_; }
  Status submit(WriteRequest, std::function<void(Result<WriteReport>)>) override {
    return fail(ErrorCode::kUnsupported, "a memory database accepts only segments");
  }
  Result<WriteReport> write(WriteRequest) override {
    return fail(ErrorCode::kUnsupported, "a memory database accepts only segments");
  }
  Status seal() override { return {}; }
  Status compact(ProgressFunction) override { return {}; }
  Result<std::string> confirm_retention() override { return std::string(); }
  std::shared_ptr<const Catalog> catalog() const override { return catalog_; }
  Result<Snapshot> snapshot(const SnapshotScope& scope) const override {
    Snapshot snapshot;
    snapshot.commit_number = last_id_;
    snapshot.catalog = catalog_;
    for (const auto& segment : segments_) {
      if (in_scope(scope, segment->info())) snapshot.segments.push_back(segment);
    }
    return snapshot;
  }
  Result<std::vector<SegmentInfo>> segment_infos(const SnapshotScope& scope) const override {
    std::vector<SegmentInfo> infos;
    for (const auto& segment : segments_) {
      if (in_scope(scope, segment->info())) infos.push_back(segment->info());
    }
    return infos;
  }
  Result<std::optional<std::string>> get(SmallTable, std::string_view) const override {
    return std::nullopt;
  }
  Result<std::vector<SmallEntry>> list(SmallTable, std::string_view, SmallRange) const override {
    return std::vector<SmallEntry>();
  }
  Status change_options(const DatabaseOptions&) override { return {}; }
  DatabaseCounters counters() const override { return {}; }

 private:
  bool in_scope(const SnapshotScope& scope, const SegmentInfo& info) const {
    if (info.row_count == 0 || !scope.range.overlaps(info.min_time, info.max_time)) return false;
    return std::ranges::any_of(scope.measurements, [&](const std::string& name) {
      const Measurement* measurement = catalog_->find(name);
      return measurement && measurement->id == info.measurement;
    });
  }

  static const Column& column_of(Measurement& measurement, const std::string& name,
                                 const std::vector<Value>& values) {
    for (const Column& column : measurement.columns) {
      if (column.name == name) return column;
    }
    Column column;
    column.id = static_cast<ColumnId>(measurement.columns.size() + 1);
    column.name = name;
    for (const Value& value : values) {
      switch (value.type) {
        case ValueType::kNull: continue;
        case ValueType::kBool: column.type = ColumnType::kBool; break;
        case ValueType::kU64: column.type = ColumnType::kU64; break;
        case ValueType::kF64: column.type = ColumnType::kF64; break;
        case ValueType::kString: column.type = ColumnType::kString; break;
        case ValueType::kTime: column.kind = ColumnKind::kTime; [[fallthrough]];
        default: column.type = ColumnType::kI64; break;
      }
      break;
    }
    return measurement.columns.emplace_back(column);
  }

  std::string directory_ = "memory";
  std::shared_ptr<const Catalog> catalog_ = std::make_shared<Catalog>();  // shared with snapshots
  std::vector<std::shared_ptr<const Segment>> segments_;                  // shared with snapshots
  uint64_t last_id_ = 0;
};

}  // namespace tocsin
