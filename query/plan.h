// The logical plan: a checked, typed query that knows nothing of how data is stored.
//
// The seam between the language (grammar.cpp, check.cpp) and whatever executes it. No segment,
// no catalog, no thread appears here. Stages work on tables whose columns are numbered: stage k
// reads the columns of stage k - 1 and every expression refers to them by index.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "db/base/time.h"
#include "query/value.h"

namespace tocsin {

/// A place in the query's text: byte offsets, half-open.
struct TextSpan {
  uint32_t start = 0;
  uint32_t end = 0;
};

struct PlanColumn {
  std::string name;
  ValueType type = ValueType::kNull;
  bool operator==(const PlanColumn&) const = default;
};

/// Functions of one row. The registry (query/functions.h) has their names, signatures and help.
enum class Function : uint16_t {
  // operators
  kAnd, kOr, kNot, kEqual, kNotEqual, kLess, kLessEqual, kGreater, kGreaterEqual,
  kAdd, kSubtract, kMultiply, kDivide, kIntegerDivide, kModulo, kNegate,
  kIn, kNotIn, kMatches, kNotMatches, kContains,
  // of any type
  kExists, kIf, kCoalesce, kLeast, kGreatest, kToString, kToNumber,
  // numbers
  kAbs, kCeil, kFloor, kRound, kSqrt, kLn, kLog2, kLog10, kExp, kPow,
  // strings
  kLength, kLower, kUpper, kTrim, kStartsWith, kEndsWith, kReplace, kSubstring, kConcat, kExtract,
  kTemplate,
  // time
  kNow, kBucket, kHour, kWeekday, kDayOf, kToSeconds,
};

/// A typed expression over one row of a stage's input.
struct Expression {
  enum class Kind : uint8_t { kLiteral, kColumn, kCall };

  Kind kind = Kind::kLiteral;
  ValueType type = ValueType::kNull;
  TextSpan span;
  Value literal;                      // kLiteral
  uint32_t column = 0;                // kColumn: index into the stage's input
  Function function = Function::kAnd;  // kCall
  std::vector<Expression> arguments;  // kCall; for kIn: the operand, then the list
};

struct NamedExpression {
  std::string name;
  Expression expression;
};

enum class AggregateKind : uint8_t {
  kCount, kSum, kMean, kMin, kMax, kFirst, kLast, kStddev, kVariance, kQuantile, kCountDistinct,
  kMad, kSlope, kSample,
};

struct Aggregate {
  AggregateKind kind = AggregateKind::kCount;
  std::string name;                     ///< of the column it makes
  ValueType type = ValueType::kI64;     ///< of the result
  std::optional<Expression> argument;   ///< none for count(); count(x) counts values of x
  std::optional<Expression> where;      ///< only rows for which this holds
  double quantile = 0;                  ///< kQuantile: in [0, 1]; median is 0.5
  uint32_t time_column = 0;             ///< kFirst, kLast, kSlope: where `time` is in the input
  uint32_t sample_count = 0;            ///< kSample
  TextSpan span;
};

/// One key of `by`: a column, or a bucket of the column `time`.
struct GroupKey {
  std::string name;
  uint32_t column = 0;
  Duration bucket = 0;  ///< 0: the column's values themselves; else `time(bucket)`
};

enum class BaselineStatistic : uint8_t {
  kMean, kMedian, kStddev, kMad, kMin, kMax, kQuantile, kWindows,
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

struct FilterStage { Expression condition; };
struct LetStage { std::vector<NamedExpression> definitions; };  ///< appended; a known name replaces
struct StatsStage {
  std::vector<GroupKey> keys;         ///< output: keys first, then aggregates
  std::vector<Aggregate> aggregates;
};
/// Runs the stages before it over each earlier window [start - k*step, end - k*step) that lies wholly
/// inside `depth` before the range; appends `columns`. Semantics: SEMANTICS.md section 3,
/// repeated in query/README.md.
struct BaselineStage {
  Duration depth = 0;
  Duration step = 0;        ///< the range's length unless given
  uint64_t min_windows = 1;
  /// Past windows that overlap one of a group's intervals are left out for that group.
  bool excluding_alerts = false;
  std::string excluding_rule;  ///< ad hoc: `excluding alerts of RULE`; empty: of the caller's rule
  std::vector<BaselineColumn> columns;
};
struct SortStage { std::vector<SortKey> keys; };
struct LimitStage { uint64_t count = 0; };
/// `top N by x[, y]`: the N rows with the largest x; a leading `-` takes the smallest.
struct TopStage { uint64_t count = 0; std::vector<SortKey> keys; };
struct DistinctStage { std::vector<uint32_t> columns; };  ///< keeps these columns only
struct ProjectStage { std::vector<uint32_t> columns; };   ///< `keep` and `drop`
/// Adds the empty buckets between the first and the last of the range, per group.
struct FillStage {
  uint32_t time_column = 0;
  Duration bucket = 0;
  std::vector<uint32_t> group_columns;
  std::optional<Value> value;      ///< for the other columns; null (or 0 for counts) when absent
  std::vector<uint32_t> zero_columns;  ///< counts and sums: 0 unless `value` is given
};
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

/// One measurement of the source, with where each column of the source table comes from.
struct SourceMeasurement {
  std::string name;
  /// By index of `Plan::source_columns`: the stored column's name, or empty when this measurement
  /// has none or has it in a type that does not fit (then it is null).
  std::vector<std::string> columns;
};

struct Plan {
  std::vector<SourceMeasurement> source;
  TimeRange range;  ///< absolute
  bool range_given = false;
  /// The source as one table: always `time` at index 0 and `measurement` at 1, then every
  /// column of the measurements by name of first appearance. The executor reads only those used.
  std::vector<PlanColumn> source_columns;
  std::vector<Stage> stages;
  Timestamp now = 0;
  TimeZone zone;
  std::vector<std::string> warnings;

  const std::vector<PlanColumn>& output_columns() const {
    return stages.empty() ? source_columns : stages.back().columns;
  }
};

/// One text for equal plans, without times and measurements' contents: printed by `explain`, and part
/// of the key under which partial results are remembered.
std::string print_plan(const Plan& plan);

}  // namespace tocsin
