// `tocsin token`: creates, lists and revokes the tokens with which clients use a server.
#include <algorithm>
#include <memory>

#include <fmt/format.h>
#include <unistd.h>

#include "db/database.h"
#include "net/access/token.h"
#include "tools/client/remote_tokens.h"
#include "tools/command.h"
#include "tools/query_arguments.h"
#include "tools/terminal/output.h"

namespace tocsin {
namespace {

constexpr const char* kTokenFooter = R"(Examples:
  tocsin token create root --scope admin --url http://127.0.0.1:8086
  export TOCSIN_TOKEN=tocsin_...
  tocsin token create telegraf --scope write --expires 90d --url https://loghost:8086 --ca-file ca.pem
  tocsin token list --db tocsin-data
  tocsin token revoke telegraf --db tocsin-data

Scopes: read allows queries and metrics; write allows every input; admin allows everything, and reloading, retrying
and managing tokens besides. A token is shown once: the server keeps only its hash. --db needs a database that no
server has open. --url needs an admin token, but for the first token only a server on this machine.

Clients send a token as `Authorization: Bearer TOKEN` (or Token, or the password of Basic), as Influx's parameter p
on /write and /query, or in the first line to the line port: `# tocsin token=TOKEN`.)";

struct TokenArguments {
  std::string database;
  TokenServer server;
  std::string name, scopes, expires;
};

Result<std::unique_ptr<Database>> open_for_tokens(const std::string& directory, bool read_only) {
  DatabaseOptions options;
  options.create = false;
  options.read_only = read_only;
  auto database = Database::open(directory, options);
  if (!database && database.error().code == ErrorCode::kConflict) {
    return fail(ErrorCode::kConflict,
                database.error().message + "; if it is a server, name it with --url");
  }
  return database;
}

Result<std::string> create_secret(const TokenArguments& arguments) {
  if (arguments.database.empty()) {
    return create_remote_token(arguments.server, arguments.name, arguments.scopes,
                               arguments.expires);
  }
  NewToken wanted{arguments.name, {}, 0};
  TOCSIN_TRY(wanted.scopes, parse_scopes(arguments.scopes));
  if (!arguments.expires.empty()) {
    TOCSIN_TRY(wanted.lifetime, parse_duration(arguments.expires));
  }
  TOCSIN_TRY(const auto database, open_for_tokens(arguments.database, false));
  return create_token(*database, wanted, SystemClock().now());
}

// Standard output gets the token alone, so that a script can keep it.
Status create_one(const TokenArguments& arguments) {
  TOCSIN_TRY(const std::string secret, create_secret(arguments));
  fmt::print("{}\n", secret);
  if (isatty(STDOUT_FILENO) != 0) {
    print_message(stderr,
                  "Keep it: it is not shown again. Send it as `Authorization: Bearer "
                  "TOKEN`, or set TOCSIN_TOKEN for tocsin's commands.\n");
  }
  return {};
}

Result<std::vector<RemoteToken>> all_tokens(const TokenArguments& arguments) {
  if (arguments.database.empty()) return list_remote_tokens(arguments.server);
  TOCSIN_TRY(const auto database, open_for_tokens(arguments.database, true));
  TOCSIN_TRY(const std::vector<Token> tokens, list_tokens(*database));
  std::vector<RemoteToken> out;
  for (const Token& token : tokens) {
    out.push_back({token.name, scopes_text(token.scopes), format_time(token.created),
                   token.expires == 0 ? "" : format_time(token.expires),
                   token.is_expired(SystemClock().now())});
  }
  return out;
}

Status list_all(const TokenArguments& arguments) {
  TOCSIN_TRY(const std::vector<RemoteToken> tokens, all_tokens(arguments));
  if (tokens.empty()) print_message(stderr, "there are no tokens\n");
  size_t width = 4;
  for (const RemoteToken& token : tokens) width = std::max(width, token.name.size());
  if (!tokens.empty()) fmt::print("{:<{}}  scopes            created     expires\n", "name", width);
  for (const RemoteToken& token : tokens) {
    const auto day = [](const std::string& time) { return time.substr(0, time.find('T')); };
    print_message(stdout, fmt::format("{:<{}}  {:<16}  {:<10}  {}{}\n", token.name, width,
                                      token.scopes, day(token.created),
                                      token.expires.empty() ? "never" : day(token.expires),
                                      token.expired ? " (expired)" : ""));
  }
  return {};
}

Status revoke_one(const TokenArguments& arguments) {
  if (arguments.database.empty()) return revoke_remote_token(arguments.server, arguments.name);
  TOCSIN_TRY(const auto database, open_for_tokens(arguments.database, false));
  return revoke_token(*database, arguments.name);
}

}  // namespace

void add_token_command(CLI::App& app, Action& action) {
  CLI::App* command = app.add_subcommand("token", "Create, list and revoke access tokens");
  command->footer(kTokenFooter);
  command->require_subcommand(1);
  const auto add = [&](const char* name, const char* help, auto run, bool named) {
    auto arguments = std::make_shared<TokenArguments>();  // shared by the callbacks
    CLI::App* sub = command->add_subcommand(name, help);
    sub->footer(kTokenFooter);
    CLI::Option_group* where = sub->add_option_group("Source");
    where->add_option("--db", arguments->database, "Database directory; without a server");
    where->add_option("--url", arguments->server.url,
                      "URL of a server, for example http://127.0.0.1:8086");
    where->require_option(1);
    add_access_options(*sub, arguments->server.access);
    if (named) sub->add_option("NAME", arguments->name, "Name of the token")->required();
    sub->callback([arguments, run, &action] {
      if (!arguments->scopes.empty()) value_of(parse_scopes(arguments->scopes), "--scope");
      if (!arguments->expires.empty()) {
        if (value_of(parse_duration(arguments->expires), "--expires") <= 0) {
          throw CLI::ValidationError("--expires", "expected a duration like 90d");
        }
      }
      action = [arguments = *arguments, run] { return run(arguments); };
    });
    return std::pair{sub, arguments};
  };
  const auto [create, arguments] = add("create", "Create a token and print it", &create_one, true);
  create->add_option("--scope", arguments->scopes, "read, write or admin, or several: read,write")
      ->required();
  create->add_option("--expires", arguments->expires, "How long it is valid, like 90d [for ever]");
  add("list", "Show names, scopes and times of all tokens", &list_all, false);
  add("revoke", "Delete a token: from then on it is refused", &revoke_one, true);
}

}  // namespace tocsin
