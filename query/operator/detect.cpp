// detect: how unusual each bucket of a series is, compared to earlier buckets of the same group.
//
// Uses the median and MAD (Hampel 1974) of the earlier buckets with the same phase of the season
// or, without a season, of the last kHistoryBuckets buckets. 1.4826 * MAD estimates the standard
// deviation of a normal distribution.
#include <algorithm>
#include <cmath>
#include <map>

#include "query/aggregate/aggregate.h"
#include "query/operator/operators.h"

namespace tocsin {
namespace {

constexpr int64_t kHistoryBuckets = 60;  ///< without a season
constexpr size_t kHistoryMin = 5;        ///< nothing is expected from fewer earlier values
constexpr double kMadToDeviation = 1.4826;
/// After a series that was constant so far, not every change must be infinitely unusual.
constexpr double kDeviationOfMedianMin = 0.05;
constexpr double kAnomalyDeviations = 3;

struct Expectation {
  double expected = std::nan("");
  double deviation = std::nan("");
};

Expectation expectation_of(std::vector<double>& history) {
  if (history.size() < kHistoryMin) return {};
  const double median = quantile_of(history, 0.5);
  const double deviation =
      std::max(kMadToDeviation * mad_of(history), kDeviationOfMedianMin * std::fabs(median));
  return {median, deviation};
}

// Computes the expectations for one group's rows, in ascending time.
class GroupDetector {
 public:
  GroupDetector(const DetectStage& stage, const TimeZone& zone) : stage_(stage), zone_(zone) {}

  /// The expectation for the next row, whose value is then part of the history.
  Expectation add(Timestamp time, double value) {
    std::vector<Past>& past = stage_.season == 0 ? recent_ : by_phase_[phase_of(time)];
    std::vector<double> history;
    for (size_t i = past.size(); i > 0; --i) {
      const Past& earlier = past[i - 1];
      if (earlier.time == time) continue;
      if (stage_.season == 0 && time - earlier.time > kHistoryBuckets * stage_.bucket) break;
      history.push_back(earlier.value);
    }
    if (!std::isnan(value)) past.push_back({time, value});
    return expectation_of(history);
  }

 private:
  struct Past {
    Timestamp time;
    double value;
  };

  int64_t phase_of(Timestamp time) const {
    const int64_t phase = (time + zone_.offset_at(time)) % stage_.season;
    return phase < 0 ? phase + stage_.season : phase;
  }

  const DetectStage& stage_;
  const TimeZone& zone_;
  std::vector<Past> recent_;
  std::map<int64_t, std::vector<Past>> by_phase_;
};

}  // namespace

Result<Table> table_detect(Execution& execution, Table input, const DetectStage& stage) {
  TOCSIN_TRY(input, settle_order(execution, std::move(input)));
  std::vector<SortKey> keys;
  for (const uint32_t column : stage.group_columns) keys.push_back({column, false});
  const TableOrder by_group(input, keys);
  keys.push_back({stage.time_column, false});
  TOCSIN_TRY(const auto rows, sorted_rows(execution, input, keys, std::nullopt));
  MemoryGauge gauge(execution);
  constexpr size_t kAddedBytes = 4 * (sizeof(double) + 1) + 2;
  TOCSIN_RETURN_IF_ERROR(gauge.set(rows.size() * (sizeof(uint32_t) + sizeof(Expectation) +
                                                  sizeof(GroupDetector) + kAddedBytes)));

  const TableColumn& times = input.columns.at(stage.time_column);
  const TableColumn& values = input.columns.at(stage.value_column);
  std::vector<Expectation> expectations(input.row_count);
  std::optional<GroupDetector> detector;
  for (size_t i = 0; i < rows.size(); ++i) {
    const uint32_t row = rows[i];
    TOCSIN_RETURN_IF_ERROR(execution.check());  // each row may read all rows before it
    if (i == 0 || by_group.compare(rows[i - 1], row) != 0) {
      detector.emplace(stage, execution.plan().zone);
    }
    if (times.is_null(row)) continue;
    expectations[row] = detector->add(times.i64[row], number_at(values, row));
  }

  std::vector<TableColumn> added(4, TableColumn(ValueType::kF64));
  TableColumn anomaly(ValueType::kBool);
  for (size_t row = 0; row < input.row_count; ++row) {
    const auto [expected, deviation] = expectations[row];
    const double distance = number_at(values, row) - expected;
    const double reach = kAnomalyDeviations * deviation;
    append_number(expected, added[0]);
    append_number(expected - reach, added[1]);
    append_number(expected + reach, added[2]);
    append_number(distance / deviation, added[3]);
    anomaly.valid.push_back(!std::isnan(distance));
    anomaly.boolean.push_back(deviation > 0 && std::fabs(distance) > reach);
  }
  for (TableColumn& column : added) input.columns.push_back(std::move(column));
  input.columns.push_back(std::move(anomaly));
  return input;
}

}  // namespace tocsin
