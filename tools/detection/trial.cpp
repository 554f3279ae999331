// One world, one database in a temporary folder, one rule engine.
#include "tools/detection/trial.h"

#include <algorithm>
#include <chrono>
#include <map>
#include <memory>
#include <utility>

#include <fmt/format.h>

#include "db/database.h"
#include "query/query.h"
#include "rules/alert.h"
#include "tools/detection/feed.h"
#include "tools/generate/worlds/catalog.h"
#include "tools/generate/worlds/player.h"
#include "tools/rule_tests/temporary_folder.h"

namespace tocsin::detection {
namespace {

constexpr const char* kForwarder = "bench";
constexpr const char* kSelfType = "SELF";
/// As long as events arrive in order, the rules may be evaluated late: the results are the same. A
/// day is stored as a whole segment.
constexpr Duration kStride = kDay;
constexpr Duration kCatchupMax = 2 * kStride;
/// Rules look for late events that far back, which costs time.
constexpr Duration kLateMax = generate::kDelayMax + 30 * kMinute;

/// Pairs the notifications of each instance.
Status read_firings(const Database& database, Duration delay, TrialResult& out) {
  TOCSIN_TRY(const std::vector<SmallEntry> entries,
             database.list(SmallTable::kOutbox, std::string(kForwarder) + "/"));
  std::map<std::string, size_t> open;  // by fingerprint
  for (const SmallEntry& entry : entries) {
    TOCSIN_TRY(const AlertEvent event, decode_alert(entry.value));
    if (event.type == kSelfType) {
      if (event.state == AlertState::kFiring) out.troubles.push_back(event.summary);
      continue;
    }
    const auto known = open.find(event.fingerprint);
    if (event.state == AlertState::kFiring && known == open.end()) {
      open.emplace(event.fingerprint, out.firings.size());
      out.firings.push_back(firing_of(event, delay));
    } else if (event.state == AlertState::kResolved && known != open.end()) {
      out.firings[known->second].range.end = std::max(event.time, event.started_at);
      open.erase(known);
    }
  }
  return {};
}

class Trial {
 public:
  explicit Trial(const TrialOptions& options)
      : options_(options), engine_options_(options.engine) {}

  Result<TrialResult> run() {
    TOCSIN_TRY(const std::unique_ptr<generate::EventSource> source,
               generate::make_source(options_.world));
    TOCSIN_TRY(const TemporaryFolder folder, TemporaryFolder::make());
    ManualClock clock(options_.world.birth);
    DatabaseOptions database_options;
    database_options.clock = &clock;
    TOCSIN_TRY(const std::unique_ptr<Database> database,
               Database::open(folder.path() + "/data", database_options));
    TOCSIN_RETURN_IF_ERROR(set_engine_options(source->estate()));
    source->seek(options_.world.birth);

    const auto begun = std::chrono::steady_clock::now();
    Feed feed(*source, clock, *database);
    TOCSIN_TRY(const Timestamp start, feed.play(options_.evaluated.start, false));
    const auto loaded = std::chrono::steady_clock::now();
    TrialResult out;
    TOCSIN_RETURN_IF_ERROR(evaluate(feed, start, clock, *database, out));
    const auto ended = std::chrono::steady_clock::now();
    out.load_seconds = std::chrono::duration<double>(loaded - begun).count();
    out.evaluate_seconds = std::chrono::duration<double>(ended - loaded).count();
    out.service_count = source->estate().services.size();
    out.event_count = feed.event_count();
    out.labels = feed.labels();
    TOCSIN_RETURN_IF_ERROR(read_firings(*database, engine_options_.delay, out));
    return out;
  }

 private:
  Status set_engine_options(const generate::Estate& estate) {
    TOCSIN_TRY(engine_options_.zone, TimeZone::load(std::string(estate.time_zone)));
    engine_options_.routes = {{kForwarder, {}, true}};
    engine_options_.evaluate_from = options_.evaluated.start;
    engine_options_.catchup_max = kCatchupMax;
    engine_options_.late_max = kLateMax;
    engine_options_.sample_count = 0;
    return {};
  }

  bool stopped() const { return options_.stop != nullptr && options_.stop->load(); }

  Status evaluate(Feed& feed, Timestamp now, ManualClock& clock, Database& database,
                  TrialResult& out) {
    const QueryEngine queries(database);
    RuleEngine engine(database, queries, clock, engine_options_);
    const RuleLoadReport report = engine.load(options_.rules);
    if (!report.errors.empty()) return fail(ErrorCode::kInvalid, report.errors.front());
    Duration step = kHour;  // the shortest interval
    for (const RuleStatus& rule : engine.status()) step = std::min(step, rule.interval);

    const Timestamp end = tick_at(options_.evaluated.end + engine_options_.delay);
    while (now < end) {
      if (stopped()) return fail(ErrorCode::kCancelled, "stopped");
      const Timestamp day_end = now - now % kStride + kStride;
      TOCSIN_TRY(const Timestamp ordered, feed.play(std::min(end, day_end), true));
      TOCSIN_TRY(now, feed.play(std::min(end, window_due(ordered, step)), false));
      engine.evaluate_due(options_.stop);
    }
    for (const RuleStatus& rule : engine.status()) {
      if (!rule.last_error.empty()) out.troubles.push_back(rule.name + ": " + rule.last_error);
    }
    return {};
  }

  /// When the next window after `now` is due.
  Timestamp window_due(Timestamp now, Duration step) const {
    const Duration delay = engine_options_.delay;
    return tick_at((now - delay) / step * step + step + delay);
  }

  /// The first boundary of ticks from `t` on.
  Timestamp tick_at(Timestamp t) const {
    const Duration interval = options_.world.interval;
    return options_.world.birth + (t - options_.world.birth + interval - 1) / interval * interval;
  }

  const TrialOptions& options_;
  RuleEngineOptions engine_options_;
};

}  // namespace

Result<TrialResult> run_trial(const TrialOptions& options) { return Trial(options).run(); }

}  // namespace tocsin::detection
