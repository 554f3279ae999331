// The logical plan: a checked, typed query, independent of how data is stored.
//
// The interface between the language (query/parser, query/check) and the executor
// (query/operator). No segments, catalog or threads appear here. Columns are numbered: stage k
// reads the columns of stage k - 1, and expressions refer to them by index. Column names are unique
// within a stage's output, except for siblings. No column and no expression has the type kNull: a
// null is a literal of the type that its place requires.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "db/base/time.h"
#include "query/base/value.h"

namespace tocsin {

/// A range of byte offsets in the query text, half-open.
struct TextSpan {
  uint32_t start = 0;
  uint32_t end = 0;
};

struct PlanColumn {
  std::string name;
  ValueType type = ValueType::kNull;
  /// In a rule: null in every row, because no measurement has the column yet. Expressions compiled
  /// against the result may treat it as any type.
  bool always_null = false;
  /// Has the values of another type of the column before it that has the same name: in a row, at
  /// most one of them has a value. A result shows them as one column. Without such a column, it is
  /// a rest that nothing shows.
  bool sibling = false;
  bool operator==(const PlanColumn&) const = default;
};

// clang-format off
/// Functions of one row. The registry (query/function/functions.h) has their names, signatures and
/// help; query/function/scalar.h computes each of them for single values. The checker guarantees:
/// - and, or, not: booleans (a null counts as false); comparisons: two numbers of any types,
///   compared exactly, or two values of one other type;
/// - in: the operand, then non-null literals comparable to it; matches and extract: the pattern is
///   a literal that RE2 can compile;
/// - if (after its condition), coalesce, least, greatest: arguments of the call's type;
/// - arithmetic with an f64 result: f64 arguments (integers are wrapped in kToF64); with an integer
///   result: i64 and u64 in any mix, computed exactly, null where the result's type cannot hold it;
///   with times and durations as int64: time + duration, time - duration, time - time,
///   duration +- duration, duration * number (the duration first, the number of any type; rounded
///   to whole nanoseconds), duration / number, duration / duration (f64), duration div duration
///   (i64), duration % duration.
enum class Function : uint16_t {
  // operators
  kAnd, kOr, kNot, kEqual, kNotEqual, kLess, kLessEqual, kGreater, kGreaterEqual,
  kAdd, kSubtract, kMultiply, kDivide, kIntegerDivide, kModulo, kNegate,
  kIn, kNotIn, kMatches, kNotMatches, kContains, kIcontains,
  // of any type
  kExists, kIf, kCoalesce, kLeast, kGreatest, kToString, kToNumber,
  kToF64,  ///< from i64 or u64; inserted by the checker, has no name
  // numbers
  kAbs, kCeil, kFloor, kRound, kSqrt, kLn, kLog2, kLog10, kExp, kPow,
  // strings
  kLength, kLower, kUpper, kTrim, kStartsWith, kEndsWith, kReplace, kSubstring, kConcat, kExtract,
  kTemplate,
  // time
  kNow, kBucket, kHourOf, kWeekdayOf, kDayOf, kToSeconds, kToTime,
};
// clang-format on

/// A typed expression over one row of a stage's input.
struct Expression {
  enum class Kind : uint8_t { kLiteral, kColumn, kCall };

