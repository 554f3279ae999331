#include "query/operator/detect.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "query/operator/operators.h"
#include "query/operator/series_rows.h"
#include "query/plan/fingerprint.h"

namespace tocsin {
namespace {

constexpr double kUnknown = std::numeric_limits<double>::quiet_NaN();

/// DetectorOptions::false_alarms, by sensitivity.
constexpr std::array<double, 3> kFalseAlarms = {0.2, 0.7, 2.5};

constexpr std::array<std::string_view, 5> kKindNames = {"high", "low", "spread", "frozen",
                                                        "pattern"};

/// Late events up to this old do not make everything be learnt again.
constexpr Duration kLateMax = 2 * kDay;

DetectorOptions detector_options(const DetectStage& stage) {
  DetectorOptions out;
  out.bucket = stage.series.bucket;
  out.season = stage.season;
  out.counts = stage.counts;
  out.false_alarms = kFalseAlarms[static_cast<size_t>(stage.sensitivity)];
  return out;
}

// The verdict on one of several rows of a bucket, which learns their mean.
DetectorVerdict verdict_on(double value, DetectorVerdict verdict) {
  Band& band = verdict.band;
  const double distance = std::fabs(value - band.expected);
  band.kind = value > band.expected ? AnomalyKind::kHigh : AnomalyKind::kLow;
  band.score =
      distance / (value > band.expected ? band.upper - band.expected : band.expected - band.lower);
  verdict.anomaly = !verdict.learning && band.score >= 1;
  return verdict;
}

class Detection {
 public:
  Detection(Execution& execution, const Table& input, const DetectStage& stage,
            DetectMemoryUse* use)
      : execution_(execution),
        plan_(execution.plan()),
        input_(input),
        stage_(stage),
        use_(use),
        times_(input.columns.at(stage.series.time_column)),
        values_(input.columns.at(stage.series.value_column)),
        verdicts_(input.row_count,
                  DetectorVerdict{
                      {kUnknown, kUnknown, kUnknown, kUnknown, AnomalyKind::kHigh}, true, false}) {}

  static constexpr size_t kRowBytes = sizeof(DetectorVerdict);

  Status run(const SeriesRows& rows) {
    for (size_t group = 0; group < rows.ends.size(); ++group) {
      TOCSIN_RETURN_IF_ERROR(judge(rows.group(group)));
    }
    return {};
  }

  const DetectorVerdict& at(size_t row) const { return verdicts_[row]; }

 private:
  Status judge(std::span<const uint32_t> rows) {
    SeriesDetector detector(detector_options(stage_));
    std::string group;
    if (use_) {
      group = group_text(input_, stage_.series.group_columns, rows[0]);
      if (const auto known = use_->find(group)) detector = *known;
    }
    size_t checkpoint = 0;
    const auto remember_until = [&](Timestamp time) {
      if (!use_) return;
      const auto& wanted = use_->checkpoint_times();
      for (; checkpoint < wanted.size() && wanted[checkpoint] <= time; ++checkpoint) {
        if (!detector.empty()) use_->remember(checkpoint, group, detector);
      }
    };
    while (!rows.empty() && !times_.is_null(rows[0])) {
      TOCSIN_RETURN_IF_ERROR(execution_.check());
      const auto bucket = same_bucket(times_, rows);
      const Timestamp time = times_.i64[bucket[0]];
      remember_until(time);
      judge_bucket(time, bucket, detector);
      rows = rows.subspan(bucket.size());
    }
    remember_until(kTimeMax);
    return {};
  }

  void judge_bucket(Timestamp time, std::span<const uint32_t> rows, SeriesDetector& detector) {
    // The last bucket may still be incomplete.
    if (next_bucket_start(time, stage_.series.bucket, plan_.zone) > plan_.range.end) return;
    const Duration offset = plan_.zone.offset_at(time);
    const int64_t slot = detector.slot_of(time + offset);
    const DetectorVerdict verdict =
        detector.add(slot, mean_value(values_, rows), missing_value(time, offset, slot, detector));
    for (const uint32_t row : rows) {
      verdicts_[row] = rows.size() == 1 ? verdict : verdict_on(number_at(values_, row), verdict);
    }
  }

