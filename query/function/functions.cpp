#include "query/function/functions.h"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "db/base/ascii.h"
#include "db/base/check.h"
#include "db/base/text.h"

namespace tocsin {
namespace {

using A = ArgumentType;
using R = ResultType;

// clang-format off
constexpr std::array<StageEntry, 18> kStages = {{
    {{"where", "where CONDITION", "keeps the rows for which the condition holds",
      "from audit last 1h | where service =~ \"^pay\" and duration_ms > 100"}},
    {{"let", "let NAME = EXPRESSION, …",
      "adds computed columns; an existing column of that name is replaced",
      "from audit last 1h | let seconds = duration_ms / 1000, slow = seconds > 5"}},
    {{"stats", "stats [NAME =] AGGREGATE [where CONDITION], … [by COLUMN, time(DURATION), …]",
      "returns one row per group, with aggregates over the rows of the group",
      "from audit last 1h | stats failed = count() where status == \"FAILED\", total = count() "
      "by service, time(5m)"}},
    {{"baseline", "baseline DURATION [step DURATION] [min N] [excluding alerts [of RULE]]",
      "repeats the query so far over earlier time windows, so that later stages can compare a "
      "value with its usual level, baseline(x)",
      "from audit last 1h | stats total = count() by service | baseline 7d min 24 "
      "| where total > 3 * baseline(total)"}},
    {{"unusual", "unusual COLUMN [of COLUMN]",
      "after `baseline`: judges a count, the share of a count in another one, or the mean of a sum, "
      "by its usual level at this time; adds observed, usual, surprise, span and basis",
      "from audit last 15m | stats failed = count() where status == \"FAILED\", total = count() "
      "by service | baseline 28d | unusual failed of total | where surprise > 6"}},
    {{"silence", "silence COLUMN",
      "after `baseline`: how long a count has been 0, and how long that is usual at this time; adds "
      "silence, usual_silence and missed",
      "from audit last 5m | stats n = count() by service | baseline 28d | silence n "
      "| where silence > usual_silence"}},
    {{"novel", "novel COLUMN [by KEY, …]",
      "after `baseline`: which groups of a whole (the groups that agree in these keys) are new, gone "
      "or shifted, by a count; adds share, before_share, first, kind and usual_new",
      "from * last 15m | let pattern = template(message) | stats n = count() by service, pattern "
      "| baseline 14d | novel n by service | where kind == \"new\""}},
    {{"sort", "sort [-]COLUMN, …",
      "sorts the rows; a leading - sorts in descending order, nulls come last",
      "from audit last 1h | stats total = count() by service | sort -total, service"}},
    {{"limit", "limit N", "keeps the first N rows", "from audit | sort -time | limit 100"}},
    {{"top", "top N by [-]COLUMN, …",
      "keeps the N rows with the largest values, largest first; a leading - keeps the smallest",
      "from audit last 1h | stats total = count() by service | top 5 by total"}},
    {{"distinct", "distinct [COLUMN, …]", "keeps these columns, or all, and removes duplicate rows",
      "from audit last 1d | distinct service, transaction"}},
    {{"keep", "keep COLUMN, …", "keeps only these columns, in this order",
      "from audit last 1h | keep time, service, message"}},
    {{"drop", "drop COLUMN, …", "removes these columns", "from audit last 1h | drop message"}},
    {{"fill", "fill [VALUE]",
      "adds rows for empty time buckets; counts and sums are 0 there, other columns null, or all "
      "are VALUE",
      "from audit last 1h | stats n = count() by service, time(5m) | fill"}},
    {{"detect",
      "detect COLUMN [season DURATION] [sensitivity low|normal|high] [by COLUMN, …]",
      "judges each time bucket by earlier ones; adds expected, lower, upper, score, kind and "
      "anomaly",
      "from audit last 1d | stats n = count() by time(5m) | detect n season 1d | where anomaly"}},
    {{"changepoint", "changepoint COLUMN [by COLUMN, …]",
      "finds where a series of time buckets changed for good; returns one row per group",
      "from audit last 1d | stats p95 = p95(duration_ms) by service, time(1h) | changepoint p95"}},
    {{"forecast", "forecast COLUMN horizon DURATION [season DURATION] [by COLUMN, …]",
      "adds the time buckets of the horizon, with expected, lower and upper",
      "from audit last 1h | stats n = count() by time(1m) | forecast n horizon 2m"}},
    {{"diff", "diff (against last DURATION or where CONDITION) [columns COLUMN, …]",
      "finds the values that are more frequent in these rows than in those of the time before, or in "
      "the rows for which the condition holds than in the others",
      "from audit last 1h | diff where status == \"FAILED\""}},
}};

constexpr std::array<FunctionEntry, 36> kFunctions = {{
    {Function::kExists,
     {"exists", "exists(x)", "whether x is not null", "exists(user)"},
     {A::kAny}, 1, 1, R::kBool},
    {Function::kIf,
     {"if", "if(condition, a, b)", "a if the condition holds, otherwise b",
      "if(status == \"FAILED\", 1, 0)"},
     {A::kBool, A::kSame, A::kSame}, 3, 3, R::kSame},
    {Function::kCoalesce,
     {"coalesce", "coalesce(a, b, …)", "the first argument that is not null",
      "coalesce(user, \"nobody\")"},
     {A::kSame}, 1, kAnyCount, R::kSame},
    {Function::kLeast,
     {"least", "least(a, b, …)", "the smallest argument; null if any is null",
      "least(duration_ms, 1000)"},
     {A::kSameOrdered}, 1, kAnyCount, R::kSame},
    {Function::kGreatest,
     {"greatest", "greatest(a, b, …)", "the largest argument; null if any is null",
      "greatest(duration_ms, 0)"},
     {A::kSameOrdered}, 1, kAnyCount, R::kSame},
    {Function::kToString,
     {"to_string", "to_string(x)", "x as text", "to_string(duration_ms)"},
     {A::kAny}, 1, 1, R::kString},
    {Function::kToNumber,
     {"to_number", "to_number(text)", "the text as a number; null if it is not one",
      "to_number(extract(message, r\"took (\\d+) ms\"))"},
     {A::kString}, 1, 1, R::kF64},
    {Function::kAbs,
     {"abs", "abs(x)", "the absolute value of x", "abs(duration_ms - 100)"},
     {A::kNumberOrDuration}, 1, 1, R::kFirst},
    {Function::kCeil,
     {"ceil", "ceil(x)", "x rounded up to a whole number", "ceil(duration_ms / 1000)"},
     {A::kNumber}, 1, 1, R::kFirst},
    {Function::kFloor,
     {"floor", "floor(x)", "x rounded down to a whole number", "floor(duration_ms / 1000)"},
     {A::kNumber}, 1, 1, R::kFirst},
    {Function::kRound,
     {"round", "round(x[, digits])",
      "x rounded half away from zero, to digits after the decimal point [0]",
      "round(duration_ms / 1000, 1)"},
     {A::kNumber, A::kInteger}, 1, 2, R::kFirst},
    {Function::kSqrt,
     {"sqrt", "sqrt(x)", "the square root of x; null below 0", "sqrt(duration_ms)"},
     {A::kNumber}, 1, 1, R::kF64},
    {Function::kLn,
     {"ln", "ln(x)", "the natural logarithm of x; null for 0 and below", "ln(duration_ms)"},
     {A::kNumber}, 1, 1, R::kF64},
    {Function::kLog2,
     {"log2", "log2(x)", "the logarithm of x to base 2; null for 0 and below", "log2(duration_ms)"},
     {A::kNumber}, 1, 1, R::kF64},
    {Function::kLog10,
     {"log10", "log10(x)", "the logarithm of x to base 10; null for 0 and below",
      "log10(duration_ms)"},
     {A::kNumber}, 1, 1, R::kF64},
    {Function::kExp,
     {"exp", "exp(x)", "e to the power of x", "exp(duration_ms / 1000)"},
     {A::kNumber}, 1, 1, R::kF64},
    {Function::kPow,
     {"pow", "pow(x, y)", "x to the power of y", "pow(duration_ms, 2)"},
     {A::kNumber, A::kNumber}, 2, 2, R::kF64},
    {Function::kLength,
     {"length", "length(text)", "the number of characters (Unicode code points)",
      "length(message)"},
     {A::kString}, 1, 1, R::kI64},
    {Function::kLower,
     {"lower", "lower(text)", "the text with A to Z in lower case; other characters are unchanged",
      "lower(service)"},
     {A::kString}, 1, 1, R::kString},
    {Function::kUpper,
     {"upper", "upper(text)", "the text with a to z in upper case; other characters are unchanged",
      "upper(service)"},
     {A::kString}, 1, 1, R::kString},
    {Function::kTrim,
     {"trim", "trim(text)", "the text without spaces, tabs and line breaks at its start and end",
      "trim(message)"},
     {A::kString}, 1, 1, R::kString},
    {Function::kStartsWith,
     {"starts_with", "starts_with(text, prefix)", "whether the text starts with the prefix",
      "starts_with(service, \"pay\")"},
     {A::kString, A::kString}, 2, 2, R::kBool},
    {Function::kEndsWith,
     {"ends_with", "ends_with(text, suffix)", "whether the text ends with the suffix",
      "ends_with(service, \"-eu\")"},
     {A::kString, A::kString}, 2, 2, R::kBool},
    {Function::kReplace,
     {"replace", "replace(text, old, new)",
      "the text with every occurrence of old replaced by new; old is not a pattern",
      "replace(service, \"-eu\", \"\")"},
     {A::kString, A::kString, A::kString}, 3, 3, R::kString},
    {Function::kSubstring,
     {"substring", "substring(text, start[, length])",
      "the characters from start, counted from 0, or from the end if negative",
      "substring(message, 0, 80)"},
     {A::kString, A::kInteger, A::kInteger}, 2, 3, R::kString},
    {Function::kConcat,
     {"concat", "concat(a, b, …)", "all arguments joined as text",
      "concat(service, \"/\", transaction)"},
     {A::kAny}, 1, kAnyCount, R::kString},
    {Function::kExtract,
     {"extract", "extract(text, pattern)",
      "the match of the pattern's first group, or of the whole pattern if it has none; null "
      "without a match",
      "extract(message, r\"user=(\\w+)\")"},
     {A::kString, A::kPattern}, 2, 2, R::kString},
    {Function::kTemplate,
     {"template", "template(text)", "the text with numbers and ids replaced by <*>",
      "template(message)"},
     {A::kString}, 1, 1, R::kString},
    {Function::kNow,
     {"now", "now()", "the current time; in a rule, the end of the evaluated window",
      "now() - time > 5m"},
     {}, 0, 0, R::kTime},
    {Function::kBucket,
     {"bucket", "bucket(time, width)",
      "the start of the bucket that contains time, in the configured zone",
      "bucket(time, 1h)"},
     {A::kTime, A::kDuration}, 2, 2, R::kTime},
    {Function::kHourOf,
     {"hour", "hour(time)", "the hour of the day, 0 to 23, in the configured zone", "hour(time)"},
     {A::kTime}, 1, 1, R::kI64},
    {Function::kWeekdayOf,
     {"weekday", "weekday(time)",
      "the day of the week, 1 (Monday) to 7 (Sunday), in the configured zone",
      "weekday(time) >= 6"},
     {A::kTime}, 1, 1, R::kI64},
    {Function::kDayOf,
     {"day", "day(time)", "the day of the month, 1 to 31, in the configured zone", "day(time)"},
     {A::kTime}, 1, 1, R::kI64},
    {Function::kToSeconds,
     {"to_seconds", "to_seconds(x)", "a duration in seconds, or a time in seconds since 1970",
      "to_seconds(now() - time)"},
     {A::kTimeOrDuration}, 1, 1, R::kF64},
    {Function::kToTime,
     {"to_time", "to_time(text)", "the text (RFC 3339 or a date) as a time; null if it is not one",
      "to_time(\"2026-11-24\")"},
     {A::kString}, 1, 1, R::kTime},
    {Function::kToF64, {"", "", "", ""}, {A::kNumber}, 1, 1, R::kF64},
}};

constexpr std::array<AggregateEntry, 16> kAggregates = {{
    {AggregateKind::kCount,
     {"count", "count([x])", "the number of rows, or of rows in which x is not null",
      "failed = count() where status == \"FAILED\""},
     A::kAny, 0, 1, R::kI64, true},
    {AggregateKind::kSum,
     {"sum", "sum(x)", "the sum; 0 without values", "busy_ms = sum(duration_ms)"},
     A::kNumberOrDuration, 1, 1, R::kFirst, true},
    {AggregateKind::kMean,
     {"mean", "mean(x)", "the arithmetic mean", "mean(duration_ms)"},
     A::kNumberOrDuration, 1, 1, R::kF64, false},
    {AggregateKind::kMin,
     {"min", "min(x)", "the smallest value", "min(duration_ms)"},
     A::kOrdered, 1, 1, R::kFirst, false},
    {AggregateKind::kMax,
     {"max", "max(x)", "the largest value", "latest = max(time)"},
     A::kOrdered, 1, 1, R::kFirst, false},
    {AggregateKind::kFirst,
     {"first", "first(x)", "the earliest value that is not null", "first(message)"},
     A::kAny, 1, 1, R::kFirst, false},
    {AggregateKind::kLast,
     {"last", "last(x)", "the latest value that is not null", "last(status)"},
     A::kAny, 1, 1, R::kFirst, false},
    {AggregateKind::kStddev,
     {"stddev", "stddev(x)",
      "the sample standard deviation (n - 1); null with fewer than two values",
      "stddev(duration_ms)"},
     A::kNumberOrDuration, 1, 1, R::kF64, false},
    {AggregateKind::kVariance,
     {"variance", "variance(x)", "the sample variance (n - 1); null with fewer than two values",
      "variance(duration_ms)"},
     A::kNumber, 1, 1, R::kF64, false},
    {AggregateKind::kQuantile,
     {"median", "median(x)", "the exact median", "median(duration_ms)"},
     A::kNumberOrDuration, 1, 1, R::kF64, false},
    {AggregateKind::kQuantile,
     {"pNN", "p1(x) … p99.9(x)", "the exact percentile, interpolated between neighbouring values",
      "p95 = p95(duration_ms)"},
     A::kNumberOrDuration, 1, 1, R::kF64, false},
    {AggregateKind::kQuantile,
     {"quantile", "quantile(x, q)", "the exact quantile for q from 0 to 1, interpolated",
      "quantile(duration_ms, 0.95)"},
     A::kNumberOrDuration, 2, 2, R::kF64, false},
    {AggregateKind::kCountDistinct,
     {"count_distinct", "count_distinct(x)", "the exact number of distinct values",
      "users = count_distinct(user)"},
     A::kAny, 1, 1, R::kI64, true},
    {AggregateKind::kMad,
     {"mad", "mad(x)", "the median absolute deviation from the median, unscaled",
      "mad(duration_ms)"},
     A::kNumberOrDuration, 1, 1, R::kF64, false},
    {AggregateKind::kSlope,
     {"slope", "slope(x)", "the change per second, by a least-squares line over time",
      "slope(duration_ms)"},
     A::kNumber, 1, 1, R::kF64, false},
    {AggregateKind::kSample,
     {"sample", "sample(x[, n])", "the n earliest values [3], as a JSON array",
      "examples = sample(message, 5)"},
     A::kAny, 1, 2, R::kString, false},
}};

struct ForeignWord {
  std::string_view word;
  const char* ours;
};

constexpr std::array<ForeignWord, 37> kForeignStages = {{
    {"filter", "where"},     {"search", "where"},     {"having", "where"},
    {"grep", "where"},       {"eval", "let"},         {"extend", "let"},
    {"math", "let"},         {"compute", "let"},      {"derive", "let"},
    {"summarize", "stats"},  {"summarise", "stats"},  {"aggregate", "stats"},
    {"group", "stats … by"}, {"count", "stats"},      {"timechart", "stats … by time(5m)"},
    {"timeslice", "stats … by time(5m)"},
    {"order", "sort"},       {"sortby", "sort"},      {"take", "limit"},
    {"head", "limit"},       {"first", "limit"},      {"tail", "sort -time | limit"},
    {"uniq", "distinct"},    {"unique", "distinct"},  {"dedup", "distinct"},
    {"fields", "keep"},      {"project", "keep"},     {"select", "keep"},
    {"columns", "keep"},     {"delete", "drop"},      {"remove", "drop"},
    {"makeseries", "fill"},  {"rename", "let"},       {"anomalies", "detect"},
    {"diffpatterns", "diff"}, {"compare", "diff"},    {"difference", "diff"},
}};

constexpr std::array<ForeignWord, 27> kForeignFunctions = {{
    {"isnull", "not exists(x)"},   {"is_null", "not exists(x)"},
    {"isnotnull", "exists(x)"},    {"isempty", "not exists(x)"},
    {"ifnull", "coalesce"},        {"nvl", "coalesce"},
    {"iff", "if"},                 {"case", "if(condition, a, b)"},
    {"len", "length"},             {"strlen", "length"},
    {"tolower", "lower"},          {"toupper", "upper"},
    {"substr", "substring"},       {"power", "pow"},
    {"log", "ln"},                 {"ceiling", "ceil"},
    {"min", "least"},              {"max", "greatest"},
    {"ago", "now - 1h"},           {"bin", "bucket"},
    {"date_trunc", "bucket"},      {"time_bucket", "bucket"},
    {"tostring", "to_string"},     {"str", "to_string"},
    {"tonumber", "to_number"},     {"toint", "to_number"},
    {"regexp_extract", "extract"},
}};

constexpr std::array<ForeignWord, 21> kForeignAggregates = {{
    {"avg", "mean"},
    {"average", "mean"},
    {"dcount", "count_distinct"},
    {"dc", "count_distinct"},
    {"count_uniq", "count_distinct"},
    {"uniq", "count_distinct"},
    {"approx_count_distinct", "count_distinct"},
    {"distinct", "count_distinct"},
    {"stdev", "stddev"},
    {"std", "stddev"},
    {"stddev_samp", "stddev"},
    {"var", "variance"},
    {"percentile", "quantile(x, 0.95)"},
    {"percentile_cont", "quantile(x, 0.95)"},
    {"quantile_over_time", "quantile(x, 0.95)"},
    {"perc95", "p95"},
    {"rate", "count()"},
    {"count_over_time", "count()"},
    {"increase", "sum"},
    {"earliest", "first"},
    {"latest", "last"},
}};
// clang-format on

template <size_t N>
std::string suggest(std::string_view word, const std::array<ForeignWord, N>& foreign,
                    std::vector<std::string> ours) {
  std::string lower = lower_case(word);
  if (std::find(ours.begin(), ours.end(), lower) != ours.end()) return lower;
  for (const ForeignWord& entry : foreign) {
    if (entry.word == lower) return entry.ours;
  }
  return nearest_name(lower, ours);
}

template <class Entries>
std::vector<std::string> names_of(const Entries& entries) {
  std::vector<std::string> names;
  for (const auto& entry : entries) names.emplace_back(entry.documentation.name);
  return names;
}

}  // namespace

std::string usage_of(const Documentation& documentation) {
  return fmt::format("`{}` returns {}", documentation.signature, documentation.help);
}

std::span<const StageEntry> all_stages() { return kStages; }
std::span<const FunctionEntry> all_functions() {
  return std::span(kFunctions).first(kFunctions.size() - 1);  // kToF64 has no name
}
std::span<const AggregateEntry> all_aggregates() { return kAggregates; }

const FunctionEntry* find_function(std::string_view name) {
  for (const FunctionEntry& entry : all_functions()) {
    if (name == entry.documentation.name) return &entry;
  }
  return nullptr;
}

const FunctionEntry& entry_of(Function function) {
  const auto entry =
      std::find_if(kFunctions.begin(), kFunctions.end(),
                   [&](const FunctionEntry& candidate) { return candidate.function == function; });
  TOCSIN_CHECK(entry != kFunctions.end());
  return *entry;
}

const AggregateEntry* find_aggregate(std::string_view name) {
  if (quantile_of_name(name)) name = "pNN";
  for (const AggregateEntry& entry : all_aggregates()) {
    if (name == entry.documentation.name) return &entry;
  }
  return nullptr;
}

bool is_stage_name(std::string_view word) {
  return std::any_of(kStages.begin(), kStages.end(),
                     [&](const StageEntry& entry) { return word == entry.documentation.name; });
}

std::optional<double> quantile_of_name(std::string_view name) {
  if (name.size() < 2 || name[0] != 'p' || !is_digit(name[1])) return std::nullopt;
  // "99.9e-2" parses as the double nearest to 0.999; 99.9 / 100 may differ in the last bit.
  const std::string number = std::string(name.substr(1)) + "e-2";
  double quantile = 0;
  const char* last = number.data() + number.size();
  const auto [end, status] = std::from_chars(number.data(), last, quantile);
  if (status != std::errc() || end != last || quantile <= 0 || quantile >= 1) return std::nullopt;
  return quantile;
}

const char* name_of(ArgumentType type) {
  switch (type) {
    case A::kAny:
    case A::kSame: return "a value";
    case A::kBool: return "a condition";
    case A::kNumber: return "a number";
    case A::kInteger: return "an integer";
    case A::kString: return "a string";
    case A::kTime: return "a time";
    case A::kDuration: return "a constant duration above zero";
    case A::kNumberOrDuration: return "a number or duration";
    case A::kTimeOrDuration: return "a time or duration";
    case A::kOrdered:
    case A::kSameOrdered: return "a number, string, time or duration";
    case A::kPattern: return "a constant pattern, like r\"^pay\"";
  }
  return "a value";
}

const char* name_of(Function function) {
  switch (function) {
    case Function::kAnd: return "and";
    case Function::kOr: return "or";
    case Function::kNot: return "not";
    case Function::kEqual: return "==";
    case Function::kNotEqual: return "!=";
    case Function::kLess: return "<";
    case Function::kLessEqual: return "<=";
    case Function::kGreater: return ">";
    case Function::kGreaterEqual: return ">=";
    case Function::kAdd: return "+";
    case Function::kSubtract:
    case Function::kNegate: return "-";
    case Function::kMultiply: return "*";
    case Function::kDivide: return "/";
    case Function::kIntegerDivide: return "div";
    case Function::kModulo: return "%";
    case Function::kIn: return "in";
    case Function::kNotIn: return "not in";
    case Function::kMatches: return "=~";
    case Function::kNotMatches: return "!~";
    case Function::kContains: return "contains";
    case Function::kIcontains: return "icontains";
    case Function::kToF64: return "f64";
    default: return entry_of(function).documentation.name;
  }
}

const char* name_of(AggregateKind kind) {
  if (kind == AggregateKind::kQuantile) return "quantile";
  for (const AggregateEntry& entry : kAggregates) {
    if (entry.kind == kind) return entry.documentation.name;
  }
  return "aggregate";
}

const char* name_of(BaselineStatistic statistic) {
  switch (statistic) {
    case BaselineStatistic::kMean: return "mean";
    case BaselineStatistic::kMedian: return "median";
    case BaselineStatistic::kStddev: return "stddev";
    case BaselineStatistic::kMad: return "mad";
    case BaselineStatistic::kMin: return "min";
    case BaselineStatistic::kMax: return "max";
    case BaselineStatistic::kQuantile: return "quantile";
    case BaselineStatistic::kWindows: return "windows";
  }
  return "mean";
}

std::optional<BaselineStatistic> find_baseline_statistic(std::string_view name) {
  using S = BaselineStatistic;
  for (const S statistic :
       {S::kMean, S::kMedian, S::kStddev, S::kMad, S::kMin, S::kMax, S::kWindows}) {
    if (name == name_of(statistic)) return statistic;
  }
  return std::nullopt;
}

std::string suggest_stage(std::string_view word) {
  return suggest(word, kForeignStages, names_of(kStages));
}

std::string suggest_function(std::string_view word) {
  return suggest(word, kForeignFunctions, names_of(all_functions()));
}

std::string suggest_aggregate(std::string_view word) {
  return suggest(word, kForeignAggregates, names_of(all_aggregates()));
}

}  // namespace tocsin
