// `tocsin retention confirm`: lets old days be deleted that wait for an operator.
#include <memory>

#include <fmt/format.h>

#include "db/database.h"
#include "tools/client/http_client.h"
#include "tools/command.h"
#include "tools/query_arguments.h"

namespace tocsin {
namespace {

constexpr const char* kConfirmFooter =
    R"(Retention does not delete days because of a clock that jumped ahead, or many days at once, before
store.retention_grace is over; after a jump of over 30 days it waits for this command. The server's log,
/health and the alert RetentionWaits say what waits. Check the clock and store.retention first. With --url
the server deletes at once; with --db, which needs a database that no server has open, the next server does.

Examples:
  tocsin retention confirm --url http://127.0.0.1:8086
  tocsin retention confirm --db tocsin-data)";

struct RetentionArguments {
  std::string database, url;
  ServerAccess access;
};

std::string first_line(const std::string& text) { return text.substr(0, text.find('\n')); }

Result<std::string> confirm_on_server(const std::string& url, const ServerAccess& access) {
  HttpRequest request;
  request.access = access;
  request.url = url.substr(0, url.find_last_not_of('/') + 1) + "/-/retention/confirm";
  TOCSIN_TRY(const HttpResponse response, http_post(request));
  if (response.status == 200) return first_line(response.body);
  return fail(ErrorCode::kIo, fmt::format("{}: status {}: {}", request.url, response.status,
                                          first_line(response.body)));
}

Result<std::string> confirm_on_files(const std::string& directory) {
  DatabaseOptions options;
  options.create = false;
  auto database = Database::open(directory, options);
  if (!database && database.error().code == ErrorCode::kConflict) {
    return fail(ErrorCode::kConflict,
                database.error().message + "; if it is a server, name it with --url");
  }
  if (!database) return tl::unexpected<Error>(database.error());
  return (*database)->confirm_retention();
}

Status confirm(const RetentionArguments& arguments) {
  TOCSIN_TRY(const std::string confirmed, arguments.url.empty()
                                              ? confirm_on_files(arguments.database)
                                              : confirm_on_server(arguments.url, arguments.access));
  if (confirmed.empty()) {
    fmt::print("nothing waits for a confirmation\n");
  } else {
    fmt::print("confirmed: {}\n", confirmed);
  }
  return {};
}

}  // namespace

void add_retention_command(CLI::App& app, Action& action) {
  CLI::App* command = app.add_subcommand("retention", "Confirm that old days may be deleted");
  command->require_subcommand(1);
  auto arguments = std::make_shared<RetentionArguments>();  // shared by the callbacks
  CLI::App* subcommand = command->add_subcommand(
      "confirm", "Believe the clock, and delete old days that wait, without further delay");
  subcommand->footer(kConfirmFooter);
  CLI::Option_group* where = subcommand->add_option_group("Source");
  where->add_option("--db", arguments->database, "Database directory");
  where->add_option("--url", arguments->url, "URL of a server, for example http://127.0.0.1:8086");
  where->require_option(1);
  add_access_options(*subcommand, arguments->access);
  subcommand->callback(
      [arguments, &action] { action = [arguments = *arguments] { return confirm(arguments); }; });
}

}  // namespace tocsin
