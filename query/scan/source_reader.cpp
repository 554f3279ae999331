#include "query/scan/source_reader.h"

#include <algorithm>
#include <utility>

namespace tocsin {

Result<std::vector<ScanUnit>> units_of_windows(const std::vector<ScanUnit>& units,
                                               const Windows& windows) {
  std::vector<ScanUnit> result;
  for (const ScanUnit& unit : units) {
    const SegmentInfo& info = unit.segment->info();
    std::vector<TimeRange> runs;  // newest first
    windows.for_each_overlapping(info.min_time, info.max_time, [&](uint32_t k) {
      if (!windows.wanted[k]) return;
      const TimeRange window = windows.window(k);
      if (!runs.empty() && runs.back().start == window.end) {
        runs.back().start = window.start;
      } else {
        runs.push_back(window);
      }
    });
    for (auto run = runs.rbegin(); run != runs.rend(); ++run) {
      ScanUnit part = unit;
      if (run->start > info.min_time || run->end <= info.max_time) {
        TOCSIN_TRY(const auto rows, unit.segment->rows_in(*run));
        part.start = std::max(unit.start, rows.first);
        part.end = std::min(unit.end, rows.second);
      }
      if (part.start < part.end) result.push_back(part);
    }
  }
  return result;
}

SourceReader::SourceReader(Execution& execution, const Program& program, const Windows* windows)
    : execution_(execution),
      windows_(windows),
      source_(execution.plan()),
      evaluator_(program, execution, execution.plan().now, execution.plan().zone) {
  if (!windows) return;
  counts_.source_rows.resize(windows->count());
  counts_.matched_rows.resize(windows->count());
}

Result<bool> SourceReader::open(const ScanUnit& unit) {
  is_new_segment_ = std::exchange(segment_, unit.segment) != unit.segment;
  source_.open(*unit.segment, *unit.map, unit.few_rows());
  evaluator_.bind(source_);
  TOCSIN_TRY(const bool may_match, evaluator_.may_match());
  if (may_match) return true;
  note_access(Access::kSkipped);
  if (windows_) TOCSIN_RETURN_IF_ERROR(count_skipped(unit));
  return false;
}

// Rows that cannot pass the filters still show that data was collected in their windows.
Status SourceReader::count_skipped(const ScanUnit& unit) {
  const SegmentInfo& info = unit.segment->info();
  Status status;
  windows_->for_each_overlapping(info.min_time, info.max_time, [&](uint32_t k) {
    if (!status || !windows_->wanted[k]) return;
    const auto rows = unit.segment->rows_in(windows_->window(k));
    if (!rows) {
      status = tl::unexpected<Error>(rows.error());
      return;
    }
    const uint32_t start = std::max(rows->first, unit.start);
    const uint32_t end = std::min(rows->second, unit.end);
    if (start < end) counts_.source_rows[k] += end - start;
  });
  return status;
}

void SourceReader::note_access(Access access) {
  if (!is_new_segment_ || !counting_) return;
  switch (access) {
    case Access::kRead: ++execution_.segments_read; break;
    case Access::kSkipped: ++execution_.segments_skipped; break;
    case Access::kAnswered: ++execution_.segments_answered; break;
  }
}

Status SourceReader::load_counted(ColumnSource& source, size_t start,
                                  std::span<const EntryStatistics> counted, uint32_t window) {
  evaluator_.bind(source);
  evaluator_.begin(start, counted.size());
  if (windows_) {
    window_.reset(ValueType::kI64, counted.size());
    std::ranges::fill(window_.make_i64(), window);
    now_.assign(counted.size(), windows_->now_in(window));
    evaluator_.set_now(now_);
  }
  TOCSIN_RETURN_IF_ERROR(evaluator_.filter());
  uint64_t matched = 0;
  for (const uint32_t row : evaluator_.rows()) matched += counted[row].row_count;
  execution_.rows_matched.fetch_add(matched, std::memory_order_relaxed);
  if (windows_) counts_.matched_rows[window] += matched;
  return {};
}

Status SourceReader::load(uint32_t start, uint32_t count) {
  TOCSIN_RETURN_IF_ERROR(execution_.check());
  evaluator_.begin(start, count);
  if (counting_) execution_.rows_scanned.fetch_add(count, std::memory_order_relaxed);
  if (windows_) TOCSIN_RETURN_IF_ERROR(assign_windows(start, count));
  TOCSIN_RETURN_IF_ERROR(evaluator_.filter());
  const auto rows = evaluator_.rows();
  if (counting_) execution_.rows_matched.fetch_add(rows.size(), std::memory_order_relaxed);
  if (windows_) {
    for (const uint32_t row : rows) ++counts_.matched_rows[static_cast<size_t>(window_.i64[row])];
  }
  return {};
}

Status SourceReader::assign_windows(uint32_t start, uint32_t count) {
  times_.resize(count);
  TOCSIN_RETURN_IF_ERROR(segment_->read_times(start, times_));
  window_.reset(ValueType::kI64, count);
  const auto window = window_.make_i64();
  now_.resize(count);
  inside_.resize(count);
  uint32_t k = Windows::kNone;  // the window of the row before; rows are sorted by time
  TimeRange range{0, 0};
  for (uint32_t i = 0; i < count; ++i) {
    if (!range.contains(times_[i])) {
      k = windows_->index_of(times_[i]);
      range = k == Windows::kNone ? TimeRange{0, 0} : windows_->window(k);
    }
    const bool inside = k != Windows::kNone && windows_->wanted[k];
    inside_[i] = inside;
    window[i] = inside ? k : 0;
    now_[i] = inside ? windows_->now_in(k) : 0;
    if (inside) ++counts_.source_rows[k];
  }
  evaluator_.select(inside_);
  evaluator_.set_now(now_);
  return {};
}

}  // namespace tocsin
