// `tocsin query`: runs one query against a database or a server.
#include <cstdio>
#include <memory>

#include <fmt/format.h>
#include <unistd.h>

#include "query/format/result.h"
#include "tools/client/query_source.h"
#include "tools/command.h"
#include "tools/query_arguments.h"
#include "tools/terminal/output.h"
#include "tools/terminal/text.h"

namespace tocsin {
namespace {

constexpr const char* kQueryFooter = R"(Examples:
  tocsin query --db tocsin-data 'from audit last 1h | stats n = count() by service | sort -n'
  tocsin query --url http://127.0.0.1:8086 --format csv --safe 'from alerts | sort -time | limit 50'
  tocsin query --db tocsin-data --param limit=500ms 'from audit | where duration_ms > $limit'
  tocsin query --db tocsin-data --param day=2026-11-24 'from audit between $day and $day + 1d'
  tocsin query --db tocsin-data --now 2026-11-24T12:00:00Z @report.tq
  tocsin query --db tocsin-data 'explain from audit last 1d | stats n = count() by service'

--db reads the database files, even while a server is writing them; --url sends the query to a server. Tables
are truncated to fit the terminal, but not in a pipe or file. Warnings and statistics go to standard error.
@FILE reads the query from a file, and - from standard input. Put `explain` before a query to see how it runs.

--param x=VALUE sets $x. VALUE is read as in a query: 8123 is a number, 500ms a duration, true a boolean,
2026-11-24 or 2026-11-24T12:00:00Z a time, and '"8123"' with its quotes a string. Everything else is a string
too.

Exit codes: 0 success, 1 the query, the database or the server failed, 2 wrong usage.)";

struct QueryArguments {
  AskOptions ask;
  std::string text;                     ///< the query, @FILE or -
  std::vector<std::string> parameters;  ///< `name=value`
  bool no_stats = false;
};

Status run_query(const QueryArguments& arguments) {
  TOCSIN_TRY(const ResultFormat format, parse_result_format(arguments.ask.format));
  TOCSIN_TRY(const std::string text, query_text(arguments.text));
  TOCSIN_TRY(const QuerySourceOptions where, source_of(arguments.ask));
  TOCSIN_TRY(const std::unique_ptr<QuerySource> source, open_query_source(where));
  TOCSIN_TRY(const ResultTable table,
             source->ask({text, arguments.ask.now, split_parameters(arguments.parameters),
                          &stop_on_signals()}));
  for (const std::string& warning : table.warnings) {
    print_message(stderr, "warning: " + warning + "\n");
  }
  FormatOptions options;
  options.statistics = !arguments.no_stats;
  options.terminal_width = terminal_size().first;
  options.safe = arguments.ask.safe;
  const std::string output = data_for(STDOUT_FILENO, format_result(table, format, options));
  if (std::fwrite(output.data(), 1, output.size(), stdout) != output.size() ||
      std::fflush(stdout) != 0) {
    return fail(ErrorCode::kIo, "cannot write the result to standard output");
  }
  if (isatty(STDERR_FILENO) == 1) {
    fmt::print(stderr, "{} row{} in {:.1f} ms; {} events read, {} segments skipped\n",
               table.row_count, table.row_count == 1 ? "" : "s",
               static_cast<double>(table.statistics.elapsed_us) / 1e3,
               table.statistics.rows_scanned, table.statistics.segments_skipped);
  }
  return {};
}

}  // namespace

void add_query_command(CLI::App& app, Action& action) {
  auto arguments = std::make_shared<QueryArguments>();  // shared by the callbacks
  CLI::App* command = app.add_subcommand("query", "Run a query against a database or a server");
  command->footer(kQueryFooter);
  add_ask_options(*command, arguments->ask);
  command->add_option("--param", arguments->parameters,
                      "NAME=VALUE sets $NAME in the query; see below");
  command->add_flag("--no-stats", arguments->no_stats,
                    "Leave the statistics out of json, and the last line out of ndjson");
  command
      ->add_option("QUERY", arguments->text,
                   "The query, @FILE to read it from a file, or - for standard input")
      ->required();
  command->callback([arguments, &action] {
    split_parameters(arguments->parameters);
    check_ask_options(arguments->ask);
    action = [arguments = *arguments] { return run_query(arguments); };
  });
}

}  // namespace tocsin
