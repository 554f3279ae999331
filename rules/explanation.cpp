#include "rules/explanation.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <map>
#include <optional>
#include <tuple>
#include <utility>

#include <fmt/format.h>

#include "db/base/json.h"
#include "db/base/log.h"
#include "query/format/format.h"
#include "query/plan/diff.h"
#include "query/plan/windows.h"
#include "query/usual/novelty.h"
#include "rules/alert_size.h"
#include "rules/group_rows.h"

namespace tocsin {
namespace {

constexpr const char* kExplanationName = "explanation";  // the annotation
constexpr int64_t kUsualLengths = 4;                     // without a baseline
constexpr size_t kMeasuredWindowsMax = 7;                // for the usual 95th percentile
constexpr double kHighQuantile = 0.95;
constexpr int64_t kUsualEventsMin = 50;         // of the subject, to tell what is usual among them
constexpr size_t kExplainedTextBytesMax = 200;  // of one value
constexpr int64_t kLongerWindow = 4;            // how many times the one before

/// The events that a rule is about, among all of the group.
struct Subject {
  Expression condition;
  std::string name;  ///< as in `87 % of failures`
};

/// One row of the result of a `diff`.
struct Finding {
  std::string column, value;
  bool within = false;  ///< compared with the other events of the window, not with the usual ones
  int64_t target = 0, reference = 0;
  double target_share = 0, reference_share = 0, ratio = 0, score = 0, p = 0;
};

template <class T>
T number_of_cell(const ResultTable& table, const char* name, size_t row) {
  return std::get<T>(table.columns[table.find(name)].at(row).data);
}

std::string text_of_cell(const ResultTable& table, const char* name, size_t row) {
  return plain_text(table.columns[table.find(name)].at(row), false);
}

bool uses_time(const Expression& expression, const std::vector<PlanColumn>& columns) {
  if (expression.kind == Expression::Kind::kColumn && columns[expression.column].name == "time") {
    return true;
  }
  return std::ranges::any_of(expression.arguments, [&](const Expression& argument) {
    return uses_time(argument, columns);
  });
}

Expression compared_with(Function function, Expression left, Value value) {
  Expression limit;
  limit.type = value.type;
  limit.literal = std::move(value);
  Expression out;
  out.kind = Expression::Kind::kCall;
  out.type = ValueType::kBool;
  out.function = function;
  out.arguments = {std::move(left), std::move(limit)};
  return out;
}

// Whether a row is in the window, and not before it; nothing if the rows have no time any more.
std::optional<Expression> is_from(Timestamp start, const std::vector<PlanColumn>& columns) {
  const auto time = std::ranges::find_if(columns, [](const PlanColumn& column) {
    return column.name == "time" && column.type == ValueType::kTime;
  });
  if (time == columns.end()) return std::nullopt;
  Expression out;
  out.kind = Expression::Kind::kColumn;
  out.type = ValueType::kTime;
  out.column = static_cast<uint32_t>(time - columns.begin());
  return compared_with(Function::kGreaterEqual, std::move(out), Value::time(start));
}

/// Which events before a window are the usual ones.
struct UsualTime {
  std::vector<TimeRange> windows;  ///< ascending; neighbours are joined
  std::vector<TimeRange> whole;    ///< for rare events: everything since the first window
};

bool overlap(const TimeRange& a, const TimeRange& b) { return a.start < b.end && b.start < a.end; }

// Appends a range, unless it overlaps an excluded one.
void add_range(TimeRange range, const std::vector<TimeRange>& excluded,
               std::vector<TimeRange>& out) {
  if (std::ranges::any_of(excluded, [&](const auto& each) { return overlap(each, range); })) return;
  if (!out.empty() && out.back().end == range.start) {
    out.back().end = range.end;
  } else {
    out.push_back(range);
  }
}

// The windows of a baseline, newest first.
std::vector<TimeRange> windows_of(const BaselineStage& baseline, TimeRange window,
                                  const TimeZone& zone) {
  const auto count = static_cast<uint32_t>(baseline.depth / baseline.step);
  if (baseline.local_days) {
    if (auto past = local_windows(window, baseline.step, count, zone)) return *std::move(past);
  }
  std::vector<TimeRange> past;
  for (int64_t k = 1; k <= count; ++k)
    past.push_back({window.start - k * baseline.step, window.end - k * baseline.step});
  return past;
}

/// The usual windows of a baseline are every so often.
Duration distance_of_usual(const BaselineStage& baseline) {
  const int64_t count = baseline.depth / baseline.step;
  return baseline.step * (count / std::min(count, kUsualWindowsMax));
}

UsualTime usual_time(const std::optional<BaselineStage>& baseline, TimeRange window,
                     const std::vector<TimeRange>& excluded, const TimeZone& zone) {
  const Duration length = window.end - window.start;
  UsualTime out;
  if (!baseline) {
    out.windows = {{window.start - kUsualLengths * length, window.start}};
    out.whole = {{window.start - kUsualWindowsMax * length, window.start}};
    return out;
  }
  const std::vector<TimeRange> past = windows_of(*baseline, window, zone);
  const auto count = static_cast<int64_t>(past.size());
  const int64_t wanted = std::min(count, kUsualWindowsMax);
  for (int64_t i = wanted; i > 0; --i)
    add_range(past[static_cast<size_t>(i * count / wanted - 1)], excluded, out.windows);
  // The excluded ranges are few; the time between them is usual.
  Timestamp start = past.empty() ? window.start : past.back().start;
  for (const TimeRange& each : excluded) {
    if (start < each.start) add_range({start, std::min(each.start, window.start)}, {}, out.whole);
    start = std::max(start, each.end);
  }
  if (start < window.start) add_range({start, window.start}, {}, out.whole);
  return out;
}

// Explains one alert.
class Explainer {
 public:
  Explainer(const QueryEngine& queries, const QueryOptions& options,
            std::chrono::steady_clock::time_point deadline, GroupRows rows, TimeRange window,
            UsualTime usual, const GroupValues& group)
      : queries_(queries),
        options_(options),
        deadline_(deadline),
        rows_(std::move(rows)),
        group_(group),
        window_(window),
        usual_(std::move(usual.windows)),
        whole_(std::move(usual.whole)) {}

