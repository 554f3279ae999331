#include "query/stats/tally.h"

#include <algorithm>
#include <utility>

#include "db/base/check.h"
#include "query/vector/kernels.h"

namespace tocsin {
namespace {

/// The maximum number of combinations of codes, which are counted in an array.
constexpr size_t kCellsMax = 64 * 1024;
/// With at least this many rows per combination, the counters of all combinations are read at the
/// end; otherwise only those of combinations that occurred.
constexpr size_t kDenseRowsPerCell = 8;
/// Pieces with fewer rows on average are not worth the overhead.
constexpr size_t kPieceRowsMin = 64;

Result<Timestamp> time_at(const Segment& segment, uint32_t row) {
  Timestamp time = 0;
  TOCSIN_RETURN_IF_ERROR(segment.read_times(row, std::span(&time, 1)));
  return time;
}

}  // namespace

// ---- Tally --------------------------------------------------------------------------------------

Result<bool> Tally::open(SegmentSource& source, const ScanUnit& unit) {
  source_ = &source;
  segment_ = unit.segment;
  loaded_ = UINT32_MAX;
  digits_.clear();
  size_t cell_count = 1;
  for (const uint32_t column : plan_.columns) {
    TOCSIN_TRY(const Dictionary* dictionary, source.dictionary(column));
    if (!dictionary) return false;
    digits_.push_back({dictionary, static_cast<uint32_t>(cell_count)});
    cell_count *= dictionary->entries.size() + 1;  // one more for null
    if (cell_count > kCellsMax) return false;
  }
  cell_count_ = static_cast<uint32_t>(cell_count);
  return true;
}

void Tally::add_row(uint32_t cell, const EntryStatistics& rows) {
  cells_.push_back(cell);
  counted_.push_back(rows);
}

Result<bool> Tally::count_metadata(const ScanUnit& unit) {
  const SegmentInfo& info = segment_->info();
  if (!unit.whole() || digits_.size() > 1) return false;
  cells_.clear();
  counted_.clear();
  time_ = info.min_time;
  const EntryStatistics whole{info.row_count, info.min_time, info.max_time};
  if (digits_.empty()) {
    add_row(0, whole);
    return true;
  }
  const uint32_t column = plan_.columns.front();
  TOCSIN_TRY(const SegmentColumn* stored, source_->stored(column));
  if (!stored || stored->statistics().null_count == info.row_count) {
    add_row(static_cast<uint32_t>(digits_.front().dictionary->entries.size()), whole);
    return true;
  }
  if (stored->has_nulls()) return false;
  TOCSIN_TRY(const auto entries, stored->entry_statistics());
  for (uint32_t code = 0; code < entries.size(); ++code) {
    if (entries[code].row_count != 0) add_row(code, entries[code]);
  }
  return true;
}

// Reads a vector of the segment and computes the combination of every row.
Status Tally::load(uint32_t vector) {
  if (std::exchange(loaded_, vector) == vector) return {};
  const size_t start = size_t{vector} * kVectorRows;
  const size_t count = std::min(kVectorRows, segment_->info().row_count - start);
  for (size_t i = 0; i < digits_.size(); ++i) {
    TOCSIN_RETURN_IF_ERROR(source_->read(plan_.columns[i], start, count, {}, codes_));
    if (digits_.size() == 1) break;
    if (i == 0) {
      sums_.assign(codes_.codes.begin(), codes_.codes.end());
    } else {
      kernels::add_digit(codes_.codes, digits_[i].stride, sums_);
    }
  }
  loaded_cells_ = digits_.size() == 1 ? codes_.codes : sums_;
  if (!plan_.needs_times) return {};
  loaded_times_.resize(count);
  return segment_->read_times(start, loaded_times_);
}

void Tally::count_cells(std::span<const uint32_t> cells) {
  for (const uint32_t cell : cells) {
    if (counts_[cell]++ == 0) touched_.push_back(cell);
  }
}

void Tally::count_cells_with_times(std::span<const uint32_t> cells,
                                   std::span<const Timestamp> times) {
  for (size_t i = 0; i < cells.size(); ++i) {
    const uint32_t cell = cells[i];
    if (counts_[cell]++ == 0) {
      touched_.push_back(cell);
      first_times_[cell] = times[i];
    }
    last_times_[cell] = times[i];
  }
}

Status Tally::count(uint32_t start, uint32_t end, Timestamp time) {
  TOCSIN_CHECK(start < end);
  cells_.clear();
  counted_.clear();
  time_ = time;
  if (digits_.empty()) {
    EntryStatistics rows{end - start, time, time};
    if (plan_.needs_times) {
      TOCSIN_TRY(rows.first_time, time_at(*segment_, start));
      TOCSIN_TRY(rows.last_time, time_at(*segment_, end - 1));
    }
    add_row(0, rows);
    return {};
  }
  const bool dense = !plan_.needs_times && end - start >= kDenseRowsPerCell * cell_count_;
  if (counts_.size() < size_t{2} * cell_count_) counts_.resize(size_t{2} * cell_count_);
  if (plan_.needs_times && first_times_.size() < cell_count_) {
    first_times_.resize(cell_count_);
    last_times_.resize(cell_count_);
  }
  while (start < end) {
    const auto vector = static_cast<uint32_t>(start / kVectorRows);
    const auto vector_start = static_cast<uint32_t>(vector * kVectorRows);
    TOCSIN_RETURN_IF_ERROR(load(vector));
    const size_t stop = std::min<size_t>(end - vector_start, loaded_cells_.size());
    const size_t first = start - vector_start;
    const auto cells = loaded_cells_.subspan(first, stop - first);
    if (dense) {
      kernels::count_cells(cells, cell_count_, counts_);
    } else if (plan_.needs_times) {
      count_cells_with_times(cells, std::span<const Timestamp>(loaded_times_).subspan(first));
    } else {
      count_cells(cells);
    }
    start = static_cast<uint32_t>(vector_start + stop);
  }
  if (dense) {
    collect_dense();
  } else {
    collect();
  }
  return {};
}

void Tally::collect_dense() {
  for (uint32_t cell = 0; cell < cell_count_; ++cell) {
    const uint32_t count =
        std::exchange(counts_[cell], 0) + std::exchange(counts_[cell_count_ + cell], 0);
    if (count != 0) add_row(cell, {count, time_, time_});
  }
}

void Tally::collect() {
  for (const uint32_t cell : touched_) {
    EntryStatistics rows{std::exchange(counts_[cell], 0), time_, time_};
    if (plan_.needs_times) {
      rows.first_time = first_times_[cell];
      rows.last_time = last_times_[cell];
    }
    add_row(cell, rows);
  }
  touched_.clear();
}

Status Tally::read(uint32_t column, size_t start, size_t count, std::span<const uint32_t> selection,
                   Vector& out) {
  if (column == kSourceTime) {
    out.reset(ValueType::kTime, count);
    std::ranges::fill(out.make_i64(), time_);
    return {};
  }
  if (column == kSourceMeasurement) return source_->read(column, 0, count, selection, out);
  const auto found = std::ranges::lower_bound(plan_.columns, column);
  TOCSIN_CHECK(found != plan_.columns.end() && *found == column);
  const Digit& digit = digits_[static_cast<size_t>(found - plan_.columns.begin())];
  const auto null_code = static_cast<uint32_t>(digit.dictionary->entries.size());
  out.reset(ValueType::kString, count);
  out.dictionary = digit.dictionary;
  const auto codes = out.make_codes();
  bool any_null = false;
  for (size_t i = 0; i < count; ++i) {
    codes[i] = cells_[start + i] / digit.stride % (null_code + 1);
    any_null |= codes[i] == null_code;
  }
  if (!any_null) return {};
  const auto valid = out.make_valid();
  for (size_t i = 0; i < count; ++i) valid[i] = codes[i] != null_code;
  return {};
}

// ---- TallyReader --------------------------------------------------------------------------------

Status TallyReader::add_limits(SourceReader& reader, Timestamp now, std::vector<Timestamp>& cuts) {
  Evaluator& evaluator = reader.evaluator();
  evaluator.begin(0, 1);
  evaluator.set_now(std::span(&now, 1));
  for (const TallyPlan::TimeLimit& limit : plan_.limits) {
    TOCSIN_TRY(const Vector* value, evaluator.value(limit.limit));
    if (value->type != ValueType::kTime || value->is_null(0)) continue;
    const Timestamp cut = value->i64[0];
    if (!limit.inclusive) {
      cuts.push_back(cut);
    } else if (cut < kTimeMax) {
      cuts.push_back(cut + 1);
    }
  }
  evaluator.set_now({});
  return {};
}

// The instants in (span.start, span.end) at which something changes for the rows; ascending and
// distinct. May be incomplete if there are more than `cuts_max`.
Result<std::vector<Timestamp>> TallyReader::find_cuts(SourceReader& reader, TimeRange span,
                                                      size_t cuts_max) {
  std::vector<Timestamp> cuts;
  if (!windows_) {
    TOCSIN_RETURN_IF_ERROR(add_limits(reader, execution_.plan().now, cuts));
  } else {
    Status status;
    windows_->for_each_overlapping(span.start, span.end - 1, [&](uint32_t k) {
      cuts.push_back(windows_->window(k).start);
      cuts.push_back(windows_->window(k).end);
      if (status) status = add_limits(reader, windows_->now_in(k), cuts);
    });
    TOCSIN_RETURN_IF_ERROR(status);
  }
  for (const Duration width : plan_.buckets) {
    Timestamp cut = next_bucket_start(span.start, width, stats_.zone);
    for (size_t i = 0; cut < span.end && i <= cuts_max; ++i) {
      cuts.push_back(cut);
      cut = next_bucket_start(cut, width, stats_.zone);
    }
  }
  std::erase_if(cuts, [&](Timestamp cut) { return cut <= span.start || cut >= span.end; });
  std::ranges::sort(cuts);
  cuts.erase(std::unique(cuts.begin(), cuts.end()), cuts.end());
  return cuts;
}

Result<bool> TallyReader::prepare(SourceReader& reader, const ScanUnit& unit) {
  if (!plan_.possible) return false;
  TOCSIN_TRY(const bool open, tally_.open(reader.source(), unit));
  if (!open) return false;
  const Segment& segment = *unit.segment;
  TimeRange span{segment.info().min_time, segment.info().max_time};
  if (!unit.whole()) {
    TOCSIN_TRY(span.start, time_at(segment, unit.start));
    TOCSIN_TRY(span.end, time_at(segment, unit.end - 1));
  }
  if (span.end == kTimeMax) return false;
  ++span.end;
  const size_t cuts_max = (unit.end - unit.start) / kPieceRowsMin;
  TOCSIN_TRY(const auto cuts, find_cuts(reader, span, cuts_max));
  if (cuts.size() > cuts_max) return false;

  pieces_.clear();
  Piece piece{unit.start, unit.end, span.start, 0};
  for (size_t i = 0; i <= cuts.size(); ++i) {
    piece.end = unit.end;
    if (i < cuts.size()) {
      TOCSIN_TRY(const auto rows, segment.rows_in({cuts[i], kTimeMax}));
      piece.end = std::clamp(rows.first, piece.start, unit.end);
    }
    if (piece.start == piece.end) continue;
    if (i != 0) piece.time = cuts[i - 1];
    if (windows_) piece.window = windows_->index_of(piece.time);
    pieces_.push_back(piece);
    piece.start = piece.end;
  }
  from_metadata_ = false;
  if (pieces_.size() == 1) {
    TOCSIN_TRY(from_metadata_, tally_.count_metadata(unit));
  }
  reader.note_access(from_metadata_ ? SourceReader::Access::kAnswered
                                    : SourceReader::Access::kRead);
  return true;
}

Status TallyReader::count(SourceReader& reader, const Piece& piece) {
  TOCSIN_RETURN_IF_ERROR(execution_.check());
  const uint32_t row_count = piece.end - piece.start;
  if (windows_) reader.counts().source_rows[piece.window] += row_count;
  if (from_metadata_) return {};
  execution_.rows_scanned.fetch_add(row_count, std::memory_order_relaxed);
  return tally_.count(piece.start, piece.end, piece.time);
}

}  // namespace tocsin
