// `tocsin rules`: checks and lists rule files without running them.
#include <algorithm>
#include <cstdio>
#include <memory>
#include <optional>
#include <vector>

#include <fmt/format.h>

#include "db/base/time.h"
#include "query/format/format.h"
#include "query/format/text_table.h"
#include "rules/engine.h"
#include "rules/preview.h"
#include "rules/rule_file.h"
#include "tools/client/remote_rules.h"
#include "tools/command.h"
#include "tools/query_arguments.h"
#include "tools/terminal/output.h"
#include "tools/wiring.h"

namespace tocsin {
namespace {

constexpr const char* kRulesFooter = R"(Examples:
  tocsin rules check rules/*.yml
  tocsin rules check --config tocsin.yml
  tocsin rules check --db tocsin-data my-rules.yml
  tocsin rules list
  tocsin rules list --url http://127.0.0.1:8086
  tocsin rules test tests/*.yml
  tocsin rules backtest --db data my-rules.yml)";

struct RulesArguments {
  std::string config;
  std::string url;                 ///< of a server, whose rules are listed; empty: none
  std::string database;            ///< in which rules are tried; empty: none
  ServerAccess access;             ///< to that server
  std::vector<std::string> files;  ///< empty: those of the configuration, or the shipped ones
};

/// `1 rule`, `2 rules`.
std::string counted(size_t count, const char* noun) {
  return fmt::format("{} {}{}", count, noun, count == 1 ? "" : "s");
}

struct Loaded {
  Settings settings;
  std::vector<RuleFile> files;
};

Result<Loaded> load(const RulesArguments& arguments) {
  Loaded loaded;
  TOCSIN_TRY(loaded.settings, load_settings(arguments.config));
  RuleSettings rules = loaded.settings.rules;
  if (!arguments.files.empty()) {
    rules.files = arguments.files;
    rules.detect = false;
  }
  TOCSIN_TRY(loaded.files, read_rule_files(rules));
  return loaded;
}

void print_warnings(const std::vector<std::string>& warnings) {
  for (const std::string& warning : warnings) print_message(stderr, "warning: " + warning + "\n");
}

// Prints all warnings and errors, including those in queries, to standard error.
Result<RuleLoadReport> check_all(const Loaded& loaded) {
  RuleLoadReport report = check_rules(loaded.files, parse_parameters(loaded.settings.parameters));
  print_warnings(loaded.settings.warnings);
  print_warnings(report.warnings);
  for (const std::string& advice : report.advice) print_message(stderr, "advice: " + advice + "\n");
  for (const std::string& error : report.errors) print_message(stderr, error + "\n");
  if (report.errors.empty()) return report;
  return fail(ErrorCode::kInvalid, fmt::format("{} in {}", counted(report.errors.size(), "error"),
                                               counted(loaded.files.size(), "rule file")));
}

// What the rule would do now, in a few words.
std::string outcome_of(const RulePreview& preview) {
  if (!preview.error.empty()) return preview.error;
  if (preview.event_count == 0) return "no event matches: is a name wrong?";
  if (preview.rows.empty()) return preview.learning ? "no baseline yet" : "nothing";
  const PreviewRow& worst = preview.rows.front();
  return fmt::format("{} {}", name_of(worst.severity),
                     worst.summary.empty() ? worst.group : worst.summary);
}

// What each rule would return now.
Status preview(const RulesArguments& arguments, const Loaded& loaded) {
  DatabaseOptions database_options;
  database_options.read_only = true;
  TOCSIN_TRY(const auto database, Database::open(arguments.database, database_options));
  PreviewOptions options;
  options.parameters = parse_parameters(loaded.settings.parameters);
  TOCSIN_TRY(options.zone, TimeZone::load(loaded.settings.rules.time_zone));
  options.delay = loaded.settings.rules.delay;
  options.now = SystemClock().now();
  options.stop = &stop_on_signals();
  TextTable table({"rule", "window ends", "events", "groups", "alerts now", "time"});
  for (const RulePreview& each : preview_rules(*database, loaded.files, options)) {
    table.add({each.rule, format_time_short(each.window.end), fmt::format("{}", each.event_count),
               fmt::format("{}", each.rows.size()), outcome_of(each),
               fmt::format("{} ms", each.duration / kMillisecond)});
  }
  print_message(stdout, table.text());
  return {};
}

Status check(const RulesArguments& arguments) {
  TOCSIN_TRY(const Loaded loaded, load(arguments));
  TOCSIN_TRY(const RuleLoadReport report, check_all(loaded));
  const std::string inhibit_rules =
      report.inhibit_rule_count == 0 ? ""
                                     : " and " + counted(report.inhibit_rule_count, "inhibit rule");
  fmt::print("ok: {}{} in {}\n", counted(report.added.size(), "rule"), inhibit_rules,
             counted(loaded.files.size(), "file"));
  if (!arguments.database.empty()) return preview(arguments, loaded);
  return {};
}

void print_rules(const std::vector<Rule>& rules) {
  size_t name_width = 4, type_width = 4;
  for (const Rule& rule : rules) {
    name_width = std::max(name_width, rule.name.size());
    type_width = std::max(type_width, rule.type.size());
  }
  fmt::print("{:<{}}  {:<{}}  every  file\n", "rule", name_width, "type", type_width);
  for (const Rule& rule : rules) {
    print_message(stdout,
                  fmt::format("{:<{}}  {:<{}}  {:<5}  {}\n", rule.name, name_width, rule.type,
                              type_width, format_duration(rule.interval), rule.file));
  }
}

Status list_of_server(const RulesArguments& arguments) {
  TOCSIN_TRY(const RemoteRules remote, rules_of_server(arguments.url, arguments.access));
  print_message(stdout, format_result(remote.rules, ResultFormat::kTable));
  if (remote.forgotten.row_count == 0) return {};
  print_message(stdout, "\nforgotten in the last 30 days:\n" +
                            format_result(remote.forgotten, ResultFormat::kTable));
  return {};
}

// Includes the rules whose query does not compile.
Status list(const RulesArguments& arguments) {
  if (!arguments.url.empty()) return list_of_server(arguments);
  TOCSIN_TRY(const Loaded loaded, load(arguments));
  std::vector<Rule> rules;
  for (const RuleFile& file : loaded.files) {
    const ParsedRuleFile parsed = parse_rule_file(file);
    rules.insert(rules.end(), parsed.rules.begin(), parsed.rules.end());
  }
  print_rules(rules);
  TOCSIN_RETURN_IF_ERROR(check_all(loaded));
  return {};
}

void add_subcommand(CLI::App& command, const std::string& name, const std::string& description,
                    Status (*run)(const RulesArguments&), Action& action) {
  auto arguments = std::make_shared<RulesArguments>();  // shared by the callbacks
  CLI::App* subcommand = command.add_subcommand(name, description);
  subcommand
      ->add_option("--config", arguments->config,
                   "Configuration file; its parameters, rules.files and rules.detect are used")
      ->check(CLI::ExistingFile);
  subcommand->add_option("FILE", arguments->files,
                         "Rule files [rules.files of the configuration, or the shipped rules]");
  if (run == &check) {
    subcommand->add_option("--db", arguments->database,
                           "A database: also show what each rule would alert about now");
  }
  if (run == &list) {
    subcommand
        ->add_option("--url", arguments->url,
                     "A server: list its rules with their health, evaluations and alerts")
        ->excludes("--config")
        ->excludes("FILE");
    add_access_options(*subcommand, arguments->access);
  }
  subcommand->callback([arguments, run, &action] {
    action = [arguments = *arguments, run] { return run(arguments); };
  });
}

}  // namespace

void add_rules_command(CLI::App& app, Action& action) {
  CLI::App* command = app.add_subcommand("rules", "Check, list, test and backtest rule files");
  command->footer(kRulesFooter);
  command->require_subcommand(1);
  add_subcommand(*command, "check", "Find all errors in rule files, and what is probably not meant",
                 &check, action);
  add_subcommand(*command, "list", "List the rules in the files, or those of a server", &list,
                 action);
  add_rules_test_command(*command, action);
  add_rules_backtest_command(*command, action);
}

}  // namespace tocsin
