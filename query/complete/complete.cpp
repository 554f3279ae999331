#include "query/complete/complete.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "db/base/ascii.h"
#include "query/check/prepare.h"
#include "query/complete/place.h"
#include "query/function/functions.h"
#include "query/parser/ast.h"
#include "query/parser/explain_word.h"
#include "query/parser/grammar.h"
#include "query/parser/lexer.h"
#include "query/parser/syntax_error.h"

namespace tocsin {
namespace {

constexpr size_t kSuggestionCountMax = 200;
constexpr std::array kRangeDurations = {"5m", "15m", "1h", "6h", "1d", "7d"};
constexpr std::array kDepthDurations = {"1d", "7d", "14d", "30d"};
constexpr std::array kBucketDurations = {"1m", "5m", "15m", "1h", "1d"};
constexpr std::array kUnits = {"ms", "s", "m", "h", "d", "w"};
constexpr std::array kPercentiles = {"p50", "p90", "p95", "p99", "p99.9"};

// Whether a column of that type can start such an argument; a condition may start with any column.
bool fits(ValueType type, ArgumentType argument) {
  switch (argument) {
    case ArgumentType::kNumber: return is_number(type);
    case ArgumentType::kInteger: return type == ValueType::kI64 || type == ValueType::kU64;
    case ArgumentType::kString: return type == ValueType::kString;
    case ArgumentType::kTime: return type == ValueType::kTime;
    case ArgumentType::kDuration:
    case ArgumentType::kPattern: return false;
    case ArgumentType::kNumberOrDuration: return is_number(type) || type == ValueType::kDuration;
    case ArgumentType::kTimeOrDuration:
      return type == ValueType::kTime || type == ValueType::kDuration;
    case ArgumentType::kOrdered:
    case ArgumentType::kSameOrdered: return type != ValueType::kBool;
    case ArgumentType::kAny:
    case ArgumentType::kBool:
    case ArgumentType::kSame: return true;
  }
  return true;
}

class Completer {
 public:
  Completer(std::string_view text, size_t cursor, const Catalog& catalog,
            const QueryOptions& options, const ValueSource& values)
      : text_(text), catalog_(catalog), values_(values), place_(find_place(text, cursor)) {
    options_.zone = options.zone;
    options_.parameters = options.parameters;
    options_.rule_mode = true;  // completion continues after unknown names
  }

  Completion run(bool explained) {
    completion_.start = place_.start;
    completion_.end = place_.end;
    if (place_.in_comment) return std::move(completion_);
    if (place_.before.empty() && !explained) {
      add(SuggestionKind::kKeyword, "explain", "runs the query and reports how it ran");
    }
    const auto choices = expected_after(unfinished_stage(), options_.zone);
    // Where an aggregate may start, so may the new name of a result, which cannot be suggested.
    const bool aggregates = std::ranges::find(choices, expected::kAggregate) != choices.end();
    for (const std::string& choice : choices) {
      if (!aggregates || choice != expected::kColumn) suggest(choice);
    }
    return std::move(completion_);
  }

 private:
  void add(SuggestionKind kind, std::string text, std::string detail, std::string_view match = "") {
    auto& list = completion_.suggestions;
    if (list.size() >= kSuggestionCountMax) return;
    if (!starts_with_ignoring_case(match.empty() ? std::string_view(text) : match, place_.typed))
      return;
    if (std::ranges::find(list, text, &Suggestion::text) != list.end()) return;
    list.push_back({kind, std::move(text), std::move(detail)});
  }

  // The text up to the word. Only its last stage if there is one, because what may follow does not
  // depend on earlier stages, which may be invalid.
  std::string unfinished_stage() const {
    const size_t begin = place_.stage_begin();
    if (begin == 0) return std::string(text_.substr(0, place_.start));
    const size_t pipe = place_.before[begin - 1].start;
    return "from x " + std::string(text_.substr(pipe, place_.start - pipe));
  }

  bool in_quotes() const {
    return place_.kind == WordKind::kString || place_.kind == WordKind::kQuotedName;
  }