  // The value of the buckets without a row before this one. Those that clocks have skipped are not
  // missing.
  double missing_value(Timestamp time, Duration offset, int64_t slot,
                       const SeriesDetector& detector) const {
    if (!stage_.zero_if_missing) return kUnknown;
    if (detector.empty() || slot <= detector.next_slot()) return 0;
    const Duration gap = (slot - detector.next_slot() + 1) * stage_.series.bucket;
    if (gap > detect_history(stage_.series.bucket)) return 0;
    return plan_.zone.offset_at(time - gap) < offset ? kUnknown : 0;
  }

  Execution& execution_;
  const Plan& plan_;
  const Table& input_;
  const DetectStage& stage_;
  DetectMemoryUse* use_;
  const TableColumn& times_;
  const TableColumn& values_;
  std::vector<DetectorVerdict> verdicts_;  // by row
};

void append_text(std::optional<std::string_view> text, TableColumn& column) {
  column.valid.push_back(text.has_value());
  column.text.push_back(text.value_or(std::string_view()));
}

// The columns of the verdicts on all rows of the input.
std::vector<TableColumn> verdict_columns(const Detection& detection, const Table& input,
                                         const DetectStage& stage) {
  std::vector<TableColumn> out(4, TableColumn(ValueType::kF64));
  TableColumn kind(ValueType::kString);
  TableColumn anomaly(ValueType::kBool);
  for (size_t row = 0; row < input.row_count; ++row) {
    const auto& [band, learning, is_anomaly] = detection.at(row);
    append_number(band.expected, out[0]);
    append_number(band.lower, out[1]);
    append_number(band.upper, out[2]);
    append_number(band.score, out[3]);
    const bool outside = band.score >= 1;
    append_text(outside ? std::optional(kKindNames[static_cast<size_t>(band.kind)]) : std::nullopt,
                kind);
    anomaly.valid.push_back(!learning && !std::isnan(band.score));
    anomaly.boolean.push_back(is_anomaly);
  }
  if (stage.adds_kind) out.push_back(std::move(kind));
  out.push_back(std::move(anomaly));
  return out;
}

}  // namespace

Result<Table> table_detect(Execution& execution, Table input, const DetectStage& stage,
                           DetectMemoryUse* use) {
  TOCSIN_TRY(input, settle_order(execution, std::move(input)));
  TOCSIN_TRY(const SeriesRows rows, series_rows(execution, input, stage.series));
  MemoryGauge gauge(execution);
  constexpr size_t kAddedBytes = 4 * (sizeof(double) + 1) + sizeof(std::string_view) + 3;
  TOCSIN_RETURN_IF_ERROR(
      gauge.set(kDetectorBytesMax + rows.rows.size() * (sizeof(uint32_t) + sizeof(size_t) +
                                                        Detection::kRowBytes + kAddedBytes)));
  Detection detection(execution, input, stage, use);
  TOCSIN_RETURN_IF_ERROR(detection.run(rows));
  if (use) use->finish();
  for (TableColumn& column : verdict_columns(detection, input, stage)) {
    input.columns.push_back(std::move(column));
  }
  const TableColumn& times = input.columns.at(stage.series.time_column);
  std::vector<uint32_t> wanted;
  for (uint32_t row = 0; row < input.row_count; ++row) {
    if (times.is_null(row) || times.i64[row] >= stage.start) wanted.push_back(row);
  }
  if (wanted.size() == input.row_count) return input;
  return gather_rows(execution, std::move(input), wanted);
}

Result<std::optional<DetectMemoryUse>> DetectMemoryUse::open(Execution& execution,
                                                             const Database& database,
                                                             DetectMemory& memory) {
  const Plan& plan = execution.plan();
  DetectMemoryUse use(memory);
  for (; use.stage_ < plan.stages.size(); ++use.stage_) {
    const auto& operation = plan.stages[use.stage_].operation;
    if (std::holds_alternative<DetectStage>(operation)) break;
    if (!std::holds_alternative<FilterStage>(operation) &&
        !std::holds_alternative<LetStage>(operation) &&
        !std::holds_alternative<StatsStage>(operation)) {
      return std::nullopt;
    }
  }
  if (use.stage_ == plan.stages.size() || calls_now(plan, use.stage_)) return std::nullopt;
  const auto& detect = std::get<DetectStage>(plan.stages[use.stage_].operation);
  if (detect.learn_from >= detect.start) return std::nullopt;
  use.learn_from_ = detect.learn_from;
  std::vector<uint32_t> columns = detect.series.group_columns;
  columns.push_back(detect.series.value_column);
  use.fingerprint_ = fingerprint_of(plan, use.stage_, columns);
  constexpr uint64_t kSpread = 0x9e3779b97f4a7c15;  // the golden ratio
  use.fingerprint_.low ^=
      (static_cast<uint64_t>(detect.season) * 4 + static_cast<uint64_t>(detect.sensitivity) + 1) *
      kSpread;

  const uint64_t skipped = execution.segments_skipped;
  TOCSIN_TRY(const Scan scan, open_scan(database, execution, {detect.learn_from, plan.range.end}));
  execution.segments_skipped = skipped;  // the query itself counts them
  for (const auto& segment : scan.snapshot.segments) {
    const SegmentInfo& info = segment->info();
    if (info.max_time >= detect.learn_from) use.next_.segments.push_back({info.id, info.min_time});
  }
  std::sort(use.next_.segments.begin(), use.next_.segments.end());
  use.next_.learn_from = detect.learn_from;
  if (const auto record = memory.find(use.fingerprint_)) {
    use.next_.checkpoints = record->valid(detect.learn_from, use.next_.segments, detect.start);
    if (!use.next_.checkpoints.empty()) use.from_ = use.next_.checkpoints.back();
  }
  use.plan_checkpoints(detect, plan.zone);
  return use;
}

// At the start of the range, where the next evaluation continues, and at the midnights before it,
// for late events.
void DetectMemoryUse::plan_checkpoints(const DetectStage& detect, const TimeZone& zone) {
  const Timestamp oldest = detect.start - kLateMax;
  std::erase_if(next_.checkpoints,
                [&](const auto& checkpoint) { return checkpoint->time < oldest - kDay; });
  for (Timestamp midnight = oldest - oldest % kDay; midnight < detect.start; midnight += kDay) {
    const Timestamp time = bucket_start(midnight, detect.series.bucket, zone);
    if (time > read_from() && (times_.empty() || time > times_.back())) times_.push_back(time);
  }
  if (detect.start > read_from() && (times_.empty() || detect.start > times_.back()))
    times_.push_back(detect.start);
  for (const Timestamp time : times_) {
    made_.push_back(std::make_shared<DetectCheckpoint>(DetectCheckpoint{time, {}}));
  }
}

std::shared_ptr<const SeriesDetector> DetectMemoryUse::find(const std::string& group) const {
  if (!from_) return nullptr;
  const auto found = from_->groups.find(group);
  return found == from_->groups.end() ? nullptr : found->second;
}

void DetectMemoryUse::remember(size_t checkpoint, const std::string& group,
                               const SeriesDetector& detector) {
  if (bytes_ > kDetectMemoryBytesMax) return;
  bytes_ += detector.memory_bytes();
  made_[checkpoint]->groups[group] = std::make_shared<const SeriesDetector>(detector);
}

void DetectMemoryUse::finish() {
  size_t group_count = 0;
  for (const auto& checkpoint : made_) {
    // Groups without new rows are as before.
    if (from_) checkpoint->groups.insert(from_->groups.begin(), from_->groups.end());
    group_count = std::max(group_count, checkpoint->groups.size());
    next_.checkpoints.push_back(checkpoint);
  }
  if (bytes_ > kDetectMemoryBytesMax || group_count > kDetectGroupsMax) return;
  memory_->put(fingerprint_, std::move(next_));
}

}  // namespace tocsin
