// `tocsin export`: rows as text that `tocsin import` and others read.
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
#include "tools/terminal/progress_bar.h"
#include "tools/terminal/text.h"

namespace tocsin {
namespace {

constexpr const char* kFooter = R"(Examples:
  tocsin export --db tocsin-data --output all.lp
  tocsin export --db tocsin-data --format csv --typed 'from audit last 1d | where status == "FAILED"'
  tocsin export --db old-data --format json --typed | tocsin import --db new-data -
  tocsin export --db tocsin-data | curl --data-binary @- http://other-host:8086/write

Without a query: every row of every measurement but Tocsin's own, as of one moment, in the order of time;
exactly, in line protocol or with --typed. With one: the rows of its answer, which must have a column
`time`. A running server may go on writing. What an exact format cannot hold (line protocol: NaN and
infinite values, newlines in names) stops the export with its count, or is left out with --lossy.
JSON and CSV without --typed are for other programs: as in answers to queries, bytes that are no UTF-8 become
U+FFFD and NaN null.)";

struct Arguments {
  std::string database;
  std::string format = "lp";
  std::string output = "-";
  std::string text, now, measurement;
  std::string zone = "UTC";
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

// Once, though the answer may be asked for twice: standard input ends, and `now` moves.
Result<QueryRowsOptions> answer_options(const Arguments& arguments) {
  QueryRowsOptions options;
  options.measurement = arguments.measurement;
  options.query.cancelled = arguments.options.stop;
  TOCSIN_TRY(options.text, query_text(arguments.text));
  TOCSIN_TRY(options.query.zone, TimeZone::load(arguments.zone));
  options.query.now = SystemClock().now();
  if (!arguments.now.empty()) {
    TOCSIN_TRY(options.query.now, parse_time(arguments.now, options.query.zone));
  }
  for (const auto& [name, value] : split_parameters(arguments.parameters)) {
    options.query.parameters[name] = parse_parameter(value, options.query.zone);
  }
  return options;
}

// The database is closed again, so that nobody keeps the segments that were read.
Result<std::unique_ptr<RowSource>> open_everything(const std::string& folder, bool own) {
  TOCSIN_TRY(const auto database, open_database(folder));
  std::vector<std::string> names;
  for (const auto& [name, measurement] : database->catalog()->measurements) {
    if (own || !is_reserved_measurement(name)) names.push_back(name);
  }
  return open_store_rows(*database, names);
}

Status tell_what_is_left_out(const std::string& folder) {
  TOCSIN_TRY(const auto database, open_database(folder));
  std::string names;
  for (const auto& [name, measurement] : database->catalog()->measurements) {
    if (is_reserved_measurement(name)) names += (names.empty() ? "" : ", ") + name;
  }
  if (!names.empty()) {
    fmt::print(stderr, "left out, since only `import --restore` takes them: {}; see --own\n",
               names);
  }
  return {};
}

void tell(const ExportReport& report) {
  if (report.losses.total() > 0) {
    fmt::print(stderr, "warning: not exact: {}\n", report.losses.text());
  }
  if (isatty(STDERR_FILENO) == 1) {
    fmt::print(stderr, "exported {} rows, {}\n", grouped(report.rows), bytes_text(report.bytes));
  }
}

Status run_export(Arguments arguments) {
  std::signal(SIGPIPE, SIG_IGN);  // a reader that has gone is an error of write()
  arguments.options.stop = &stop_on_signals();
  arguments.options.format.format = format_named(arguments.format);
  const bool everything = arguments.text.empty();
  if (everything && !arguments.own) {
    TOCSIN_RETURN_IF_ERROR(tell_what_is_left_out(arguments.database));
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
    // On a terminal that shows the rows themselves a bar would only disturb.
    const bool rows_on_terminal = arguments.output == "-" && isatty(STDOUT_FILENO) == 1;
    ProgressBar bar("exporting");
    TOCSIN_TRY(report, export_rows(
                           open_rows, arguments.options,
                           [&](std::string_view piece) { return output->write(piece); },
                           [&](uint64_t done, uint64_t total) {
                             if (!rows_on_terminal) bar.show(done, total);
                           }));
  }
  TOCSIN_RETURN_IF_ERROR(output->finish());
  tell(report);
  return {};
}

// Bad usage shows at once, before anything is opened.
void check_usage(const Arguments& arguments) {
  split_parameters(arguments.parameters);
  const TimeZone zone = value_of(TimeZone::load(arguments.zone), "--zone");
  if (!arguments.now.empty()) value_of(parse_time(arguments.now, zone), "--now");
  if (arguments.options.format.typed && arguments.format == "lp") {
    throw CLI::ValidationError("--typed",
                               "line protocol has types by itself; --typed is for json and csv");
  }
}

}  // namespace

void add_export_command(CLI::App& app, Action& action) {
  auto arguments = std::make_shared<Arguments>();  // shared by the callbacks
  CLI::App* command =
      app.add_subcommand("export", "Write rows as text, for `import` or other programs");
  command->footer(kFooter);
  command->add_option("--db", arguments->database, "The database's folder; opened for reading")
      ->required();
  command->add_option("--format", arguments->format, "lp (line protocol), json (lines) or csv")
      ->check(CLI::IsMember({"lp", "json", "csv"}))
      ->capture_default_str();
  command->add_flag("--typed", arguments->options.format.typed,
                    "JSON and CSV: types in the first line, every value exactly");
  command->add_flag("--lossy", arguments->options.lossy,
                    "Leave out what the format cannot hold, and say how much");
  command
      ->add_option("--output", arguments->output,
                   "A file, which is there whole or not at all; - is standard output")
      ->capture_default_str();
  command->add_flag(
      "--own", arguments->own,
      "Without a query: also Tocsin's own measurements alerts, deliveries and rejected");
  command->add_option("--measurement", arguments->measurement,
                      "Whose rows a query's are that have no column `measurement`");
  command->add_option("--param", arguments->parameters,
                      "name=value of a $name in the query; as in `tocsin query --help`");
  command->add_option("--now", arguments->now, "What `now` is: an RFC 3339 time; else the clock");
  command->add_option("--zone", arguments->zone, "Time zone of dates in the query")
      ->capture_default_str();
  command->add_option("QUERY", arguments->text,
                      "A query, @FILE, or - for standard input; else all rows");
  command->callback([arguments, &action] {
    check_usage(*arguments);
    action = [arguments = *arguments] { return run_export(arguments); };
  });
}

}  // namespace tocsin