  void suggest(const std::string& choice) {
    if (choice == expected::kExpression) return expressions();
    if (choice == expected::kColumn) return names();
    if (choice == expected::kMeasurement) return measurements();
    if (in_quotes()) return;
    if (choice == expected::kSource)
      return add(SuggestionKind::kKeyword, "from", "the measurements to query");
    if (choice == expected::kStage) return stages();
    if (choice == expected::kAggregate) return aggregates();
    if (choice == expected::kConstant) return constants();
    if (choice == expected::kOperator) return operators();
    if (choice == expected::kPipe) return add(SuggestionKind::kKeyword, "|", "the next stage");
    // Suggest keywords, which are in backticks, but no symbols.
    if (choice.size() > 3 && choice[0] == '`' && is_word_character(choice[1])) {
      add(SuggestionKind::kKeyword, choice.substr(1, choice.size() - 2), "");
    }
  }

  static std::string help_of(const Documentation& entry) {
    return fmt::format("{}: {}", entry.signature, entry.help);
  }

  void stages() {
    for (const StageEntry& entry : all_stages()) {
      add(SuggestionKind::kStage, entry.documentation.name, help_of(entry.documentation));
    }
  }

  void aggregates() {
    for (const AggregateEntry& entry : all_aggregates()) {
      const Documentation& words = entry.documentation;
      if (std::string_view(words.name) == "pNN") {
        for (const char* name : kPercentiles) {
          add(SuggestionKind::kAggregate, std::string(name) + "(", help_of(words));
        }
        continue;
      }
      const char* parenthesis = entry.argument_count_min == 0 ? "()" : "(";
      add(SuggestionKind::kAggregate, std::string(words.name) + parenthesis, help_of(words),
          words.name);
    }
  }

  void measurements() {
    if (place_.follows("of")) return;  // `excluding alerts of`: rules are not known here
    for (const bool reserved : {false, true}) {
      for (const auto& [name, measurement] : catalog_.measurements) {
        if (is_reserved_measurement(name) != reserved) continue;
        const bool bare = measurement_length(name) == name.size();
        add(SuggestionKind::kMeasurement, bare ? name : ast::print_name(name),
            fmt::format("{} columns", measurement.columns.size() + 1), name);
      }
    }
    if (place_.follows("from")) {
      add(SuggestionKind::kKeyword, "*", "all measurements except Tocsin's own");
    }
  }

  void durations(auto& texts) {
    for (const char* text : texts) add(SuggestionKind::kConstant, text, "duration");
    if (place_.typed.empty() || !std::ranges::all_of(place_.typed, is_digit)) return;
    for (const char* unit : kUnits) {
      add(SuggestionKind::kConstant, place_.typed + unit, "duration");
    }
  }

  void constants() {
    if (place_.follows("last") || place_.follows("step")) durations(kRangeDurations);
    if (place_.follows("baseline") || place_.follows("season")) durations(kDepthDurations);
    if (place_.follows("limit") || place_.follows("top")) {
      for (const char* count : {"10", "20", "100"}) add(SuggestionKind::kConstant, count, "");
    }
    const bool in_range = place_.stage_begin() == 0;
    if (in_range && !place_.follows("last")) {
      add(SuggestionKind::kKeyword, "now", "the current time");
      add(SuggestionKind::kKeyword, "now - 1h", "one hour ago");
    }
    parameters();
  }

  void parameters() {
    for (const auto& [name, value] : options_.parameters) {
      add(SuggestionKind::kParameter, "$" + name, name_of(value.type));
    }
  }

  void operators() {
    using F = Function;
    static constexpr std::array kForText = {F::kEqual,      F::kNotEqual, F::kMatches,
                                            F::kNotMatches, F::kContains, F::kIcontains,
                                            F::kIn,         F::kNotIn};
    static constexpr std::array kForNumbers = {
        F::kEqual,         F::kNotEqual, F::kLess,     F::kLessEqual, F::kGreater,
        F::kGreaterEqual,  F::kAdd,      F::kSubtract, F::kMultiply,  F::kDivide,
        F::kIntegerDivide, F::kModulo,   F::kIn,       F::kNotIn};
    if (const auto type = operand_type()) {
      if (*type == ValueType::kString) return list_operators(kForText);
      if (*type != ValueType::kBool) return list_operators(kForNumbers);
    }
    list_operators(std::array{F::kAnd, F::kOr});
    if (place_.before.back().text == ")") list_operators(kForNumbers);
  }

