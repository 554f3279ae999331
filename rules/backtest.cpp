// The same engine over a database that keeps its writes to itself, with a clock that jumps.
#include "rules/backtest.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "query/query.h"
#include "rules/rule_file.h"
#include "rules/trial_database.h"

namespace tocsin {
namespace {

/// The clock moves that far at once. Windows are evaluated in order, so the results are the same.
constexpr Duration kClockStep = kHour;

uint64_t windows_in(TimeRange range, Duration interval) {
  return static_cast<uint64_t>(range.end / interval - range.start / interval);
}

class Backtest {
 public:
  Backtest(const Database& database, const BacktestOptions& options)
      : options_(options),
        database_(database),
        queries_(database_),
        clock_(options.range.start),
        engine_(database_, queries_, clock_, engine_options()) {}

  Result<BacktestReport> run(const std::vector<RuleFile>& files) {
    const RuleLoadReport loaded = engine_.load(files);
    if (!loaded.errors.empty()) {
      return fail(ErrorCode::kInvalid, fmt::format("{}", fmt::join(loaded.errors, "\n")));
    }
    out_.warnings = loaded.warnings;
    out_.warnings.insert(out_.warnings.end(), loaded.schema_warnings.begin(),
                         loaded.schema_warnings.end());
    for (const RuleStatus& rule : engine_.status()) {
      total_ += windows_in(options_.range, rule.interval);
    }
    const Timestamp end = options_.range.end + options_.engine.delay;
    while (clock_.now() < end) {
      clock_.set(std::min(clock_.now() + kClockStep, end));
      engine_.evaluate_due(options_.stop);
      if (options_.stop && *options_.stop) return fail(ErrorCode::kCancelled, "stopped");
      if (options_.progress) options_.progress(done_, total_);
    }
    for (const RuleStatus& status : engine_.status()) {
      BacktestRule& rule = rules_[status.name];
      rule.status = status;
      out_.rules.push_back(std::move(rule));
    }
    std::stable_sort(out_.firings.begin(), out_.firings.end(),
                     [](const BacktestFiring& a, const BacktestFiring& b) {
                       return a.start.time < b.start.time;
                     });
    return std::move(out_);
  }

 private:
  RuleEngineOptions engine_options() {
    RuleEngineOptions out = options_.engine;
    out.routes = {{"backtest", {}, true}};
    out.evaluate_from = options_.range.start;
    out.late_max = 0;
    out.caught_up = nullptr;
    out.outbox_changed = nullptr;
    out.committed = [this](const std::vector<AlertEvent>& events) {
      for (const AlertEvent& event : events) add_event(event);
    };
    out.evaluated = [this](const WindowResult& result) { add_window(result); };
    return out;
  }

  void add_event(const AlertEvent& event) {
    const auto known = open_.find(event.fingerprint);
    if (event.state == AlertState::kFiring) {
      if (known == open_.end()) {
        open_.emplace(event.fingerprint, out_.firings.size());
        out_.firings.push_back(
            {event, 0, event.severity, {event.value, event.baseline}, event.held_back()});
        return;
      }
      BacktestFiring& firing = out_.firings[known->second];
      firing.severity = std::max(firing.severity, event.severity);
      if (event.held_back().empty()) firing.held_back = {};
    } else if (event.state == AlertState::kResolved && known != open_.end()) {
      out_.firings[known->second].end = event.time;
      open_.erase(known);
    }
  }

  void add_window(const WindowResult& result) {
    ++done_;
    BacktestRule& rule = rules_[std::string(result.rule)];
    ++rule.windows;
    if (result.event_count == 0) ++rule.empty_windows;
    if (result.learning) ++rule.learning_windows;
    for (const WindowResult::Row& row : result.rows) {
      const auto known = open_.find(row.fingerprint);
      if (known == open_.end()) continue;
      BacktestFiring& firing = out_.firings[known->second];
      firing.worst.add({row.value, row.baseline});
    }
  }

  const BacktestOptions& options_;
  TrialDatabase database_;
  QueryEngine queries_;
  ManualClock clock_;
  BacktestReport out_;
  std::map<std::string, BacktestRule> rules_;        // by name
  std::map<std::string, size_t, std::less<>> open_;  // firings that have not ended, by fingerprint
  uint64_t done_ = 0, total_ = 0;
  RuleEngine engine_;
};

}  // namespace

void WorstValue::add(const WorstValue& other) {
  if (other.deviation() > deviation()) *this = other;
}

double WorstValue::deviation() const {
  if (std::isnan(value)) return -1;
  return std::abs(std::isnan(baseline) ? value : value - baseline);
}

uint64_t count_windows(const std::vector<RuleFile>& files, TimeRange range) {
  uint64_t count = 0;
  for (const RuleFile& file : files) {
    for (const Rule& rule : parse_rule_file(file).rules) count += windows_in(range, rule.interval);
  }
  return count;
}

Result<BacktestReport> backtest(const Database& database, const std::vector<RuleFile>& files,
                                const BacktestOptions& options) {
  return Backtest(database, options).run(files);
}

}  // namespace tocsin
