// `tocsin generate`: mock logs with labelled anomalies, as a history and in real time.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <memory>
#include <optional>

#include <fmt/format.h>

#include "db/base/time.h"
#include "tools/command.h"
#include "tools/generate/run.h"
#include "tools/generate/worlds/catalog.h"
#include "tools/wiring.h"

namespace tocsin {
namespace {

using generate::Anomaly;
using generate::AnomalyKind;

constexpr const char* kGenerateFooter = R"(Examples:
  tocsin generate --days 8 --out logs --labels logs/labels.jsonl
  tocsin generate --days 1 --format lp | tocsin import --db tocsin-data -
  tocsin generate --live 10m --tcp 127.0.0.1:8094
  tocsin generate --live --inject MISSING_HEARTBEAT:payment:12m --out logs
  tocsin generate --world office --days 35 --end 2026-11-24 --out logs --labels logs/labels.jsonl

There are three log types: audit, bpm and performance. Files are called DIR/audit/2026-11-24.json and so on.
The first three days of a history contain no anomalies; a live run without a history may have them at once.)";

struct GenerateArguments {
  std::optional<double> days;
  std::optional<std::string> start, birth;
  std::string end = "now";
  std::string live;  ///< a duration; empty: until stopped
  bool is_live = false;
  std::string world = generate::kShopWorld;
  uint64_t seed = 1;
  std::string config;
  // Override the configuration file.
  std::optional<std::string> interval;
  std::optional<double> events;
  std::optional<double> anomaly_rate;
  std::vector<std::string> injected;
  std::vector<std::string> types;
  std::string format = "json", out, tcp, labels;
};

Timestamp align(Timestamp t, Duration interval) { return t - t % interval; }

Result<Timestamp> parse_moment(const std::string& text) {
  return text == "now" ? Result<Timestamp>(SystemClock().now()) : parse_time(text);
}

/// `KIND:SERVICE:DURATION` or `KIND:SERVICE:DURATION@TIME`.
Result<Anomaly> parse_injection(const std::string& text, Timestamp default_start,
                                Duration interval) {
  const size_t first = text.find(':');
  const size_t second = first == std::string::npos ? first : text.find(':', first + 1);
  if (second == std::string::npos) {
    return fail(
        ErrorCode::kInvalid,
        fmt::format("\"{}\" is not a valid injection; write KIND:SERVICE:DURATION, for example "
                    "MISSING_HEARTBEAT:payment:12m",
                    text));
  }
  const size_t at = text.find('@', second);
  const std::string service = text.substr(first + 1, second - first - 1);
  TOCSIN_TRY(const AnomalyKind kind, generate::parse_anomaly_kind(text.substr(0, first)));
  TOCSIN_TRY(const Duration length, parse_duration(text.substr(second + 1, at - second - 1)));
  Timestamp start = default_start;
  if (at != std::string::npos) {
    TOCSIN_TRY(start, parse_moment(text.substr(at + 1)));
  }
  const size_t index = generate::find_service(service);
  if (index == generate::services().size()) {
    std::string names;
    for (const auto& profile : generate::services()) names += fmt::format(" {}", profile.name);
    return fail(ErrorCode::kInvalid,
                fmt::format("unknown service \"{}\"; the services are{}", service, names));
  }
  generate::Random random(static_cast<uint64_t>(start));
  Anomaly anomaly = generate::draw_anomaly(random, kind, index, start, interval);
  anomaly.range.end = align(anomaly.range.start + length, interval);
  if (anomaly.range.end <= anomaly.range.start) {
    return fail(ErrorCode::kInvalid, fmt::format("\"{}\" is shorter than one interval", text));
  }
  return anomaly;
}

std::array<bool, generate::kLogTypeCount> parse_types(const std::vector<std::string>& names) {
  if (names.empty()) return {true, true, true};
  std::array<bool, generate::kLogTypeCount> wanted{};
  for (size_t i = 0; i < wanted.size(); ++i) {
    const std::string name = generate::name_of(static_cast<generate::LogType>(i));
    wanted[i] = std::find(names.begin(), names.end(), name) != names.end();
  }
  return wanted;
}

/// Sets the bounds of the history and the birth of its world.
void set_times(const GenerateArguments& arguments, generate::RunOptions& run) {
  const Duration interval = run.world.interval;
  if (interval < kMillisecond || interval > kHour) {
    throw CLI::ValidationError("--interval", "must be between 1ms and 1h");
  }
  run.end = align(value_of(parse_moment(arguments.end), "--end"), interval);
  const double days = arguments.days.value_or(arguments.is_live ? 0 : 1);
  run.start = run.end - align(static_cast<Duration>(days * static_cast<double>(kDay)), interval);
  if (arguments.start)
    run.start = align(value_of(parse_moment(*arguments.start), "--start"), interval);
  if (run.start > run.end) throw CLI::ValidationError("--start", "must not be after --end");
  run.world.birth = run.start;
  if (arguments.birth) {
    run.world.birth = align(value_of(parse_moment(*arguments.birth), "--birth"), interval);
  } else if (run.start == run.end) {
    run.world.quiet = 0;
  }
  if (run.start < run.world.birth)
    throw CLI::ValidationError("--birth", "must not be after the start");
}

/// Other worlds than `shop` draw their traffic and their services themselves.
void check_world(const GenerateArguments& arguments) {
  value_of(generate::find_world(arguments.world), "--world");
  if (arguments.world == generate::kShopWorld) return;
  if (arguments.events) throw CLI::ValidationError("--events", "needs --world shop");
  if (!arguments.injected.empty()) throw CLI::ValidationError("--inject", "needs --world shop");
  if (arguments.anomaly_rate.value_or(0) > generate::kWorldAnomalyRateMax) {
    throw CLI::ValidationError("--anomaly-rate", fmt::format("must be at most {} in this world",
                                                             generate::kWorldAnomalyRateMax));
  }
}

/// Options take precedence over the configuration file.
void set_world(const GenerateArguments& arguments, generate::WorldOptions& world) {
  check_world(arguments);
  world.name = arguments.world;
  const GenerateSettings settings = value_of(load_settings(arguments.config), "--config").generate;
  world.seed = arguments.seed;
  world.interval = settings.interval;
  if (arguments.interval)
    world.interval = value_of(parse_duration(*arguments.interval), "--interval");
  world.events_per_batch =
      arguments.events.value_or(static_cast<double>(settings.events_per_batch));
  world.anomaly_rate = arguments.anomaly_rate.value_or(arguments.world == generate::kShopWorld
                                                           ? settings.anomaly_rate
                                                           : generate::kWorldAnomalyRate);
}

generate::RunOptions run_options(const GenerateArguments& arguments) {
  generate::RunOptions run;
  set_world(arguments, run.world);
  set_times(arguments, run);
  for (const std::string& text : arguments.injected) {
    run.world.injected.push_back(
        value_of(parse_injection(text, run.end, run.world.interval), "--inject"));
  }
  if (arguments.is_live) {
    run.live = arguments.live.empty() ? 0 : value_of(parse_duration(arguments.live), "--live");
  }
  run.types = parse_types(arguments.types);
  run.format =
      arguments.format == "lp" ? generate::TextFormat::kLineProtocol : generate::TextFormat::kJson;
  run.labels_path = arguments.labels;
  return run;
}

Result<std::unique_ptr<generate::Sink>> make_sink(const GenerateArguments& arguments) {
  if (!arguments.tcp.empty()) return generate::make_tcp_sink(arguments.tcp);
  if (arguments.out.empty()) return generate::make_stdout_sink();
  return generate::make_file_sink(arguments.out, arguments.format, arguments.is_live);
}

Status generate_logs(const GenerateArguments& arguments, generate::RunOptions run) {
  run.stop = &stop_on_signals();
  const auto begun = std::chrono::steady_clock::now();
  TOCSIN_TRY(const std::unique_ptr<generate::Sink> sink, make_sink(arguments));
  TOCSIN_TRY(const generate::RunReport report, generate::run(run, *sink));
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begun;
  fmt::print(stderr,
             "generated {} events ({:.0f} MB) in {:.1f} s, from {} to {}, with {} anomalies\n",
             report.event_count, static_cast<double>(report.byte_count) / 1e6, took.count(),
             format_time_short(run.start), format_time_short(report.end), report.anomaly_count);
  if (run.world.name != generate::kShopWorld) {
    fmt::print(stderr, "of these, {} are too weak to count and {} may alert or not; time zone {}\n",
               report.weak_count, report.optional_count, report.time_zone);
  }
  fmt::print(stderr,
             "to continue this world: tocsin generate --live{} --seed {} --birth {} --start {}\n",
             run.world.name == generate::kShopWorld ? "" : " --world " + run.world.name,
             run.world.seed, format_time_short(run.world.birth), format_time_short(report.end));
  return {};
}

void add_time_options(CLI::App& command, GenerateArguments& arguments) {
  command
      .add_option("--days", arguments.days, "Length of the history in days [1, or 0 with --live]")
      ->check(CLI::Range(0.0, 3650.0));
  command.add_option("--start", arguments.start, "Start of the history, instead of --days");
  command.add_option("--end", arguments.end, "End of the history: an RFC 3339 time or now")
      ->capture_default_str();
  command.add_option(
      "--birth", arguments.birth,
      "Start of the world, if earlier than --start: lets a run continue an earlier one");
  command
      .add_option("--live", arguments.live, "Continue in real time, for that long or until stopped")
      ->expected(0, 1)
      ->type_name("[DURATION]");
}

void add_world_options(CLI::App& command, GenerateArguments& arguments) {
  command.add_option("--world", arguments.world, "One of the worlds below")->capture_default_str();
  command
      .add_option("--seed", arguments.seed,
                  "Seed of the random numbers: the same seed makes the same logs")
      ->capture_default_str();
  command
      .add_option("--config", arguments.config,
                  "Configuration file; options override its log_generation")
      ->check(CLI::ExistingFile);
  command.add_option("--interval", arguments.interval, "Time covered by a batch [5s]");
  command
      .add_option("--events", arguments.events,
                  "Mean number of events per batch and log type, in shop [50]")
      ->check(CLI::Range(0.1, 1e7));
  command
      .add_option(
          "--anomaly-rate", arguments.anomaly_rate,
          "Probability that an anomaly begins, per service and hour [0.05 in shop, else 0.01]")
      ->check(CLI::Range(0.0, generate::kAnomalyRateMax));
  command.add_option(
      "--inject", arguments.injected,
      "Add an anomaly: KIND:SERVICE:DURATION[@TIME]; without TIME, at the end of the history");
}

void add_output_options(CLI::App& command, GenerateArguments& arguments) {
  command.add_option("--types", arguments.types, "Only these log types, for example audit,bpm")
      ->delimiter(',')
      ->check(CLI::IsMember({"audit", "bpm", "performance"}));
  command
      .add_option("--format", arguments.format, "json (one object per line) or lp (line protocol)")
      ->check(CLI::IsMember({"json", "lp"}))
      ->capture_default_str();
  CLI::Option* out =
      command.add_option("--out", arguments.out, "Directory for the files [standard output]");
  command.add_option("--tcp", arguments.tcp, "HOST:PORT of a server to send the lines to")
      ->excludes(out);
  command.add_option("--labels", arguments.labels,
                     "File to append the labels of the anomalies to, as JSON lines");
}

}  // namespace

void add_generate_command(CLI::App& app, Action& action) {
  auto arguments = std::make_shared<GenerateArguments>();  // shared by the callbacks
  CLI::App* command = app.add_subcommand("generate", "Generate mock logs with labelled anomalies");
  command->footer("Worlds:" + generate::list_of_worlds() + "\n\n" + kGenerateFooter);
  add_time_options(*command, *arguments);
  add_world_options(*command, *arguments);
  add_output_options(*command, *arguments);
  command->callback([arguments, command, &action] {
    arguments->is_live = command->count("--live") > 0;
    action = [arguments, run = run_options(*arguments)] { return generate_logs(*arguments, run); };
  });
}

}  // namespace tocsin