  void list_operators(const auto& functions) {
    for (const Function function : functions) {
      const bool list = function == Function::kIn || function == Function::kNotIn;
      add(SuggestionKind::kOperator, std::string(name_of(function)) + (list ? " (" : ""), "");
    }
  }

  // The type of the column right before the cursor, unless it is the right side of a comparison.
  std::optional<ValueType> operand_type() {
    const auto& before = place_.before;
    const bool name =
        before.back().kind == WordKind::kName || before.back().kind == WordKind::kQuotedName;
    if (!name || before.size() < 2) return std::nullopt;
    static constexpr std::array<std::string_view, 8> kComparisons = {
        "==", "!=", "<", "<=", ">", ">=", "=~", "!~"};
    if (std::ranges::find(kComparisons, before[before.size() - 2].text) != kComparisons.end()) {
      return std::nullopt;
    }
    for (const PlanColumn& column : columns()) {
      if (column.name == before.back().text) return column.type;
    }
    return std::nullopt;
  }

  void names() {
    const std::string_view stage = place_.stage();
    if (stage == "let") return;  // a new name
    const bool keys = stage == "stats";
    if (keys && !in_quotes()) {
      for (const char* width : kBucketDurations) {
        add(SuggestionKind::kFunction, fmt::format("time({})", width), "groups by time buckets");
      }
    }
    list_columns(std::nullopt);
  }

  void list_columns(std::optional<ArgumentType> wanted) {
    for (const PlanColumn& column : columns()) {
      if (wanted && !fits(column.type, *wanted)) continue;
      if (place_.kind == WordKind::kString) return;
      add(SuggestionKind::kColumn, ast::print_name(column.name), name_of(column.type), column.name);
    }
  }

  void expressions() {
    if (const auto column = place_.compared_column()) {
      list_values(*column);
      if (in_quotes()) return;
      parameters();
      const bool in_list = !place_.follows("==") && !place_.follows("!=");
      if (in_list || !completion_.suggestions.empty()) return;
    }
    const auto call = place_.call();
    if (call && call->name == "baseline") return baseline_arguments(*call);
    if (call && call->name == "time") return durations(kBucketDurations);
    const auto wanted = argument_type(call);
    if (wanted == ArgumentType::kDuration) return durations(kBucketDurations);
    if (place_.stage() == "fill") return;
    list_columns(wanted);
    if (!in_quotes()) functions();
  }

  static std::optional<ArgumentType> argument_type(const std::optional<CursorPlace::Call>& call) {
    if (!call || call->name.empty()) return std::nullopt;
    if (const AggregateEntry* entry = find_aggregate(call->name)) return entry->argument;
    const FunctionEntry* entry = find_function(call->name);
    if (!entry) return std::nullopt;
    // The last type given repeats; kAny fills the rest of the array.
    size_t index = std::min(call->argument, entry->arguments.size() - 1);
    while (index > 0 && entry->arguments[index] == ArgumentType::kAny) --index;
    return entry->arguments[index];
  }

  void baseline_arguments(const CursorPlace::Call& call) {
    if (call.argument == 0) return list_columns(ArgumentType::kNumberOrDuration);
    using S = BaselineStatistic;
    for (const S statistic :
         {S::kMean, S::kMedian, S::kStddev, S::kMad, S::kMin, S::kMax, S::kWindows}) {
      add(SuggestionKind::kKeyword, name_of(statistic), "statistic over the earlier windows");
    }
    for (const char* name : kPercentiles) {
      add(SuggestionKind::kKeyword, name, "statistic over the earlier windows");
    }
  }

  void functions() {
    if (has_baseline()) {
      add(SuggestionKind::kFunction, "baseline(",
          "baseline(x[, statistic]): the usual value of x, from earlier windows");
    }
    for (const FunctionEntry& entry : all_functions()) {
      const Documentation& words = entry.documentation;
      if (std::string_view(words.name).empty()) continue;
      const char* parenthesis = entry.argument_count_max == 0 ? "()" : "(";
      add(SuggestionKind::kFunction, std::string(words.name) + parenthesis, help_of(words),
          words.name);
    }
    if (place_.typed.empty()) return;
    for (const char* word : {"not", "true", "false"}) add(SuggestionKind::kKeyword, word, "");
    parameters();
  }

  bool has_baseline() const {
    const auto& before = place_.before;
    for (size_t i = 1; i < place_.stage_begin(); ++i) {
      if (before[i - 1].text == "|" && before[i].text == "baseline") return true;
    }
    return false;
  }

