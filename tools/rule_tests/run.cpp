// Events are stored as they arrive and the clock moves from one due window to the next, as in a
// server, but without waiting.
#include "tools/rule_tests/run.h"

#include <algorithm>
#include <chrono>
#include <memory>
#include <set>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "db/database.h"
#include "query/query.h"
#include "rules/engine.h"
#include "tools/rule_tests/events.h"
#include "tools/rule_tests/expect.h"
#include "tools/rule_tests/temporary_folder.h"

namespace tocsin::rule_tests {
namespace {

/// Events that arrive on time are stored that early: fewer commits are faster, and no window sees
/// events after its end.
constexpr Duration kAhead = kDay;
constexpr size_t kLinesPerWrite = 20'000;
/// Without late events, the clock moves that far at once: windows are evaluated in order, with the
/// same results.
constexpr Duration kStride = 6 * kHour;

/// Events by arrival, with those that arrive on time apart.
class Arrivals {
 public:
  explicit Arrivals(const std::vector<EventLine>& events) {
    for (const EventLine& event : events) {
      (event.arrives == event.time ? on_time_ : late_).push_back(&event);
    }
  }

  /// The lines to store before the clock is set to `now`, each once. A check may look at all
  /// events, so none after the next one is among them.
  std::vector<std::string_view> take(Timestamp now, Timestamp next_check) {
    std::vector<std::string_view> out;
    if (next_on_time_ < on_time_.size() && on_time_[next_on_time_]->arrives <= now) {
      take_until(on_time_, next_on_time_, std::min(now + kAhead, next_check), out);
    }
    take_until(late_, next_late_, now, out);
    return out;
  }

  bool has_late() const { return !late_.empty(); }
  /// When the next late event arrives.
  Timestamp next_late() const {
    return next_late_ < late_.size() ? late_[next_late_]->arrives : kTimeMax;
  }

 private:
  static void take_until(const std::vector<const EventLine*>& events, size_t& next, Timestamp end,
                         std::vector<std::string_view>& out) {
    while (next < events.size() && events[next]->arrives <= end) {
      out.push_back(events[next++]->text);
    }
  }

  std::vector<const EventLine*> on_time_, late_;
  size_t next_on_time_ = 0, next_late_ = 0;
};

class Run {
 public:
  Run(const TestFile& file, const RuleTest& test, const std::atomic<bool>* stop)
      : file_(file), test_(test), stop_(stop), clock_(test.start), arrivals_(test.events) {}

  Result<TestResult> run() {
    const auto begun = std::chrono::steady_clock::now();
    out_.alert_outcomes.resize(test_.alert_tests.size());
    TOCSIN_TRY(const TemporaryFolder folder, TemporaryFolder::make());
    DatabaseOptions options;
    options.clock = &clock_;
    options.future_max = 2 * kAhead;
    TOCSIN_TRY(database_, Database::open(folder.path() + "/data", options));
    queries_ = std::make_unique<QueryEngine>(*database_);
    engine_ = std::make_unique<RuleEngine>(*database_, *queries_, clock_, engine_options());
    const Status ran = run_checks();
    engine_.reset();
    queries_.reset();
    database_.reset();
    TOCSIN_RETURN_IF_ERROR(ran);
    out_.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
    return std::move(out_);
  }

 private:
  RuleEngineOptions engine_options() {
    RuleEngineOptions options;
    options.parameters = test_.parameters;
    options.zone = test_.zone;
    options.delay = test_.delay;
    options.committed = [this](const std::vector<AlertEvent>& events) {
      for (const AlertEvent& event : events) last_events_[event.fingerprint] = event;
    };
    return options;
  }

  Status run_checks() {
    TOCSIN_RETURN_IF_ERROR(store(test_.start, test_.start));
    if (!out_.failures.empty()) return {};
    const RuleLoadReport report = engine_->load(file_.rule_files);
    for (const std::string& error : report.errors) out_.failures.push_back({{}, error});
    if (!report.errors.empty()) return {};
    if (!has_named_rules()) return {};
    for (const Timestamp time : check_times()) {
      TOCSIN_RETURN_IF_ERROR(run_until(time));
      check_at(time);
    }
    for (const RuleStatus& rule : engine_->status()) {
      if (rule.last_error.empty()) continue;
      out_.failures.push_back({{}, fmt::format("rule {}: {}", rule.name, rule.last_error)});
    }
    return {};
  }

