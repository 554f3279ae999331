// diff: counts the values of each column, one column after the other, in the target and in the
// reference, and keeps those that are over-represented in the target.
//
// Each column is a `stats` of its own, so columns with dictionaries are counted without reading
// their rows.
#include "query/plan/diff.h"

#include <algorithm>
#include <memory>
#include <string>
#include <tuple>
#include <utility>

#include <fmt/format.h>

#include "query/base/join.h"
#include "query/base/limits.h"
#include "query/format/format.h"
#include "query/operator/difference.h"
#include "query/operator/operators.h"

namespace tocsin {
namespace {

struct Candidate {
  std::string column;
  std::string value;
  ValueCounts counts;
  Difference difference = {};
};

// The rows of a unit that are in each of the ranges.
Result<std::vector<ScanUnit>> units_in(const std::vector<ScanUnit>& units,
                                       const std::vector<TimeRange>& ranges) {
  std::vector<ScanUnit> out;
  for (const ScanUnit& unit : units) {
    const SegmentInfo& info = unit.segment->info();
    for (const TimeRange& range : ranges) {
      if (!range.overlaps(info.min_time, info.max_time)) continue;
      TOCSIN_TRY(const auto rows, unit.segment->rows_in(range));
      ScanUnit part = unit;
      part.start = std::max(unit.start, rows.first);
      part.end = std::min(unit.end, rows.second);
      if (part.start < part.end) out.push_back(part);
    }
  }
  return out;
}

// Compares the columns of a stage, one by one.
class Comparison {
 public:
  Comparison(Execution& execution, const Scan& scan, const Program& program, const DiffStage& stage)
      : execution_(execution), scan_(scan), program_(program), stage_(stage) {
    counted_.aggregates.resize(2);
    counted_.aggregates[0].where = stage.target;
  }

  Result<Table> run() {
    const uint64_t matched_before = execution_.rows_matched;
    for (const NamedExpression& column : stage_.columns) {
      execution_.rows_matched = matched_before;
      TOCSIN_RETURN_IF_ERROR(compare(column));
    }
    warn();
    select();
    return table();
  }

 private:
  Status compare(const NamedExpression& column) {
    Program program = program_;
    StatsPlan plan = StatsPlan::compile(counted_, false, execution_.plan().zone, program);
    const NodeId key = program.add(column.expression);
    plan.keys.push_back({key, program.nodes[key].type, 0});
    plan.ordered = false;
    plan.group_count_max = kComparedValuesMax;
    execution_.groups_exceeded = false;
    const Result<Table> groups =
        source_stats(execution_, scan_, program, plan, nullptr, nullptr, nullptr);
    if (execution_.groups_exceeded) {
      too_many_.push_back(column.name);
      return {};
    }
    if (!groups) return tl::unexpected<Error>(groups.error());
    MemoryGauge gauge(execution_);
    TOCSIN_RETURN_IF_ERROR(gauge.set(groups->memory_bytes()));
    add_candidates(column.name, *groups);
    return {};
  }

  // `groups` has the value, its rows in the target, and all its rows.
  void add_candidates(const std::string& column, const Table& groups) {
    const TableColumn& values = groups.columns[0];
    ValueCounts totals;
    uint64_t value_count = 0;
    target_rows_ = reference_rows_ = 0;
    for (size_t row = 0; row < groups.row_count; ++row) {
      const auto [target, reference] = counts_at(groups, row);
      target_rows_ += target;
      reference_rows_ += reference;
      if (values.is_null(row)) continue;
      totals.target_total += target;
      totals.reference_total += reference;
      ++value_count;
    }
    if (!is_comparable_column(totals.target_total, totals.reference_total, value_count)) return;
    for (size_t row = 0; row < groups.row_count; ++row) {
      if (values.is_null(row)) continue;
      ValueCounts counts = totals;
      std::tie(counts.target, counts.reference) = counts_at(groups, row);
      values_compared_ += can_be_reported(counts);
      if (is_frequent(counts)) {
        candidates_.push_back({column, plain_text(values.at(row), false), counts});
      }
    }
  }

  static std::pair<uint64_t, uint64_t> counts_at(const Table& groups, size_t row) {
    const int64_t target = groups.columns[1].i64[row];
    return {static_cast<uint64_t>(target),
            static_cast<uint64_t>(groups.columns[2].i64[row] - target)};
  }

  void warn() const {
    if (!too_many_.empty()) {
      execution_.warnings.push_back(
          fmt::format("`diff` leaves out {}: more than {} different values",
                      join(too_many_, [](const std::string& name) { return '`' + name + '`'; }),
                      kComparedValuesMax));
    }
    if (too_many_.size() == stage_.columns.size()) return;
    for (const auto& [name, rows] :
         {std::pair{"target", target_rows_}, std::pair{"reference", reference_rows_}}) {
      if (rows >= kComparedRowsMin) continue;
      execution_.warnings.push_back(
          fmt::format("`diff` needs at least {} rows on each side, but its {} has {}",
                      kComparedRowsMin, name, rows));
    }
  }

  // Keeps what is over-represented, the most important first.
  void select() {
    std::erase_if(candidates_, [&](Candidate& each) {
      const auto found = over_represented(each.counts, values_compared_);
      if (found) each.difference = *found;
      return !found;
    });
    std::ranges::stable_sort(candidates_, [](const Candidate& a, const Candidate& b) {
      if (a.difference.score != b.difference.score) return a.difference.score > b.difference.score;
      return std::tie(a.column, a.value) < std::tie(b.column, b.value);
    });
  }

  Table table() const {
    Table out(diff_output());
    auto arena = std::make_shared<StringArena>();
    for (const Candidate& each : candidates_) {
      const Difference& found = each.difference;
      size_t next = 0;
      const auto add = [&](Value value) { out.columns[next++].append(value, *arena); };
      add(Value::of(each.column));
      add(Value::of(each.value));
      add(Value::of(static_cast<int64_t>(each.counts.target)));
      add(Value::of(found.target_share));
      add(Value::of(static_cast<int64_t>(each.counts.reference)));
      add(Value::of(found.reference_share));
      add(Value::of(found.ratio));
      add(Value::of(found.score));
      add(Value::of(found.p));
    }
    out.row_count = candidates_.size();
    out.arenas.push_back(std::move(arena));
    return out;
  }

  Execution& execution_;
  const Scan& scan_;
  const Program& program_;
  const DiffStage& stage_;
  StatsStage counted_;  // per value: the rows of the target, and all rows
  std::vector<Candidate> candidates_;
  std::vector<std::string> too_many_;  // columns
  uint64_t values_compared_ = 0;
  uint64_t target_rows_ = 0, reference_rows_ = 0;
};

}  // namespace

Result<Table> source_diff(Execution& execution, Scan scan, const Program& program,
                          const DiffStage& stage) {
  if (stage.ranges.size() > 1) {
    TOCSIN_TRY(scan.units, units_in(scan.units, stage.ranges));
  }
  return Comparison(execution, scan, program, stage).run();
}

}  // namespace tocsin
