// `tocsin export`: writes rows as text for `tocsin import` and other programs.
#include <csignal>
#include <cstdio>
#include <memory>

#include <fmt/format.h>
#include <unistd.h>

#include "rules/rule_file.h"
#include "tools/command.h"
#include "tools/export/export.h"
#include "tools/export/output_file.h"
#include "tools/export/query_rows.h"
#include "tools/export/store_rows.h"
#include "tools/query_arguments.h"
#include "tools/terminal/output.h"
#include "tools/terminal/progress_bar.h"
#include "tools/terminal/text.h"
#include "tools/wiring.h"

namespace tocsin {
namespace {

constexpr const char* kExportFooter = R"(Examples:
  tocsin export --db tocsin-data --output all.lp
  tocsin export --db tocsin-data --format csv --typed 'from audit last 1d | where status == "FAILED"'
  tocsin export --db tocsin-data --format csv --safe --output for-a-spreadsheet.csv
  tocsin export --db old-data --format json --typed | tocsin import --db new-data -
  tocsin export --db tocsin-data | curl --data-binary @- http://other-host:8086/write

Without a query, export writes all rows of all measurements except Tocsin's own, from one consistent
snapshot and ordered by time. With a query, it writes the rows of the result, which must have a column
`time`. A server may keep writing to the database.

Line protocol and --typed are lossless: `tocsin import` restores every value and type. If the format cannot
represent a value (in line protocol: NaN, infinity, newlines in names), the export fails and counts such
values; --lossy skips them instead. JSON and CSV without --typed are meant for other programs: NaN becomes
null and invalid UTF-8 becomes U+FFFD, as in query results.)";

struct ExportArguments {
  std::string database;
  std::string format = "lp";
  std::string output = "-";
  std::string text, now, measurement;
  std::string zone, config;
  std::vector<std::string> parameters;  ///< `name=value`
  bool own = false;
  ExportOptions options;
};

ExportFormat format_named(const std::string& name) {
  if (name == "json") return ExportFormat::kJson;
  return name == "csv" ? ExportFormat::kCsv : ExportFormat::kLineProtocol;
}

Result<std::unique_ptr<Database>> open_database(const std::string& folder) {
  DatabaseOptions options;
  options.read_only = true;
  options.create = false;
  return Database::open(folder, options);
}

// Computed once although the query may run twice: standard input can be read only once, and `now`
// moves.
Result<QueryRowsOptions> answer_options(const ExportArguments& arguments) {
  QueryRowsOptions options;
  options.measurement = arguments.measurement;
  options.query.cancelled = arguments.options.stop;
  TOCSIN_TRY(options.text, query_text(arguments.text));
  TOCSIN_TRY(const Settings settings, load_settings(arguments.config));
  const std::string configured = arguments.config.empty() ? "" : settings.rules.time_zone;
  const std::string& zone = arguments.zone.empty() ? configured : arguments.zone;
  TOCSIN_TRY(options.query.zone, TimeZone::load(zone));
  if (!arguments.config.empty()) options.query.timeout = settings.listen.query_timeout;
  options.query.now = SystemClock().now();
  if (!arguments.now.empty()) {
    TOCSIN_TRY(options.query.now, parse_time(arguments.now, options.query.zone));
  }
  for (const auto& [name, value] : split_parameters(arguments.parameters)) {
    options.query.parameters[name] = parse_parameter(value, options.query.zone);
  }
  return options;
}

// Closes the database again, so that its cache does not keep the segments that were read.
Result<std::unique_ptr<RowSource>> open_everything(const std::string& folder, bool own) {
  TOCSIN_TRY(const auto database, open_database(folder));
  std::vector<std::string> names;
  for (const auto& [name, measurement] : database->catalog()->measurements) {
    if (own || !is_reserved_measurement(name)) names.push_back(name);
  }
  return open_store_rows(*database, names);
}

Status report_skipped_measurements(const std::string& folder) {
  TOCSIN_TRY(const auto database, open_database(folder));
  std::string names;
  for (const auto& [name, measurement] : database->catalog()->measurements) {
    if (is_reserved_measurement(name)) names += (names.empty() ? "" : ", ") + name;
  }
  if (!names.empty()) {
    fmt::print(stderr,
               "not exported: {} (Tocsin's own measurements; --own includes them, and only `tocsin "
               "import --restore` accepts them)\n",
               names);
  }
  return {};
}

void print_report(const ExportReport& report) {
  if (report.losses.total() > 0) {
    print_message(stderr, "warning: the export is not exact: " + report.losses.text() + "\n");
  }
  if (isatty(STDERR_FILENO) == 1) {
    fmt::print(stderr, "exported {} rows, {}\n", grouped(report.rows), bytes_text(report.bytes));
  }
}

Status run_export(ExportArguments arguments) {
  std::signal(SIGPIPE, SIG_IGN);  // write() reports a closed pipe
  arguments.options.stop = &stop_on_signals();
  arguments.options.format.format = format_named(arguments.format);
  const bool everything = arguments.text.empty();
  if (everything && !arguments.own) {
    TOCSIN_RETURN_IF_ERROR(report_skipped_measurements(arguments.database));
  }
  QueryRowsOptions answer;
  if (!everything) {
    TOCSIN_TRY(answer, answer_options(arguments));
  }
  const auto open_rows = [&] {
    if (everything) return open_everything(arguments.database, arguments.own);
    return open_query_rows([&] { return open_database(arguments.database); }, answer);
  };
  TOCSIN_TRY(const auto output, OutputFile::open(arguments.output));
  ExportReport report;
  {
    // A bar would disturb a terminal that shows the rows themselves.
    const bool rows_on_terminal = arguments.output == "-" && isatty(STDOUT_FILENO) == 1;
    ProgressBar bar("exporting");
    TOCSIN_TRY(report, export_rows(
                           open_rows, arguments.options,
                           [&](std::string_view piece) {
                             if (!rows_on_terminal) return output->write(piece);
                             return output->write(data_for(STDOUT_FILENO, std::string(piece)));
                           },
                           [&](uint64_t done, uint64_t total) {
                             if (!rows_on_terminal) bar.show(done, total);
                           }));
  }
  TOCSIN_RETURN_IF_ERROR(output->finish());
  print_report(report);
  return {};
}

// Reports wrong usage before anything is opened.
void check_usage(const ExportArguments& arguments) {
  split_parameters(arguments.parameters);
  check_zone_and_now(arguments.zone, arguments.now);
  if (arguments.options.format.typed && arguments.format == "lp") {
    throw CLI::ValidationError("--typed",
                               "line protocol always has types; --typed is for json and csv");
  }
  if (!arguments.options.format.safe) return;
  if (arguments.options.format.typed) {
    throw CLI::ValidationError("--safe", "changes texts, so that --typed would not be lossless");
  }
  check_safe(arguments.format);
}

}  // namespace