  /// What is over-represented, the most important value first.
  Result<std::vector<Finding>> run() {
    TOCSIN_TRY(subject_, subject());
    if (subject_) TOCSIN_RETURN_IF_ERROR(widen_usual());
    TOCSIN_TRY(std::vector<Finding> found, against_usual(true));
    if (subject_) {
      TOCSIN_TRY(std::vector<Finding> within, diff(rows_.plan, subject_->condition, {window_}));
      for (Finding& each : within) each.within = true;
      TOCSIN_RETURN_IF_ERROR(keep_telling(within, found));
      TOCSIN_RETURN_IF_ERROR(drop_usual(within));
      // A message that only failures have tells nothing if it is as frequent among usual failures.
      if (usual_count_ >= kUsualEventsMin) take_missing(found, within);
      found.insert(found.end(), within.begin(), within.end());
    }
    rank(found);
    return found;
  }

  std::string subject_name() const { return subject_ ? subject_->name : "events"; }

 private:
  Result<ResultTable> execute(const Plan& plan) {
    const auto left = deadline_ - std::chrono::steady_clock::now();
    options_.timeout = std::chrono::duration_cast<std::chrono::nanoseconds>(left).count();
    if (options_.timeout <= 0) return fail(ErrorCode::kTimeout, "the time is over");
    return queries_.execute(plan, options_);
  }

  // If the subject's events are rare, the usual windows have too few of them to tell what is usual
  // among them: what all failures have, such as a level, would look like the cause.
  Status widen_usual() {
    TOCSIN_RETURN_IF_ERROR(count_usual());
    if (usual_count_ >= kUsualEventsMin) return {};
    usual_ = whole_;
    return count_usual();
  }

