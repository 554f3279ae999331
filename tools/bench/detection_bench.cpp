// Measures how well rules detect the incidents of generated worlds: recall, precision, delay,
// alerts per incident, false alerts. See `detection_bench --help`.
#include <atomic>
#include <csignal>
#include <cstdio>
#include <fstream>
#include <map>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "config/settings.h"
#include "db/base/json.h"
#include "db/base/mutex.h"
#include "db/base/system_error.h"
#include "tools/detection/figures.h"
#include "tools/detection/match.h"
#include "tools/detection/report.h"
#include "tools/detection/trial.h"
#include "tools/generate/worlds/catalog.h"
#include "tools/terminal/progress_bar.h"
#include "tools/wiring.h"

namespace tocsin {
namespace {

using detection::Figures;
using detection::Judgement;
using detection::TrialResult;

constexpr const char* kFooter = R"(Examples:
  detection_bench --worlds office,weekend --seeds 1-5 --details
  detection_bench --worlds all --seeds 1001-1020 --jobs 2 --json results.json
  detection_bench --worlds all --seeds 1-3 --clean          # no incidents: must stay silent

Columns: labels; of these, weak and optional ones, which do not count, and the labels that count;
recall: the share of these with an alert of their kind; noticed: with an alert of any kind; alerts:
delivered ones; right: of an incident of their kind; part: about an incident of another kind; false;
precis.: the share that is not false; delay: median and p95, from the start of an incident to its
first alert; al/inc: alerts per incident that has any. Explanations: how many first alerts name the
cause of an incident (a host, transaction, version or message) first, and how many name nothing if
there is none.

Goals of a world: recall of each kind and precision 0.95, 1.3 alerts per incident, a false alert per
20 services and day; with --clean, a false alert in 7 days.)";

/// A Monday; so that the 14 days after 28 days of history contain the ends of summer time of Europe
/// (25 October) and North America (1 November), or, for even seeds, its begin in Europe (28 March).
constexpr const char* kAutumn = "2026-09-21T00:00:00Z";
constexpr const char* kSpring = "2027-02-22T00:00:00Z";
/// The default of `tocsin generate` would be 2.6 million events a day.
constexpr double kShopEventsPerBatch = 3;

struct Arguments {
  std::vector<std::string> worlds = {"all"};
  std::string seeds = "1";
  std::vector<std::string> rules;
  std::string config, start, json;
  double history_days = 28, days = 14;
  unsigned jobs = 1;
  bool details = false, clean = false;
};

struct Task {
  std::string world;
  uint64_t seed = 1;
  TimeRange evaluated;
  std::optional<Figures> figures;  ///< none: it failed, or was not run
};

std::atomic<bool> stop = false;

/// `7`, `1-50` or `1-5,8`.
Result<std::vector<uint64_t>> parse_seeds(const std::string& text) {
  std::vector<uint64_t> seeds;
  for (const std::string& part : CLI::detail::split(text, ',')) {
    const size_t dash = part.find('-');
    uint64_t first = 0, last = 0;
    const bool valid = CLI::detail::lexical_cast(part.substr(0, dash), first) &&
                       CLI::detail::lexical_cast(part.substr(dash + 1), last) && first <= last;
    if (!valid || last - first > 10'000)
      return fail(ErrorCode::kInvalid,
                  fmt::format("\"{}\" is not a range of seeds such as 1-50", part));
    for (uint64_t seed = first; seed <= last; ++seed) seeds.push_back(seed);
  }
  return seeds;
}

Result<std::vector<std::string>> world_names(const std::vector<std::string>& wanted) {
  std::vector<std::string> names;
  for (const std::string& name : wanted) {
    if (name == "all") {
      for (const generate::WorldInfo& info : generate::worlds()) names.emplace_back(info.name);
      continue;
    }
    TOCSIN_TRY(const generate::WorldInfo info, generate::find_world(name));
    names.emplace_back(info.name);
  }
  return names;
}

class Bench {
 public:
  explicit Bench(Arguments arguments) : arguments_(std::move(arguments)) {}

  Status run() {
    TOCSIN_RETURN_IF_ERROR(prepare());
    run_tasks();
    return report();
  }

 private:
  Status prepare() {
    TOCSIN_TRY(const std::vector<uint64_t> seeds, parse_seeds(arguments_.seeds));
    TOCSIN_TRY(const std::vector<std::string> worlds, world_names(arguments_.worlds));
    TOCSIN_TRY(Settings settings, load_settings(arguments_.config));
    if (!arguments_.rules.empty()) settings.rules.files = arguments_.rules;
    TOCSIN_TRY(rules_, read_rule_files(settings.rules));
    for (const std::string& world : worlds) {
      for (const uint64_t seed : seeds) {
        const char* usual = seed % 2 == 0 ? kSpring : kAutumn;
        TOCSIN_TRY(const Timestamp birth,
                   parse_time(arguments_.start.empty() ? usual : arguments_.start));
        const Timestamp from = birth + days(arguments_.history_days);
        tasks_.push_back({world, seed, {from, from + days(arguments_.days)}, {}});
      }
    }
    TOCSIN_TRY(engine_, rule_engine_options(settings, tasks_.front().evaluated.start));
    return {};
  }

  static Duration days(double count) {
    return static_cast<Duration>(count * static_cast<double>(kDay)) / kMinute * kMinute;
  }

  void run_tasks() {
    std::vector<std::thread> threads;
    for (unsigned i = 0; i < arguments_.jobs; ++i) threads.emplace_back([this] { work(); });
    for (std::thread& thread : threads) thread.join();
  }

  void work() {
    for (size_t i = next_++; i < tasks_.size() && !stop; i = next_++) {
      const Result<TrialResult> result = run_task(tasks_[i]);
      const MutexLock lock(mutex_);
      note_result(tasks_[i], result);
      progress_.show(++done_, tasks_.size());
    }
  }

  Result<TrialResult> run_task(const Task& task) const {
    detection::TrialOptions options;
    options.world.name = task.world;
    options.world.seed = task.seed;
    options.world.birth = task.evaluated.start - days(arguments_.history_days);
    options.world.events_per_batch = kShopEventsPerBatch;
    options.world.anomaly_rate = anomaly_rate(task.world);
    options.evaluated = task.evaluated;
    options.engine = engine_;
    options.rules = rules_;
    options.stop = &stop;
    return detection::run_trial(options);
  }

  double anomaly_rate(const std::string& world) const {
    if (arguments_.clean) return 0;
    return world == generate::kShopWorld ? generate::WorldOptions{}.anomaly_rate
                                         : generate::kWorldAnomalyRate;
  }

  Status report() const {
    std::map<std::string, Figures> by_world;
    std::vector<std::string> order;
    size_t missing = 0;
    for (const Task& task : tasks_) {
      missing += task.figures ? 0 : 1;
      if (!task.figures) continue;
      if (!by_world.contains(task.world)) order.push_back(task.world);
      by_world[task.world].add(*task.figures);
    }
    Figures all;
    std::string worlds_json, goals;
    for (const std::string& world : order) {
      const Figures& figures = by_world[world];
      const std::string line = goals_line(figures, arguments_.clean);
      fmt::print("\n{}: {}\n{}", world, line, figures_table(figures));
      goals += fmt::format("  {:<14}{}\n", world, line);
      worlds_json += fmt::format("{}{}:{}", worlds_json.empty() ? "" : ",", json_quote(world),
                                 figures_json(figures));
      all.add(figures);
    }
    fmt::print("\nall worlds\n{}\n{}", figures_table(all), goals);
    TOCSIN_RETURN_IF_ERROR(
        write_json(fmt::format(R"({{"seeds":{},"all":{},"worlds":{{{}}}}})"
                               "\n",
                               json_quote(arguments_.seeds), figures_json(all), worlds_json)));
    if (missing == 0) return {};
    return fail(ErrorCode::kInvalid,
                fmt::format("{} of {} trials failed or were not run", missing, tasks_.size()));
  }

  /// Prints the details at once: a run takes long and may be stopped.
  void note_result(Task& task, const Result<TrialResult>& result) const {
    if (!result) {
      fmt::print("{} seed {}: {}\n", task.world, task.seed, result.error().message);
      return;
    }
    const Judgement judgement = judge(result->labels, result->firings, task.evaluated);
    task.figures = figures_of(judgement, task.evaluated, result->service_count);
    if (arguments_.details || !result->troubles.empty()) {
      fmt::print("\n{} seed {}: {} events, loaded in {:.1f} s, evaluated in {:.1f} s\n", task.world,
                 task.seed, result->event_count, result->load_seconds, result->evaluate_seconds);
    }
    for (const std::string& trouble : result->troubles) fmt::print("  trouble: {}\n", trouble);
    if (arguments_.details) fmt::print("{}", details(judgement));
    std::fflush(stdout);
  }

  Status write_json(const std::string& text) const {
    if (arguments_.json.empty()) return {};
    std::ofstream file(arguments_.json);
    if ((file << text).flush()) return {};
    return system_error("writing", arguments_.json, errno);
  }

  const Arguments arguments_;
  std::vector<RuleFile> rules_;
  RuleEngineOptions engine_;
  std::vector<Task> tasks_;
  std::atomic<size_t> next_ = 0;
  Mutex mutex_;
  size_t done_ TOCSIN_GUARDED_BY(mutex_) = 0;
  ProgressBar progress_ TOCSIN_GUARDED_BY(mutex_){"worlds"};
};

void add_options(CLI::App& app, Arguments& arguments) {
  app.add_option("--worlds", arguments.worlds, "Names of worlds, or all")->delimiter(',');
  app.add_option("--seeds", arguments.seeds, "For example 1, 1-50 or 1-5,8")->capture_default_str();
  app.add_option("--rules", arguments.rules, "Rule files [the shipped ones]");
  app.add_option("--config", arguments.config, "Settings of the rules [the defaults]")
      ->check(CLI::ExistingFile);
  app.add_option("--history", arguments.history_days, "Days before the evaluated ones")
      ->capture_default_str()
      ->check(CLI::Range(0.0, 400.0));
  app.add_option("--days", arguments.days, "Evaluated days")
      ->capture_default_str()
      ->check(CLI::Range(0.01, 400.0));
  app.add_option("--start", arguments.start,
                 fmt::format("Start of the history [{}; even seeds: {}]", kAutumn, kSpring));
  app.add_flag("--clean", arguments.clean, "No incidents, only what belongs to the world");
  app.add_option("--jobs", arguments.jobs, "Trials at once")
      ->capture_default_str()
      ->check(CLI::Range(1, 64));
  app.add_flag("--details", arguments.details,
               "List missed labels, false alerts, and incidents with more than one alert");
  app.add_option("--json", arguments.json, "File to write the figures to");
}

}  // namespace
}  // namespace tocsin

int main(int argc, char** argv) {
  tocsin::Arguments arguments;
  CLI::App app("Measures how well rules detect the incidents of generated worlds.");
  app.footer("Worlds:" + tocsin::generate::list_of_worlds() + "\n\n" + tocsin::kFooter);
  add_options(app, arguments);
  CLI11_PARSE(app, argc, argv);
  std::signal(SIGINT, [](int) { tocsin::stop = true; });
  std::signal(SIGTERM, [](int) { tocsin::stop = true; });
  const tocsin::Status status = tocsin::Bench(std::move(arguments)).run();
  if (!status) fmt::print(stderr, "detection_bench: {}\n", status.error().message);
  return status ? 0 : 1;
}