void add_export_command(CLI::App& app, Action& action) {
  auto arguments = std::make_shared<ExportArguments>();  // shared by the callbacks
  CLI::App* command =
      app.add_subcommand("export", "Write rows as text for `tocsin import` or other programs");
  command->footer(kExportFooter);
  command->add_option("--db", arguments->database, "Database directory; opened for reading")
      ->required();
  command
      ->add_option("--format", arguments->format,
                   "lp (line protocol), json (one object per line) or csv")
      ->check(CLI::IsMember({"lp", "json", "csv"}))
      ->capture_default_str();
  command->add_flag("--typed", arguments->options.format.typed,
                    "JSON and CSV: write the types in the first line and every value losslessly");
  command->add_flag("--safe", arguments->options.format.safe, kSafeHelp);
  command->add_flag("--lossy", arguments->options.lossy,
                    "Skip values that the format cannot represent, and report how many");
  command
      ->add_option("--output", arguments->output,
                   "Output file, which appears only when complete; - is standard output")
      ->capture_default_str();
  command->add_flag("--own", arguments->own,
                    "Without a query: include Tocsin's own measurements alerts, deliveries, "
                    "event_lag and rejected");
  command->add_option("--measurement", arguments->measurement,
                      "Measurement of result rows that have no column `measurement`");
  command->add_option("--param", arguments->parameters,
                      "NAME=VALUE sets $NAME in the query; see `tocsin query --help`");
  command->add_option("--now", arguments->now,
                      "Time to use as `now`, in RFC 3339 [the current time]");
  command->add_option("--zone", arguments->zone,
                      "Time zone of dates and times in the query [that of --config, or UTC]");
  add_config_option(*command, arguments->config);
  command->add_option(
      "QUERY", arguments->text,
      "A query, @FILE to read it from a file, or - for standard input; without it, all rows");
  command->callback([arguments, &action] {
    check_usage(*arguments);
    action = [arguments = *arguments] { return run_export(arguments); };
  });
}

}  // namespace tocsin
