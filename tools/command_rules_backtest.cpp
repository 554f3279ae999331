// `tocsin rules backtest`: what rules would have alerted about.
#include <algorithm>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "db/database.h"
#include "rules/backtest.h"
#include "rules/backtest_report.h"
#include "rules/rule_file.h"
#include "tools/backtest/compare.h"
#include "tools/backtest/labels.h"
#include "tools/backtest/sweep.h"
#include "tools/command.h"
#include "tools/query_arguments.h"
#include "tools/terminal/output.h"
#include "tools/terminal/progress_bar.h"
#include "tools/wiring.h"

namespace tocsin {
namespace {

constexpr const char* kBacktestFooter =
    R"(Nothing is written, and a server may be running. Without FILE, the rules of the
configuration or the built-in ones are evaluated. Parameters of the configuration apply.

Examples:
  tocsin rules backtest --db data
  tocsin rules backtest --db data --last 30d my-rules.yml
  tocsin rules backtest --db data --sweep min_events=10:100:10 my-rules.yml
  tocsin rules backtest --db data my-rules.yml --against old-rules.yml
  tocsin rules backtest --db data --labels labels.jsonl --format json)";

constexpr Duration kDefaultRange = 8 * kDay;
constexpr uint64_t kManyWindows = 10'000;

struct BacktestArguments {
  std::string database, config, labels, sweep, format = "table";
  std::string from, to, last;
  std::vector<std::string> files, against, parameters;
};

class BacktestCommand {
 public:
  explicit BacktestCommand(const BacktestArguments& arguments) : arguments_(arguments) {}

  Status run() {
    TOCSIN_TRY(settings_, load_settings(arguments_.config));
    TOCSIN_TRY(options_.engine, rule_engine_options(settings_, 0));
    for (const auto& [name, text] : split_parameters(arguments_.parameters)) {
      settings_.parameters[name] = text;
    }
    options_.engine.parameters = parse_parameters(settings_.parameters);
    options_.stop = &stop_on_signals();
    if (!arguments_.sweep.empty()) {
      TOCSIN_TRY(sweep_, backtesting::parse_sweep(arguments_.sweep));
    }
    TOCSIN_TRY(options_.range, range());
    DatabaseOptions database_options;
    database_options.read_only = true;
    TOCSIN_TRY(database_, Database::open(arguments_.database, database_options));
    TOCSIN_TRY(const std::vector<RuleFile> files, read_files(arguments_.files));
    if (!arguments_.labels.empty()) {
      TOCSIN_TRY(labels_, backtesting::read_labels(arguments_.labels));
    }
    TOCSIN_RETURN_IF_ERROR(check_parameters(files));
    if (sweep_) return sweep(files);
    TOCSIN_TRY(const BacktestReport report, run_once("backtest", files, options_));
    if (arguments_.against.empty()) return print(report);
    TOCSIN_TRY(const std::vector<RuleFile> other_files, read_files(arguments_.against));
    TOCSIN_TRY(const BacktestReport other, run_once("against", other_files, options_));
    print_message(stdout, backtesting::comparison(report, other, options_.range));
    return {};
  }

 private:
  Result<TimeRange> range() const {
    const TimeZone& zone = options_.engine.zone;
    TimeRange out{0, SystemClock().now()};
    if (!arguments_.to.empty()) {
      TOCSIN_TRY(out.end, parse_time(arguments_.to, zone));
    }
    Duration length = kDefaultRange;
    if (!arguments_.last.empty()) {
      TOCSIN_TRY(length, parse_duration(arguments_.last));
    }
    out.start = out.end - length;
    if (!arguments_.from.empty()) {
      TOCSIN_TRY(out.start, parse_time(arguments_.from, zone));
    }
    if (out.start < out.end) return out;
    return fail(ErrorCode::kInvalid, "--from must be before --to, or before now without --to");
  }

  Result<std::vector<RuleFile>> read_files(const std::vector<std::string>& names) const {
    RuleSettings rules = settings_.rules;
    if (!names.empty()) {
      rules.files = names;
      rules.detect = false;
    }
    return read_rule_files(rules);
  }