  // Counts the subject's usual events, up to those that are needed.
  Status count_usual() {
    usual_count_ = 0;
    for (size_t i = usual_.size(); i > 0 && usual_count_ < kUsualEventsMin; --i) {
      Plan plan = rows_.plan;
      add_filter(plan, subject_->condition);
      plan.range = usual_[i - 1];
      StatsStage stats;
      stats.aggregates.resize(1);  // count()
      plan.stages.push_back({std::move(stats), {{"n", ValueType::kI64}}, {}});
      TOCSIN_TRY(const ResultTable table, execute(plan));
      usual_count_ += number_of_cell<int64_t>(table, "n", 0);
    }
    return {};
  }

  // The columns of the group, and those that the subject's condition uses, have one value anyway.
  Result<std::vector<Finding>> diff(Plan plan, Expression target, std::vector<TimeRange> ranges) {
    DiffStage stage;
    stage.columns =
        compared_columns(plan.output_columns(), subject_ ? subject_->condition : target);
    std::erase_if(stage.columns, [&](const NamedExpression& each) {
      return std::ranges::find(group_, each.name, &GroupValues::value_type::first) !=
                 group_.end() ||
             !is_stored_or_key(each);
    });
    std::vector<Finding> out;
    if (stage.columns.empty()) return out;
    stage.target = std::move(target);
    stage.ranges = std::move(ranges);
    plan.stages.push_back({std::move(stage), diff_output(), {}});
    TOCSIN_TRY(const ResultTable table, execute(plan));
    for (size_t row = 0; row < table.row_count; ++row) {
      Finding& each = out.emplace_back();
      each.column = text_of_cell(table, "column", row);
      each.value = text_of_cell(table, "value", row);
      each.target = number_of_cell<int64_t>(table, "target", row);
      each.reference = number_of_cell<int64_t>(table, "reference", row);
      each.target_share = number_of_cell<double>(table, "target_share", row);
      each.reference_share = number_of_cell<double>(table, "reference_share", row);
      each.ratio = number_of_cell<double>(table, "ratio", row);
      each.score = number_of_cell<double>(table, "score", row);
      each.p = number_of_cell<double>(table, "p", row);
    }
    return out;
  }

  // What a `let` computes may follow from the time, such as whether an event is recent.
  bool is_stored_or_key(const NamedExpression& compared) const {
    const Expression* column = &compared.expression;
    while (column->kind == Expression::Kind::kCall && !column->arguments.empty())
      column = &column->arguments.front();
    if (column->kind != Expression::Kind::kColumn) return false;
    const std::string& name = rows_.plan.output_columns()[column->column].name;
    return std::ranges::any_of(rows_.plan.source_columns,
                               [&](const PlanColumn& each) { return each.name == name; }) ||
           is_key(name);
  }

  // The events of the window against the usual ones; only the subject's, or all of the group.
  Result<std::vector<Finding>> against_usual(bool of_subject) {
    Plan plan = rows_.plan;
    std::optional<Expression> target = is_from(window_.start, plan.output_columns());
    if (usual_.empty() || !target) return std::vector<Finding>();
    if (subject_ && of_subject) add_filter(plan, subject_->condition);
    std::vector<TimeRange> ranges = usual_;
    ranges.push_back(window_);
    return diff(std::move(plan), *std::move(target), std::move(ranges));
  }

  // Of the values that are unusually frequent among the subject's events, keeps those that are less
  // frequent among the others in the window, and those that are unusual among all events, such as a
  // new version. Any other has no more to do with it than the rest: if everything fails, so does
  // what hardly ever fails.
  Status keep_telling(const std::vector<Finding>& within, std::vector<Finding>& found) {
    std::vector<Finding> dropped = take_missing(within, found);
    if (dropped.empty()) return {};
    TOCSIN_TRY(const std::vector<Finding> of_all, against_usual(false));
    take_missing(of_all, dropped);
    found.insert(found.end(), dropped.begin(), dropped.end());
    return {};
  }

  // Drops the values of which the same is usual: some transactions always fail more often, or take
  // longer.
  Status drop_usual(std::vector<Finding>& within) {
    if (within.empty() || usual_.empty()) return {};
    TOCSIN_TRY(const std::vector<Finding> usual, diff(rows_.plan, subject_->condition, usual_));
    within = take_missing(usual, within);
    return {};
  }

