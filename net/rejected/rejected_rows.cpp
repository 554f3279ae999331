#include "net/rejected/rejected_rows.h"

#include <algorithm>
#include <numeric>
#include <string>
#include <vector>

#include "db/limits.h"
#include "db/schema/schema.h"
#include "db/segment/segment.h"

namespace tocsin {
namespace {

// Decoded at a time; their lines may have kRejectedLineBytesMax bytes each.
constexpr size_t kRowsAtATime = 256;

/// Some rows of one column, which a segment may lack.
class LoadedColumn {
 public:
  Status open(const Measurement& rejected, const Segment& segment, std::string_view name,
              ColumnType type) {
    const Column* column = rejected.find(name);
    if (column == nullptr) return {};
    TOCSIN_TRY(stored_, segment.column(*column));
    if (stored_ != nullptr && stored_->type() != type) stored_ = nullptr;
    return {};
  }

  Status load(size_t start, size_t count) {
    if (stored_ == nullptr) return {};
    valid_.resize(count);
    TOCSIN_RETURN_IF_ERROR(stored_->read_valid(start, valid_));
    if (stored_->type() == ColumnType::kI64) {
      numbers_.resize(count);
      return stored_->read_i64(start, numbers_);
    }
    if (stored_->type() == ColumnType::kBool) {
      flags_.resize(count);
      return stored_->read_bool(start, flags_);
    }
    if (stored_->has_dictionary()) {
      TOCSIN_TRY(entries_, stored_->entries());
      codes_.resize(count);
      return stored_->read_codes(start, codes_);
    }
    rows_.resize(count);
    std::iota(rows_.begin(), rows_.end(), static_cast<uint32_t>(start));
    return stored_->read_strings(rows_, strings_);
  }

  std::string_view text(size_t row) const {
    if (!has_value(row)) return {};
    return stored_->has_dictionary() ? entries_[codes_[row]] : strings_.values[row];
  }
  std::optional<int64_t> number(size_t row) const {
    return has_value(row) ? std::optional(numbers_[row]) : std::nullopt;
  }
  bool flag(size_t row) const { return has_value(row) && flags_[row] != 0; }

 private:
  bool has_value(size_t row) const { return stored_ != nullptr && valid_[row] != 0; }

  const SegmentColumn* stored_ = nullptr;
  std::vector<uint8_t> valid_;
  std::vector<int64_t> numbers_;
  std::vector<uint8_t> flags_;
  std::span<const std::string_view> entries_;
  std::vector<uint32_t> codes_;
  std::vector<uint32_t> rows_;
  StringVector strings_;
};

class SegmentRows {
 public:
  Status open(const Measurement& rejected, const Segment& segment) {
    const auto open = [&](LoadedColumn& column, std::string_view name, ColumnType type) {
      return column.open(rejected, segment, name, type);
    };
    for (auto& [column, name] : texts()) {
      TOCSIN_RETURN_IF_ERROR(open(*column, name, ColumnType::kString));
    }
    TOCSIN_RETURN_IF_ERROR(open(count_, "count", ColumnType::kI64));
    TOCSIN_RETURN_IF_ERROR(open(id_, "id", ColumnType::kI64));
    TOCSIN_RETURN_IF_ERROR(open(retried_, "retried", ColumnType::kI64));
    return open(cut_, "cut", ColumnType::kBool);
  }

  Status visit(const Segment& segment,
               const std::function<Status(const RejectedRowView&)>& visit_row) {
    const size_t rows = segment.info().row_count;
    for (size_t start = 0; start < rows; start += kRowsAtATime) {
      const size_t count = std::min(kRowsAtATime, rows - start);
      times_.resize(count);
      TOCSIN_RETURN_IF_ERROR(segment.read_times(start, times_));
      TOCSIN_RETURN_IF_ERROR(load(start, count));
      TOCSIN_RETURN_IF_ERROR(segment.check_intact());
      for (size_t i = 0; i < count; ++i) TOCSIN_RETURN_IF_ERROR(visit_row(row(i)));
    }
    return {};
  }

 private:
  std::vector<std::pair<LoadedColumn*, std::string_view>> texts() {
    return {{&source_, "source"},       {&reason_, "reason"},
            {&line_, "line"},           {&path_, "path"},
            {&format_, "format"},       {&precision_, "precision"},
            {&tag_keys_, "tag_keys"},   {&measurement_, "default_measurement"},
            {&time_keys_, "time_keys"}, {&time_layout_, "time_layout"},
            {&time_zone_, "time_zone"}, {&header_, "header"}};
  }

  Status load(size_t start, size_t count) {
    for (auto& [column, name] : texts()) TOCSIN_RETURN_IF_ERROR(column->load(start, count));
    for (LoadedColumn* column : {&count_, &id_, &retried_, &cut_}) {
      TOCSIN_RETURN_IF_ERROR(column->load(start, count));
    }
    return {};
  }

  RejectedRowView row(size_t i) const {
    RejectedRowView out;
    out.time = times_[i];
    out.source = source_.text(i);
    out.reason = reason_.text(i);
    out.line = line_.text(i);
    out.count = count_.number(i);
    out.id = id_.number(i);
    out.retried = retried_.number(i);
    out.cut = cut_.flag(i);
    out.origin.path = path_.text(i);
    out.origin.format = format_.text(i);
    out.origin.precision = precision_.text(i);
    out.origin.measurement = measurement_.text(i);
    out.origin.tag_keys = tag_keys_.text(i);
    out.origin.time_keys = time_keys_.text(i);
    out.origin.time_layout = time_layout_.text(i);
    out.origin.time_zone = time_zone_.text(i);
    out.origin.header = header_.text(i);
    return out;
  }

  std::vector<Timestamp> times_;
  LoadedColumn source_, reason_, line_, count_, id_, retried_, cut_;
  LoadedColumn path_, format_, precision_, measurement_, tag_keys_, time_keys_, time_layout_,
      time_zone_, header_;
};

}  // namespace

Status visit_rejected(const Snapshot& snapshot,
                      const std::function<Status(const RejectedRowView&)>& visit) {
  const Measurement* rejected = snapshot.catalog->find(kRejectedMeasurement);
  if (rejected == nullptr) return {};
  for (const auto& segment : snapshot.segments) {
    if (segment->info().measurement != rejected->id) continue;
    SegmentRows rows;
    TOCSIN_RETURN_IF_ERROR(rows.open(*rejected, *segment));
    TOCSIN_RETURN_IF_ERROR(rows.visit(*segment, visit));
  }
  return {};
}

}  // namespace tocsin