  /// A misspelt parameter would change nothing without a word.
  Status check_parameters(const std::vector<RuleFile>& files) const {
    std::vector<std::string> names;
    for (const auto& [name, text] : split_parameters(arguments_.parameters)) names.push_back(name);
    if (sweep_) names.push_back(sweep_->name);
    for (const std::string& name : names) {
      const bool used = std::any_of(files.begin(), files.end(), [&](const RuleFile& file) {
        return file.text.find('$' + name) != std::string::npos;
      });
      if (!used) return fail(ErrorCode::kInvalid, fmt::format("no rule uses `${}`", name));
    }
    return {};
  }

  Result<BacktestReport> run_once(const std::string& label, const std::vector<RuleFile>& files,
                                  BacktestOptions options) const {
    const uint64_t windows = count_windows(files, options.range);
    if (windows > kManyWindows) {
      print_message(stderr, fmt::format("{}: {} windows\n", label, windows));
    }
    ProgressBar bar(label);
    options.progress = [&](uint64_t done, uint64_t total) { bar.show(done, total); };
    return backtest(*database_, files, options);
  }

  Status print(const BacktestReport& report) const {
    for (const std::string& warning : report.warnings) {
      print_message(stderr, "warning: " + warning + "\n");
    }
    if (arguments_.format == "json") {
      print_message(stdout, backtest_json(report, options_.range) + '\n');
    } else if (arguments_.format == "csv") {
      std::fputs(data_for(1, backtest_csv(report)).c_str(), stdout);
    } else {
      print_message(stdout, backtest_table(report, options_.range));
    }
    if (labels_) {
      print_message(
          arguments_.format == "table" ? stdout : stderr,
          backtesting::figures_text(*labels_, report, options_.range, options_.engine.delay));
    }
    return {};
  }

  Status sweep(const std::vector<RuleFile>& files) const {
    backtesting::SweepTable table(sweep_->name, labels_ != std::nullopt);
    for (const double value : sweep_->values) {
      BacktestOptions options = options_;
      const std::string text = fmt::format("{}", value);
      options.engine.parameters[sweep_->name] = parse_parameter(text);
      TOCSIN_TRY(const BacktestReport report,
                 run_once(fmt::format("{} = {}", sweep_->name, text), files, options));
      table.add(text, report, options_.range,
                labels_ ? backtesting::figures_of_all(*labels_, report, options_.range,
                                                      options_.engine.delay)
                        : detection::KindFigures());
    }
    print_message(stdout, table.text());
    return {};
  }

  const BacktestArguments& arguments_;
  Settings settings_;
  BacktestOptions options_;
  std::unique_ptr<Database> database_;
  std::optional<backtesting::Sweep> sweep_;
  std::optional<std::vector<generate::Label>> labels_;
};

}  // namespace

void add_rules_backtest_command(CLI::App& rules, Action& action) {
  auto arguments = std::make_shared<BacktestArguments>();  // shared by the callbacks
  CLI::App* command = rules.add_subcommand(
      "backtest", "Show what rules would have alerted about in a stored range");
  command->footer(kBacktestFooter);
  command->add_option("FILE", arguments->files, "Rule files");
  command->add_option("--db", arguments->database, "Directory of the database")->required();
  command->add_option("--config", arguments->config, "Configuration file")
      ->check(CLI::ExistingFile);
  command->add_option("--from", arguments->from, "Start of the range, a time");
  command->add_option("--to", arguments->to, "End of the range [now]");
  command->add_option("--last", arguments->last, "Length of the range, as 30d [8d]")
      ->excludes("--from");
  command->add_option("--param", arguments->parameters, "NAME=VALUE of a parameter; repeatable")
      ->allow_extra_args(false);  // or it would also take FILE
  command
      ->add_option(
          "--labels", arguments->labels,
          "Incidents as JSON lines with kind, service, start, end: adds precision, recall, "
          "F1 and delay")
      ->check(CLI::ExistingFile);
  command->add_option(
      "--sweep", arguments->sweep,
      "NAME=FROM:TO:STEP: a row for each value of a parameter; with --labels, the best is marked");
  command
      ->add_option("--against", arguments->against,
                   "A rule file; repeatable: list what only one of the two raises")
      ->allow_extra_args(false)
      ->excludes("--sweep");
  command->add_option("--format", arguments->format, "table, json or csv [table]")
      ->check(CLI::IsMember({"table", "json", "csv"}));
  command->callback([arguments, &action] {
    split_parameters(arguments->parameters);  // reports wrong usage
    action = [arguments = *arguments] { return BacktestCommand(arguments).run(); };
  });
}

}  // namespace tocsin