  // Moves the findings about values that are not in `others` out of `found`.
  static std::vector<Finding> take_missing(const std::vector<Finding>& others,
                                           std::vector<Finding>& found) {
    const auto is_known = [&](const Finding& each) {
      return std::ranges::any_of(others, [&](const Finding& other) {
        return other.column == each.column && other.value == each.value;
      });
    };
    const auto middle = std::stable_partition(found.begin(), found.end(), is_known);
    std::vector<Finding> out(middle, found.end());
    found.erase(middle, found.end());
    return out;
  }

  Result<std::optional<Subject>> subject() {
    // What is new is among all events.
    if (rows_.baseline && rows_.baseline->novelty) return std::nullopt;
    const std::vector<Aggregate>& aggregates = rows_.stats.aggregates;
    const auto& columns = rows_.plan.output_columns();
    const bool counts_all = std::ranges::any_of(aggregates, [](const Aggregate& each) {
      return each.kind == AggregateKind::kCount && !each.where && !each.argument;
    });
    for (const Aggregate& each : aggregates) {
      const bool counts_some =
          each.kind == AggregateKind::kCount && each.where && !uses_time(*each.where, columns);
      if (counts_all && counts_some) return Subject{*each.where, name_of_subject(each)};
      const bool measures = each.kind == AggregateKind::kQuantile ||
                            each.kind == AggregateKind::kMean ||
                            (each.kind == AggregateKind::kSum && judges_mean());
      if (measures && !each.where && each.argument) return measured(each);
    }
    return std::nullopt;
  }

  // `unusual SUM of COUNT`
  bool judges_mean() const {
    return rows_.baseline && std::ranges::any_of(rows_.baseline->judgements, [](const auto& each) {
             return each.kind == JudgementKind::kMean;
           });
  }

  // What is measured, without functions that do not change the order of its values.
  static Expression measure_of(Expression expression) {
    const auto keeps_order = [](Function function) {
      return function == Function::kLn || function == Function::kLog2 ||
             function == Function::kLog10 || function == Function::kExp ||
             function == Function::kSqrt || function == Function::kToF64;
    };
    while (expression.kind == Expression::Kind::kCall && keeps_order(expression.function)) {
      Expression inner = std::move(expression.arguments.front());
      expression = std::move(inner);
    }
    return expression;
  }

  // A result that the author did not name is called like its call.
  static std::string name_of_subject(const Aggregate& aggregate) {
    return aggregate.name.find('(') == std::string::npos ? aggregate.name : "matching events";
  }

  // The events above the usual 95th percentile: its median over some of the usual windows.
  Result<std::optional<Subject>> measured(const Aggregate& aggregate) {
    const Expression measure = measure_of(*aggregate.argument);
    std::vector<Value> levels;
    for (size_t i = usual_.size(); i > 0 && levels.size() < kMeasuredWindowsMax; --i) {
      Plan plan = rows_.plan;
      plan.range = usual_[i - 1];
      StatsStage stats;
      stats.aggregates = {aggregate};
      stats.aggregates[0].kind = AggregateKind::kQuantile;
      stats.aggregates[0].quantile = kHighQuantile;
      stats.aggregates[0].argument = measure;
      const ValueType type = is_number(measure.type) ? ValueType::kF64 : measure.type;
      stats.aggregates[0].type = type;
      plan.stages.push_back({std::move(stats), {{aggregate.name, type}}, {}});
      TOCSIN_TRY(const ResultTable table, execute(plan));
      Value level = table.columns[0].at(0);
      if (!level.is_null()) levels.push_back(std::move(level));
    }
    if (levels.empty()) return std::nullopt;
    std::ranges::sort(levels, {}, [](const Value& value) { return value.data; });
    const Value& level = levels[levels.size() / 2];
    const std::string what = print_expression(measure, rows_.plan.output_columns());
    return Subject{compared_with(Function::kGreater, measure, level),
                   fmt::format("events with {} > {}", what, plain_text(level, false))};
  }