  Kind kind = Kind::kLiteral;
  ValueType type = ValueType::kNull;
  TextSpan span;
  Value literal;                       // kLiteral
  uint32_t column = 0;                 // kColumn: index into the stage's input
  Function function = Function::kAnd;  // kCall
  std::vector<Expression> arguments;   // kCall; for kIn, kNotIn: the operand, then the list
};

struct NamedExpression {
  std::string name;
  Expression expression;
};

// clang-format off
enum class AggregateKind : uint8_t {
  kCount, kSum, kMean, kMin, kMax, kFirst, kLast, kStddev, kVariance, kQuantile, kCountDistinct,
  kMad, kSlope, kSample,
};
// clang-format on

/// Whether the aggregate needs the time of each row.
inline bool reads_time(AggregateKind kind) {
  return kind == AggregateKind::kFirst || kind == AggregateKind::kLast ||
         kind == AggregateKind::kSlope || kind == AggregateKind::kSample;
}

struct Aggregate {
  AggregateKind kind = AggregateKind::kCount;
  std::string name;                    ///< of the output column
  ValueType type = ValueType::kI64;    ///< of the result
  std::optional<Expression> argument;  ///< none for count(); count(x) counts values of x
  std::optional<Expression> where;     ///< counts only rows for which this is true
  double quantile = 0;                 ///< kQuantile: in [0, 1]; median is 0.5
  uint32_t time_column = 0;            ///< if reads_time(kind): index of `time` in the input
  uint32_t sample_count = 0;           ///< kSample: a JSON array of this many earliest values
  TextSpan span;
};

/// One key of `by`: a column, or a bucket of the column `time` (of type kTime) in the plan's zone.
struct GroupKey {
  std::string name;
  uint32_t column = 0;
  Duration bucket = 0;  ///< 0: the column's values; else `time(bucket)`
};

enum class BaselineStatistic : uint8_t {
  kMean,
  kMedian,
  kStddev,
  kMad,
  kMin,
  kMax,
  kQuantile,
  kWindows,
};

/// `baseline(x, statistic)` as a later stage uses it; the baseline stage adds it as a column.
struct BaselineColumn {
  std::string name;     ///< as printed: `baseline(rate)`, `baseline(rate, p95)`
  uint32_t column = 0;  ///< of the baseline stage's input
  BaselineStatistic statistic = BaselineStatistic::kMean;
  double quantile = 0;
};

/// What `unusual` and `silence` add, judged by the series of all windows (query/usual).
enum class JudgementKind : uint8_t { kCount, kShare, kMean, kSilence };
struct BaselineJudgement {
  JudgementKind kind = JudgementKind::kCount;
  uint32_t column = 0;  ///< of the baseline stage's input
  uint32_t of = 0;      ///< likewise; kShare, kMean

  /// Of kSilence: silence, usual_silence (durations), missed (f64). Of the others: observed, usual,
  /// surprise (f64), span (a duration), basis (a string).
  size_t column_count() const { return kind == JudgementKind::kSilence ? 3 : 5; }
  /// The place among these columns of the one that is null while too little is known.
  static constexpr size_t kUsual = 1;
};

/// What `novel` adds (query/usual/novelty.h): share, before_share (f64), first (a time), kind (a
/// string) and usual_new (f64).
struct BaselineNovelty {
  uint32_t column = 0;         ///< of the baseline stage's input
  std::vector<uint32_t> keys;  ///< those that a whole shares, as indexes into key_columns

