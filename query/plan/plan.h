// The logical plan: a checked, typed query that knows nothing of how data is stored.
//
// The seam between the language (grammar.cpp, check.cpp) and whatever executes it. No segment,
// no catalog, no thread appears here. Stages work on tables whose columns are numbered: stage k
// reads the columns of stage k - 1 and every expression refers to them by index. Column names are
// unique within a stage's output. No column and no expression has the type kNull: where a null
// stands, it is a literal of the type that is expected there.
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

/// A place in the query's text: byte offsets, half-open.
struct TextSpan {
  uint32_t start = 0;
  uint32_t end = 0;
};

struct PlanColumn {
  std::string name;
  ValueType type = ValueType::kNull;
  /// In a rule: null in every row, as no measurement has the column yet; what is compiled against
  /// the result takes it for a value of any type.
  bool always_null = false;
  bool operator==(const PlanColumn&) const = default;
};

// clang-format off
/// Functions of one row. The registry (query/function/functions.h) has their names, signatures and help;
/// query/function/scalar.h computes each of them for single values. What the checker has made sure of:
/// - and, or, not: booleans (a null counts as false); comparisons: two numbers of any types,
///   compared exactly, or two values of one other type;
/// - in: the operand, then non-null literals comparable to it; matches and extract: the pattern is a
///   literal that RE2 has compiled;
/// - if (after its condition), coalesce, least, greatest: arguments of the call's own type;
/// - arithmetic with an f64 result: f64 arguments (integers stand inside kToF64); with an integer result:
///   i64 and u64 in any mix, computed exactly, null where the result's type cannot hold it; with
///   times and durations as int64: time + duration, time - duration, time - time, duration +- duration,
///   duration * number (the duration first, the number of any type; rounded to whole
///   nanoseconds), duration / number, duration / duration (f64), duration div duration (i64),
///   duration % duration.
enum class Function : uint16_t {
  // operators
  kAnd, kOr, kNot, kEqual, kNotEqual, kLess, kLessEqual, kGreater, kGreaterEqual,
  kAdd, kSubtract, kMultiply, kDivide, kIntegerDivide, kModulo, kNegate,
  kIn, kNotIn, kMatches, kNotMatches, kContains,
  // of any type
  kExists, kIf, kCoalesce, kLeast, kGreatest, kToString, kToNumber,
  kToF64,  ///< from i64 or u64; put in by the checker, has no name
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

struct Aggregate {
  AggregateKind kind = AggregateKind::kCount;
  std::string name;                    ///< of the column it makes
  ValueType type = ValueType::kI64;    ///< of the result
  std::optional<Expression> argument;  ///< none for count(); count(x) counts values of x
  std::optional<Expression> where;     ///< only rows for which this holds
  double quantile = 0;                 ///< kQuantile: in [0, 1]; median is 0.5
  uint32_t time_column = 0;            ///< kFirst, kLast, kSlope: where `time` is in the input
  uint32_t sample_count = 0;           ///< kSample: a JSON array of this many earliest values
  TextSpan span;
};

/// One key of `by`: a column, or a bucket of the column `time` (of type kTime, in the plan's zone).
struct GroupKey {
  std::string name;
  uint32_t column = 0;
  Duration bucket = 0;  ///< 0: the column's values themselves; else `time(bucket)`
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

/// `baseline(x, statistic)` as some later stage uses it: becomes one more column.
struct BaselineColumn {
  std::string name;     ///< as printed: `baseline(rate)`, `baseline(rate, p95)`
  uint32_t column = 0;  ///< of the baseline stage's input
  BaselineStatistic statistic = BaselineStatistic::kMean;
  double quantile = 0;
};

struct SortKey {
  uint32_t column = 0;
  bool descending = false;
};

struct FilterStage {
  Expression condition;
};
/// Every definition reads the stage's input, never its neighbours (the checker makes two stages of
/// `let a = x, b = a`). A name that the input has is replaced in its place, a new one appended.
struct LetStage {
  std::vector<NamedExpression> definitions;
  std::vector<uint32_t> outputs;  ///< by definition: its index in the stage's output
};
struct StatsStage {
  std::vector<GroupKey> keys;  ///< output: keys first, then aggregates
  std::vector<Aggregate> aggregates;
};
/// Runs the stages before it over each earlier window [start - k*step, end - k*step) that lies
/// wholly inside `depth` before the range; appends `columns` (f64; i64 for windows; a duration for
/// one of a duration). At least one stats stands before it, and else only where and let. Semantics:
/// SEMANTICS.md section 3, repeated in query/README.md.
struct BaselineStage {
  Duration depth = 0;
  Duration step = 0;  ///< the range's length unless given
  uint64_t min_windows = 1;
  /// Past windows that overlap one of a group's intervals are left out for that group.
  bool excluding_alerts = false;
  std::string excluding_rule;  ///< ad hoc: `excluding alerts of RULE`; empty: of the caller's rule
  /// Where the keys of the last stats stand in the input, in their order: a group's identity.
  std::vector<uint32_t> key_columns;
  std::vector<BaselineColumn> columns;
};
struct SortStage {
  std::vector<SortKey> keys;
};
struct LimitStage {
  uint64_t count = 0;
};
/// `top N by x[, y]`: the N rows with the largest x; a leading `-` takes the smallest.
struct TopStage {
  uint64_t count = 0;
  std::vector<SortKey> keys;
};
struct DistinctStage {
  std::vector<uint32_t> columns;
};  ///< keeps these columns only
struct ProjectStage {
  std::vector<uint32_t> columns;
};  ///< `keep` and `drop`
/// Adds the missing buckets of every group: of the whole range when one is given, else from the
/// first to the last bucket that any group has. Rows come out by group, then time.
struct FillStage {
  uint32_t time_column = 0;
  Duration bucket = 0;
  std::vector<uint32_t> group_columns;
  /// By column: its value in an added row, of the column's type or null; unused for the time and
  /// the group columns. Counts and sums have 0 unless the query says otherwise.
  std::vector<Value> values;
};
/// Appends expected, lower, upper, score (f64) and anomaly (bool), from earlier buckets of the
/// group.
struct DetectStage {
  uint32_t time_column = 0;
  uint32_t value_column = 0;
  Duration bucket = 0;
  Duration season = 0;  ///< 0: none
  std::vector<uint32_t> group_columns;
};

struct Stage {
  std::variant<FilterStage, LetStage, StatsStage, BaselineStage, SortStage, LimitStage, TopStage,
               DistinctStage, ProjectStage, FillStage, DetectStage>
      operation;
  std::vector<PlanColumn> columns;  ///< what the stage puts out
  TextSpan span;
};

/// One measurement of the source and the columns that it has.
struct SourceMeasurement {
  std::string name;
  /// Indexes of `Plan::source_columns` that it stores, under the same name and from 2 on,
  /// ascending. A stored number may have another numeric type than the source table (i64 or u64 for
  /// f64). All other columns are null here.
  std::vector<uint32_t> columns;
};

struct Plan {
  std::vector<SourceMeasurement> source;
  TimeRange range;  ///< absolute
  bool range_given = false;
  /// The source as one table: always `time` at index 0 and `measurement` at 1, then every
  /// column of the measurements in the order of first appearance. The executor reads only those
  /// used. In a rule a column may be one that no measurement has.
  std::vector<PlanColumn> source_columns;
  std::vector<Stage> stages;
  Timestamp now = 0;
  TimeZone zone;
  std::vector<std::string> warnings;

  const std::vector<PlanColumn>& output_columns() const {
    return stages.empty() ? source_columns : stages.back().columns;
  }
};

/// One text for equal plans, without times and measurements' contents: printed by `explain`, and
/// part of the key under which partial results are remembered.
std::string print_plan(const Plan& plan);
/// One stage as a line of print_plan; `input` is what it reads.
std::string print_stage(const Stage& stage, const std::vector<PlanColumn>& input);
std::string print_expression(const Expression& expression, const std::vector<PlanColumn>& input);

}  // namespace tocsin