  // Keeps the values that explain most, each with all that was found about it. A value that is both
  // unusual and distinguishes these events from the others explains more than one that is merely
  // new, such as the version since a release. If the rule looks for new groups, their keys come
  // first.
  void rank(std::vector<Finding>& found) {
    struct Weight {
      int64_t comparisons = 0;
      double score = 0;
    };
    std::map<std::pair<std::string, std::string>, Weight> weights;
    for (const Finding& each : found) {
      Weight& weight = weights[{each.column, each.value}];
      ++weight.comparisons;
      weight.score += each.score;
    }
    const auto order = [&](const Finding& each) {
      const std::pair key{each.column, each.value};
      const Weight& weight = weights.at(key);
      return std::tuple(!is_novel_key(each.column), -weight.comparisons, -weight.score, key);
    };
    std::ranges::stable_sort(found, std::less(), order);
    size_t values = 0, rows = 0;
    for (; rows < std::min(found.size(), kExplanationRowsMax); ++rows) {
      const bool is_same = rows > 0 && found[rows].column == found[rows - 1].column &&
                           found[rows].value == found[rows - 1].value;
      if (!is_same && ++values > kExplainedValuesMax) break;
    }
    found.resize(rows);
  }

  bool is_novel_key(const std::string& column) const {
    return rows_.baseline && rows_.baseline->novelty && is_key(column);
  }

  bool is_key(const std::string& column) const {
    return std::ranges::any_of(rows_.stats.keys,
                               [&](const GroupKey& key) { return key.name == column; });
  }

