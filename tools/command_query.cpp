// `tocsin query`: one question to a database or a server.
#include <cstdio>
#include <fstream>
#include <iostream>
#include <memory>
#include <optional>
#include <sstream>

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "db/database.h"
#include "query/query.h"
#include "query/result.h"
#include "rules/rule_file.h"
#include "tools/client/remote_query.h"
#include "tools/command.h"

namespace tocsin {
namespace {

constexpr const char* kFooter = R"(Examples:
  tocsin query --db tocsin-data 'from audit last 1h | stats n = count() by service | sort -n'
  tocsin query --url http://127.0.0.1:8086 --format csv 'from alerts | sort -time | limit 50'
  tocsin query --db tocsin-data --param limit=500ms 'from audit | where duration_ms > $limit'
  tocsin query --db tocsin-data @report.tq

--db reads the files themselves, also while a server writes them; --url asks the server. Write the
query as @FILE to read it from a file, as - for standard input.)";

struct Arguments {
  std::string database, url, text, now, zone = "UTC";
  std::string format = "table";
  std::vector<std::string> parameters;  ///< `name=value`
};

Result<std::string> read_all(std::istream& stream, const std::string& name) {
  std::ostringstream text;
  text << stream.rdbuf();
  if (!stream) return fail(ErrorCode::kIo, "the query cannot be read from " + name);
  return text.str();
}

Result<std::string> query_text(const std::string& argument) {
  if (argument == "-") return read_all(std::cin, "standard input");
  if (argument.empty() || argument.front() != '@') return argument;
  std::ifstream file(argument.substr(1));
  return read_all(file, argument.substr(1));
}

std::vector<std::pair<std::string, std::string>> split_parameters(
    const std::vector<std::string>& parameters) {
  std::vector<std::pair<std::string, std::string>> pairs;
  for (const std::string& parameter : parameters) {
    const size_t equals = parameter.find('=');
    if (equals == std::string::npos || equals == 0) {
      throw CLI::ValidationError("--param", "\"" + parameter + "\" is not name=value");
    }
    pairs.emplace_back(parameter.substr(0, equals), parameter.substr(equals + 1));
  }
  return pairs;
}

Result<ResultTable> ask_database(const Arguments& arguments, const std::string& text) {
  DatabaseOptions options;
  options.read_only = true;
  options.create = false;
  TOCSIN_TRY(const std::unique_ptr<Database> database, Database::open(arguments.database, options));
  QueryOptions query;
  TOCSIN_TRY(query.zone, TimeZone::load(arguments.zone));
  if (!arguments.now.empty()) {
    TOCSIN_TRY(query.now, parse_time(arguments.now, query.zone));
  }
  for (const auto& [name, value] : split_parameters(arguments.parameters)) {
    query.parameters[name] = parse_parameter(value);
  }
  query.cancelled = &stop_on_signals();
  return QueryEngine(*database).run(text, query);
}

Result<ResultTable> ask_server(const Arguments& arguments, const std::string& text) {
  return query_server({arguments.url, text, arguments.now, split_parameters(arguments.parameters)});
}

size_t terminal_width() {
  winsize size{};
  return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

Status run_query(const Arguments& arguments) {
  TOCSIN_TRY(const ResultFormat format, parse_result_format(arguments.format));
  TOCSIN_TRY(const std::string text, query_text(arguments.text));
  TOCSIN_TRY(const ResultTable table,
             arguments.url.empty() ? ask_database(arguments, text) : ask_server(arguments, text));
  for (const std::string& warning : table.warnings) fmt::print(stderr, "warning: {}\n", warning);
  FormatOptions options;
  options.terminal_width = terminal_width();
  const std::string output = format_result(table, format, options);
  if (std::fwrite(output.data(), 1, output.size(), stdout) != output.size() ||
      std::fflush(stdout) != 0) {
    return fail(ErrorCode::kIo, "the result cannot be written to standard output");
  }
  if (isatty(STDERR_FILENO) == 1) {
    fmt::print(stderr, "{} rows in {:.1f} ms; {} events read, {} segments skipped\n",
               table.row_count, static_cast<double>(table.statistics.elapsed_us) / 1e3,
               table.statistics.rows_scanned, table.statistics.segments_skipped);
  }
  return {};
}

}  // namespace

void add_query_command(CLI::App& app, Action& action) {
  auto arguments = std::make_shared<Arguments>();  // shared by the callbacks
  CLI::App* command = app.add_subcommand("query", "Ask a database or a server");
  command->footer(kFooter);
  CLI::Option_group* where = command->add_option_group("Where");
  where->add_option("--db", arguments->database, "The database's folder; opened for reading");
  where->add_option("--url", arguments->url, "A server, as in http://127.0.0.1:8086");
  where->require_option(1);
  command->add_option("--format", arguments->format, "How the answer is written")
      ->check(CLI::IsMember({"table", "csv", "json", "ndjson", "lp"}))
      ->capture_default_str();
  command->add_option("--param", arguments->parameters, "name=value of a $name in the query");
  command->add_option("--now", arguments->now, "What `now` is: an RFC 3339 time; else the clock");
  command->add_option("--zone", arguments->zone, "Time zone of dates, with --db")
      ->capture_default_str();
  command->add_option("QUERY", arguments->text, "The query, @FILE, or - for standard input")
      ->required();
  command->callback([arguments, &action] {
    split_parameters(arguments->parameters);  // bad usage shows at once
    action = [arguments = *arguments] { return run_query(arguments); };
  });
}

}  // namespace tocsin