  /// A misspelt rule never fires, so a test that expects nothing of it would pass.
  bool has_named_rules() {
    std::set<std::string> names;
    for (const RuleStatus& rule : engine_->status()) names.insert(rule.name);
    for (const AlertTest& check : test_.alert_tests) {
      if (names.contains(check.alert_name)) continue;
      out_.failures.push_back(
          {check.position, fmt::format("no rule file has an alert named `{}`", check.alert_name)});
    }
    return out_.failures.empty();
  }

  std::set<Timestamp> check_times() const {
    std::set<Timestamp> times;
    for (const AlertTest& check : test_.alert_tests) times.insert(check.eval_time);
    for (const QueryTest& check : test_.query_tests) times.insert(check.eval_time);
    return times;
  }

  Status run_until(Timestamp end) {
    Timestamp due = engine_->evaluate_due(stop_);
    while (clock_.now() < end) {
      if (stop_ != nullptr && stop_->load()) return fail(ErrorCode::kCancelled, "stopped");
      if (!arrivals_.has_late()) due = clock_.now() + kStride;
      const Timestamp next =
          std::max(clock_.now() + 1, std::min({end, due, arrivals_.next_late()}));
      TOCSIN_RETURN_IF_ERROR(store(next, end));
      clock_.set(next);
      due = engine_->evaluate_due(stop_);
    }
    return {};
  }

  Status store(Timestamp now, Timestamp next_check) {
    const std::vector<std::string_view> lines = arrivals_.take(now, next_check);
    for (size_t begin = 0; begin < lines.size(); begin += kLinesPerWrite) {
      const auto first = lines.begin() + static_cast<ptrdiff_t>(begin);
      const size_t count = std::min(kLinesPerWrite, lines.size() - begin);
      WriteRequest request;
      request.urgent = true;
      TOCSIN_TRY(request.batch, parse_events({first, first + static_cast<ptrdiff_t>(count)}));
      TOCSIN_TRY(const WriteReport report, database_->write(std::move(request)));
      if (report.rejected.empty()) continue;
      out_.failures.push_back({{}, "an event was rejected: " + report.rejected.front().reason});
    }
    return {};
  }

  void check_at(Timestamp time) {
    for (size_t i = 0; i < test_.alert_tests.size(); ++i) {
      const AlertTest& check = test_.alert_tests[i];
      if (check.eval_time != time) continue;
      AlertOutcome& outcome = out_.alert_outcomes[i];
      outcome.alerts = alerts_of(check.alert_name);
      const auto different = difference(check, outcome.alerts);
      outcome.failed = different.has_value();
      if (different) add_failure(check.position, check.alert_name, time, *different);
    }
    for (const QueryTest& check : test_.query_tests) {
      if (check.eval_time == time) check_query(check);
    }
  }

  void check_query(const QueryTest& check) {
    QueryOptions options;
    options.now = check.eval_time;
    options.zone = test_.zone;
    options.parameters = test_.parameters;
    const Result<ResultTable> table = queries_->run(check.query, options);
    const auto different = table ? difference(check, *table) : table.error().message;
    if (different) add_failure(check.position, "query", check.eval_time, *different);
  }

  void add_failure(FilePosition position, const std::string& subject, Timestamp time,
                   const std::string& text) {
    out_.failures.push_back(
        {position, fmt::format("{} at +{} ({})\n{}", subject, format_duration(time - test_.start),
                               format_time_short(time), text)});
  }

  /// The newest event of each instance of the rule, by fingerprint.
  std::vector<AlertEvent> alerts_of(const std::string& rule_name) const {
    std::map<std::string, AlertEvent> alerts;
    for (const auto& [fingerprint, event] : last_events_) {
      if (event.rule == rule_name) alerts[fingerprint] = event;
    }
    // What fires now is more recent than what late events showed about the past.
    for (const RuleStatus& rule : engine_->status()) {
      if (rule.name != rule_name) continue;
      for (const AlertEvent& event : rule.active) alerts[event.fingerprint] = event;
    }
    std::vector<AlertEvent> out;
    for (auto& [fingerprint, event] : alerts) out.push_back(std::move(event));
    return out;
  }

  const TestFile& file_;
  const RuleTest& test_;
  const std::atomic<bool>* stop_;
  ManualClock clock_;
  Arrivals arrivals_;
  std::map<std::string, AlertEvent> last_events_;  // by fingerprint
  TestResult out_;
  std::unique_ptr<Database> database_;
  std::unique_ptr<QueryEngine> queries_;
  std::unique_ptr<RuleEngine> engine_;
};

}  // namespace

Result<TestResult> run_test(const TestFile& file, const RuleTest& test,
                            const std::atomic<bool>* stop) {
  return Run(file, test, stop).run();
}

}  // namespace tocsin::rule_tests