  void list_values(const std::string& name) {
    const auto known = std::ranges::find(columns(), name, &PlanColumn::name);
    if (known == columns().end()) return;
    if (known->type == ValueType::kBool && !in_quotes()) {
      for (const char* word : {"true", "false"}) add(SuggestionKind::kValue, word, "bool");
    }
    if (known->type != ValueType::kString) return;
    if (!place_.typed.empty() && place_.kind != WordKind::kString) return;
    const std::vector<std::string> list = name == "measurement" ? sources_
                                          : values_             ? values_(sources_, name)
                                                                : std::vector<std::string>();
    for (const std::string& value : list) {
      add(SuggestionKind::kValue, quote_string(value), name, value);
    }
  }

  // ---- the columns in scope ----

  // Takes columns and sources from `query`; false if it is invalid.
  bool adopt(std::string_view query) {
    auto plan = build_plan(query, catalog_, options_);
    if (!plan) return false;
    columns_ = plan->output_columns();
    std::erase_if(columns_,
                  [](const PlanColumn& column) { return column.always_null || column.sibling; });
    sources_.clear();
    for (const SourceMeasurement& each : plan->source) sources_.push_back(each.name);
    return true;
  }

  // The ends of the finished parts of the query: of each stage, and of each definition in the `let`
  // at the cursor.
  std::vector<size_t> finished_parts() const {
    std::vector<size_t> ends;
    size_t depth = 0;
    const size_t begin = place_.stage_begin();
    for (size_t i = 0; i < place_.before.size(); ++i) {
      const QueryWord& word = place_.before[i];
      if (word.kind != WordKind::kSymbol) continue;
      if (word.text == "(") ++depth;
      if (word.text == ")" && depth > 0) --depth;
      if (word.text == "|") depth = 0;
      const bool definition =
          i > begin && word.text == "," && depth == 0 && place_.stage() == "let";
      if (word.text == "|" || definition) ends.push_back(word.start);
    }
    return ends;
  }

  // The columns at the cursor, according to the checker. Invalid stages are skipped.
  const std::vector<PlanColumn>& columns() {
    if (columns_known_) return columns_;
    columns_known_ = true;
    const std::vector<size_t> ends = finished_parts();
    if (ends.empty() || adopt(text_.substr(0, ends.back()))) return columns_;
    std::string query;
    size_t start = 0;
    for (const size_t end : ends) {
      const std::string longer = query + std::string(text_.substr(start, end - start));
      if (adopt(longer)) query = longer;
      start = end;
    }
    return columns_;
  }

  std::string_view text_;
  const Catalog& catalog_;
  const ValueSource& values_;
  QueryOptions options_;
  CursorPlace place_;
  Completion completion_;
  bool columns_known_ = false;
  std::vector<PlanColumn> columns_;
  std::vector<std::string> sources_;
};

}  // namespace

const char* name_of(SuggestionKind kind) {
  switch (kind) {
    case SuggestionKind::kKeyword: return "keyword";
    case SuggestionKind::kStage: return "stage";
    case SuggestionKind::kMeasurement: return "measurement";
    case SuggestionKind::kColumn: return "column";
    case SuggestionKind::kValue: return "value";
    case SuggestionKind::kFunction: return "function";
    case SuggestionKind::kAggregate: return "aggregate";
    case SuggestionKind::kOperator: return "operator";
    case SuggestionKind::kConstant: return "constant";
    case SuggestionKind::kParameter: return "parameter";
  }
  return "keyword";
}

Completion complete(std::string_view text, size_t cursor, const Catalog& catalog,
                    const QueryOptions& options, const ValueSource& values) {
  const size_t prefix = explain_prefix(text);
  const bool explained = prefix != 0 && cursor > prefix;
  const std::string query = explained ? without_explain(text) : std::string(text);
  return Completer(query, cursor, catalog, options, values).run(explained);
}

Completion complete(std::string_view text, size_t cursor, const Database& database,
                    const QueryOptions& options) {
  const auto values = [&](const std::vector<std::string>& measurements, const std::string& column) {
    return recent_values(database, measurements, column);
  };
  return complete(text, cursor, *database.catalog(), options, values);
}

}  // namespace tocsin