  static constexpr size_t kColumnCount = 5;
  /// The place among these columns of the one that is null while too little is known.
  static constexpr size_t kBefore = 1;
};

struct SortKey {
  uint32_t column = 0;
  bool descending = false;
};

struct FilterStage {
  Expression condition;
};
/// Every definition reads the stage's input, never another definition (the checker splits
/// `let a = x, b = a` into two stages). An existing column is replaced in place, a new one
/// appended.
struct LetStage {
  std::vector<NamedExpression> definitions;
  std::vector<uint32_t> outputs;  ///< by definition: its column index in the output
};
struct StatsStage {
  std::vector<GroupKey> keys;  ///< output: keys first, then aggregates
  std::vector<Aggregate> aggregates;
};
/// Requires of judgements: adjacent windows, no longer than a day.
/// Runs the stages before it over each earlier window [start - k*step, end - k*step) that is
/// completely within `depth` before the range, and appends `columns` (f64; i64 for kWindows; a
/// duration if the column is one). Only where, let and stats come before it, including at least one
/// stats. query/README.md defines the semantics.
struct BaselineStage {
  Duration depth = 0;
  Duration step = 0;  ///< default: the length of the range
  uint64_t min_windows = 1;
  /// Skips a group's past windows that overlap one of its intervals (QueryOptions::exclusions).
  bool excluding_alerts = false;
  std::string excluding_rule;  ///< of `excluding alerts of RULE`; empty: the caller's rule
  /// Input columns of the last stats' keys, in its order: they identify a group.
  std::vector<uint32_t> key_columns;
  std::vector<BaselineColumn> columns;
  std::vector<BaselineJudgement> judgements;  ///< their columns follow
  std::optional<BaselineNovelty> novelty;     ///< then its columns
};
struct SortStage {
  std::vector<SortKey> keys;
};
struct LimitStage {
  uint64_t count = 0;
};
/// `top N by x[, y]`: the N rows with the largest x; a leading `-` selects the smallest.
struct TopStage {
  uint64_t count = 0;
  std::vector<SortKey> keys;
};
/// Keeps only these columns and removes duplicate rows.
struct DistinctStage {
  std::vector<uint32_t> columns;
};
/// `keep` and `drop`.
struct ProjectStage {
  std::vector<uint32_t> columns;
};
/// Adds the missing buckets of every group: over the range if one is given, else from the first to
/// the last bucket of any group. The output is ordered by group, then time.
struct FillStage {
  uint32_t time_column = 0;
  Duration bucket = 0;
  std::vector<uint32_t> group_columns;
  /// By column: the value in an added row, of the column's type or null; unused for the time and
  /// group columns. 0 for counts and sums unless the query gives a value.
  std::vector<Value> values;
};
/// The buckets of one column by group, in order of time.
struct SeriesInput {
  uint32_t time_column = 0;
  uint32_t value_column = 0;
  Duration bucket = 0;
  std::vector<uint32_t> group_columns;
};
/// How many false alarms `detect` accepts: `sensitivity low|normal|high`.
enum class Sensitivity : uint8_t { kLow, kNormal, kHigh };
/// Appends expected, lower, upper, score (f64), kind (string, unless the input has a column of that
/// name) and anomaly (bool), computed from earlier buckets of the group.
struct DetectStage {
  SeriesInput series;
  Duration season = 0;  ///< 0: chosen by the detector
  Sensitivity sensitivity = Sensitivity::kNormal;
  bool zero_if_missing = false;  ///< the value of missing buckets is 0, otherwise unknown
  bool counts = false;           ///< the value is a number of events
  bool adds_kind = true;
  /// The stages before it run over the buckets from here on, which are learnt; if it is before the
  /// range, the rows of buckets before `start` are then dropped.
  Timestamp learn_from = kTimeMin;
  Timestamp start = kTimeMin;
};
/// Replaces the rows of each group by one with the group columns, change (time), type (string),
/// before, after and p (f64).
struct ChangepointStage {
  SeriesInput series;
};
/// Appends expected, lower, upper (f64) and forecast (bool); adds the buckets of the horizon after
/// the last bucket of each group, in which all columns but these, the time and the groups are null.
struct ForecastStage {
  SeriesInput series;
  Duration horizon = 0;
  Duration season = 0;  ///< 0: chosen from the values
};

/// Finds the values that are more frequent among the rows for which `target` is true than among all
/// other rows. Only where, let, keep and drop come before it. query/plan/diff.h has the columns of
/// its output.
struct DiffStage {
  Expression target;
  std::vector<NamedExpression> columns;  ///< what is compared; a null is not a value
  /// The times of the rows to compare, ascending and disjoint; empty: the range of the plan.
  std::vector<TimeRange> ranges;
};

struct Stage {
  std::variant<FilterStage, LetStage, StatsStage, BaselineStage, SortStage, LimitStage, TopStage,
               DistinctStage, ProjectStage, FillStage, DetectStage, ChangepointStage, ForecastStage,
               DiffStage>
      operation;
  std::vector<PlanColumn> columns;  ///< the stage's output
  TextSpan span;
};

/// One measurement of the source and the columns that it has.
struct SourceMeasurement {
  std::string name;
  /// The indexes in `Plan::source_columns`, ascending and at least 2, of the columns that this
  /// measurement stores under the same name. A stored i64 or u64 may be f64 in the source table,
  /// unless the measurement stores an f64 of that name too. All other columns are null here.
  std::vector<uint32_t> columns;
};

struct Plan {
  std::vector<SourceMeasurement> source;
  TimeRange range;  ///< absolute
  bool range_given = false;
  /// The source as one table: `time` at index 0, `measurement` at 1, then all columns of the
  /// measurements in order of first appearance, then their siblings. The executor reads only those
  /// used. In a rule, columns that no measurement has follow at the end.
  std::vector<PlanColumn> source_columns;
  std::vector<Stage> stages;
  Timestamp now = 0;
  TimeZone zone;
  std::vector<std::string> warnings;
  /// Of measurements and columns that are not stored yet; later events may remove them.
  std::vector<std::string> schema_warnings;

  const std::vector<PlanColumn>& output_columns() const {
    return stages.empty() ? source_columns : stages.back().columns;
  }
};

/// The plan as text, without times: the source, then one line per stage. Printed by `explain`.
std::string print_plan(const Plan& plan);
/// One stage as a line of print_plan; `input` has the columns that it reads.
std::string print_stage(const Stage& stage, const std::vector<PlanColumn>& input);
std::string print_expression(const Expression& expression, const std::vector<PlanColumn>& input);

}  // namespace tocsin
