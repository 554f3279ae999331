// `tocsin rejected`: shows the lines that could not be stored, and stores them after a fix.
#include <memory>

#include <fmt/format.h>

#include "db/base/text.h"
#include "net/rejected/retry.h"
#include "query/format/result.h"
#include "query/parser/lexer.h"
#include "tools/client/http_client.h"
#include "tools/client/query_source.h"
#include "tools/client/remote_query.h"
#include "tools/command.h"
#include "tools/query_arguments.h"
#include "tools/terminal/text.h"
#include "tools/wiring.h"

namespace tocsin {
namespace {

constexpr const char* kRejectedFooter = R"(Examples:
  tocsin rejected list --url http://127.0.0.1:8086
  tocsin rejected list --db tocsin-data --source /var/log/shop/audit.json
  tocsin rejected retry --url http://127.0.0.1:8086 --reason 'field type conflict'

Lines that cannot be stored are kept in the measurement `rejected` for 7 days: up to 64 KiB of each, up to 4 MiB per
source and minute, and 1 GiB in all. Further lines are only counted. `list` shows them by source and reason.

After a fix, `retry` parses the kept lines again, in the same way as when they came in, and stores those that are
good. Each is stored once, however often `retry` runs. A line without a time gets the time at which it arrived.
Lines of which only the beginning was kept are skipped.)";

struct RejectedArguments {
  AskOptions ask;
  std::string source;
  std::string reason;
};

Question list_question(const RejectedArguments& arguments) {
  Question question;
  question.text = "from rejected ";
  if (!arguments.source.empty()) {
    question.text += fmt::format("| where source == {} ", quote_string(arguments.source));
  }
  if (!arguments.reason.empty()) {
    question.text += fmt::format("| where reason contains {} ", quote_string(arguments.reason));
  }
  // A row that says that a line was stored later has count 0.
  question.text +=
      "| let reason = template(reason) "
      "| stats lines = sum(count), kept = count(line), stored_later = count() where count == 0, "
      "last = max(time) by source, reason | sort -lines";
  question.now = arguments.ask.now;
  question.cancelled = &stop_on_signals();
  return question;
}

Status list_rejected(const RejectedArguments& arguments) {
  TOCSIN_TRY(const ResultFormat format, parse_result_format(arguments.ask.format));
  TOCSIN_TRY(const QuerySourceOptions where, source_of(arguments.ask));
  TOCSIN_TRY(const std::unique_ptr<QuerySource> source, open_query_source(where));
  TOCSIN_TRY(const ResultTable table, source->ask(list_question(arguments)));
  FormatOptions options;
  options.terminal_width = terminal_size().first;
  fmt::print("{}", format_result(table, format, options));
  return {};
}

Result<RetryReport> retry_on_server(const RejectedArguments& arguments) {
  HttpRequest request;
  request.url = server_address(arguments.ask.source.url, "/api/rejected/retry");
  request.access = arguments.ask.source.access;
  request.parameters = {{"source", arguments.source}, {"reason", arguments.reason}};
  request.cancelled = &stop_on_signals();
  TOCSIN_TRY(const HttpResponse response, http_post(request));
  if (response.status == 200) return parse_retry_report(response.body);
  return fail(ErrorCode::kInvalid, server_error_text(response.body));
}

Result<RetryReport> retry_in_database(const RejectedArguments& arguments) {
  TOCSIN_TRY(const Settings settings, load_settings(arguments.ask.config));
  DatabaseOptions opening = database_options(settings);
  opening.create = false;
  auto database = Database::open(arguments.ask.source.database, opening);
  if (!database && database.error().code == ErrorCode::kConflict) {
    return fail(ErrorCode::kConflict,
                database.error().message + "\nUse --url with the address of its server instead.");
  }
  if (!database) return tl::unexpected<Error>(database.error());
  return retry_rejected(**database, {arguments.source, arguments.reason, &stop_on_signals()});
}

void print_retry_report(const RetryReport& report) {
  const auto print = [](uint64_t lines, const char* what) {
    if (lines > 0) fmt::print("{} {}\n", grouped(lines), what);
  };
  fmt::print("{} stored\n", grouped(report.stored));
  print(report.rejected_again, "rejected again");
  for (const std::string& reason : report.reasons) fmt::print("  {}\n", escape_controls(reason));
  print(report.stored_before, "stored by an earlier retry");
  print(report.cut, "skipped, because only their beginning was kept");
  print(report.unknown, "skipped, because their format was not recorded");
  print(report.counted, "were only counted");
}

Status retry_lines(const RejectedArguments& arguments) {
  TOCSIN_TRY(const RetryReport report, arguments.ask.source.database.empty()
                                           ? retry_on_server(arguments)
                                           : retry_in_database(arguments));
  print_retry_report(report);
  return {};
}

}  // namespace

void add_rejected_command(CLI::App& app, Action& action) {
  CLI::App* command =
      app.add_subcommand("rejected", "Show lines that could not be stored; store them after a fix");
  command->footer(kRejectedFooter);
  command->require_subcommand(1);
  const auto add = [&](const char* name, const char* help, auto run) {
    auto arguments = std::make_shared<RejectedArguments>();  // shared by the callbacks
    CLI::App* sub = command->add_subcommand(name, help);
    sub->footer(kRejectedFooter);
    sub->add_option("--source", arguments->source, "Only lines of this source");
    sub->add_option("--reason", arguments->reason, "Only lines whose reason contains this text");
    sub->callback([arguments, run, &action] {
      check_ask_options(arguments->ask);
      action = [arguments = *arguments, run] { return run(arguments); };
    });
    return std::pair{sub, arguments};
  };
  const auto [list, list_arguments] =
      add("list", "Show the lines by source and reason", &list_rejected);
  add_ask_options(*list, list_arguments->ask);
  const auto [again, retry_arguments] =
      add("retry", "Store the lines that can be stored now", &retry_lines);
  add_source_options(*again, retry_arguments->ask.source);
  add_config_option(*again, retry_arguments->ask.config);
}

}  // namespace tocsin