  const QueryEngine& queries_;
  QueryOptions options_;
  const std::chrono::steady_clock::time_point deadline_;
  const GroupRows rows_;
  const GroupValues& group_;
  const TimeRange window_;
  std::vector<TimeRange> usual_;
  const std::vector<TimeRange> whole_;
  int64_t usual_count_ = 0;  // of the subject's events, up to kUsualEventsMin or a little more
  std::optional<Subject> subject_;
};

std::string explanation_json(const std::vector<Finding>& found) {
  std::string out = "[";
  for (const Finding& each : found) {
    const std::string row = fmt::format(
        R"({}{{"column":{},"value":{},"compared_with":"{}","target":{},"target_share":{},)"
        R"("reference":{},"reference_share":{},"ratio":{},"score":{},"p":{}}})",
        out.size() > 1 ? "," : "", json_quote(cut_text(each.column, kExplainedTextBytesMax)),
        json_quote(cut_text(each.value, kExplainedTextBytesMax)), each.within ? "others" : "usual",
        each.target, json_number(each.target_share), each.reference,
        json_number(each.reference_share), json_number(each.ratio), json_number(each.score),
        json_number(each.p));
    if (out.size() + row.size() + 1 > kExplanationBytesMax) break;
    out += row;
  }
  return out + ']';
}

std::string percent(double share) {
  return share == 0 || share >= 0.01 ? fmt::format("{:.0f} %", 100 * share)
                                     : fmt::format("{:.1f} %", 100 * share);
}

// `87 % of failures have host=web-3 (usually 8 %)`, one line for each value.
std::string explanation_text(const std::vector<Finding>& found, const std::string& subject) {
  std::string out;
  for (size_t i = 0; i < found.size(); ++i) {
    const Finding& each = found[i];
    if (i > 0 && found[i - 1].column == each.column && found[i - 1].value == each.value) continue;
    out += fmt::format(
        "{}{} of {} have {}={} ({})", out.empty() ? "" : "\n", percent(each.target_share), subject,
        cut_text(each.column, kExplainedTextBytesMax), cut_text(each.value, kExplainedTextBytesMax),
        each.within ? percent(each.reference_share) + " of the others"
                    : "usually " + percent(each.reference_share));
  }
  return out;
}

void set_explanation(const std::vector<Finding>& found, const std::string& subject,
                     AlertEvent& event) {
  event.explanation = explanation_json(found);
  if (found.empty()) return;
  std::string text = explanation_text(found, subject);
  std::string& annotation = event.annotations[kExplanationName];
  annotation = annotation.empty() ? std::move(text) : text + '\n' + annotation;
  cut_alert(event);
}

// The windows of earlier firings, which are not usual.
std::vector<TimeRange> firings_of(const CompiledRule& compiled, const Instance& instance) {
  std::vector<TimeRange> out;
  for (const MatchRun& run : instance.runs) {
    if (run.fired_at == 0 || run.retracted || !compiled.excluding_alerts) continue;
    out.push_back({run.first_end - compiled.range, run.last_end});
  }
  return out;
}

struct Explained {
  std::vector<Finding> found;
  std::string subject;
};

/// The shortest and the longest window to explain.
struct ExplainedLengths {
  Duration shortest = 0, longest = 0;
};

// What `novel` calls new may be a few hours old. `unusual` judges up to a day: if the window of the
// alert has too few events to tell, longer ones may have enough.
ExplainedLengths lengths_to_explain(const std::optional<BaselineStage>& baseline, Duration length) {
  if (!baseline) return {length, length};
  const Duration longest = std::max(length, std::min(distance_of_usual(*baseline), kDay));
  if (baseline->novelty) {
    const Duration newest = std::max(length, std::min(kNoveltyBlock, longest));
    return {newest, newest};
  }
  const bool judged = std::ranges::any_of(
      baseline->judgements, [](const auto& each) { return each.kind != JudgementKind::kSilence; });
  return {length, judged ? longest : length};
}

Result<Explained> explain(const QueryEngine& queries, const QueryOptions& options,
                          std::chrono::steady_clock::time_point deadline, const GroupRows& rows,
                          TimeRange window, const std::vector<TimeRange>& excluded,
                          const GroupValues& group) {
  const auto [shortest, longest] = lengths_to_explain(rows.baseline, window.end - window.start);
  Explained out;
  for (Duration length = shortest; out.found.empty();) {
    window.start = window.end - length;
    Explainer explainer(queries, options, deadline, rows, window,
                        usual_time(rows.baseline, window, excluded, options.zone), group);
    TOCSIN_TRY(out.found, explainer.run());
    out.subject = explainer.subject_name();
    if (length >= longest) break;
    length = std::min(kLongerWindow * length, longest);
  }
  return out;
}

// The events that begin a firing, the most severe first.
std::vector<AlertEvent*> firings_to_explain(std::vector<AlertEvent>& events) {
  std::vector<AlertEvent*> out;
  for (AlertEvent& event : events) {
    const bool begins = event.state == AlertState::kFiring && event.started_at == event.window_to;
    if (begins) out.push_back(&event);
  }
  std::ranges::stable_sort(out, std::greater(), [](const AlertEvent* event) {
    return std::pair(event->severity, std::isnan(event->value) ? 0 : std::fabs(event->value));
  });
  if (out.size() > kExplainedAlertsMax) out.resize(kExplainedAlertsMax);
  return out;
}

}  // namespace

void explain_alerts(const CompiledRule& compiled, const QueryEngine& queries, const TimeZone& zone,
                    const std::atomic<bool>* cancelled, std::vector<AlertEvent>& events,
                    RuleState& state) {
  const auto deadline =
      std::chrono::steady_clock::now() + std::chrono::nanoseconds(kExplanationTimeMax);
  for (AlertEvent* event : firings_to_explain(events)) {
    const auto found = state.instances.find(event->fingerprint);
    if (found == state.instances.end()) continue;
    Instance& instance = found->second;
    const TimeRange window{event->window_from, event->window_to};
    QueryOptions options = window_options(compiled, window, zone);
    options.cancelled = cancelled;
    Result<GroupRows> rows = rows_of_group(compiled, queries, options, instance.group);
    if (!rows) continue;  // a query that has just been evaluated can be prepared
    const Result<Explained> explained = explain(queries, options, deadline, *rows, window,
                                                firings_of(compiled, instance), instance.group);
    if (!explained) {
      if (explained.error().code == ErrorCode::kCancelled) return;
      log(LogLevel::kWarning, fmt::format("rule {}: no explanation for an alert: {}",
                                          compiled.rule.name, explained.error().message));
      if (std::chrono::steady_clock::now() >= deadline) return;
      continue;
    }
    set_explanation(explained->found, explained->subject, *event);
    if (!event->late) instance.last_event = *event;
  }
}

}  // namespace tocsin
