// `tocsin serve`: ingests events, answers queries, evaluates rules, delivers alerts.
#include <cstdio>
#include <memory>
#include <optional>

#include <fmt/format.h>

#include "db/base/log.h"
#include "db/database.h"
#include "net/server.h"
#include "query/query.h"
#include "rules/engine.h"
#include "tools/command.h"
#include "tools/serve/rule_service.h"
#include "tools/wiring.h"

namespace tocsin {
namespace {

constexpr const char* kServeFooter = R"(Examples:
  tocsin serve
  tocsin serve --config tocsin.yml
  tocsin serve --db /var/lib/tocsin --tcp 0.0.0.0:8094 --http 127.0.0.1:9090

Without a configuration file, the database is ./tocsin-data, line protocol and JSON lines are accepted on
127.0.0.1:8094, HTTP (with a web page) on 127.0.0.1:8086, and the shipped rules are evaluated. Rule files
are reloaded when they change, and on SIGHUP. SIGTERM commits everything received and stops the server.)";

struct ServeArguments {
  std::string config;
  std::optional<std::string> database, tcp, http;
};

void log_to_stderr(LogLevel level, const std::string& line) {
  static constexpr const char* kNames[] = {"debug", "info", "warning", "error"};
  if (level == LogLevel::kDebug) return;
  fmt::print(stderr, "{} {}: {}\n",
             format_time_short(SystemClock().now() / kMillisecond * kMillisecond),
             kNames[static_cast<size_t>(level)], line);
}

Result<Settings> settings_of(const ServeArguments& arguments) {
  TOCSIN_TRY(Settings settings, load_settings(arguments.config));
  if (arguments.database) settings.store.directory = *arguments.database;
  if (arguments.tcp) settings.listen.tcp = *arguments.tcp;
  if (arguments.http) settings.listen.http = *arguments.http;
  return settings;
}

std::string host_of(const std::string& address) { return address.substr(0, address.rfind(':')); }

/// Prints the only line on standard output: the addresses of the server.
void print_ready(const Settings& settings, const Server& server, size_t rule_count) {
  std::string line = fmt::format("tocsin {} is ready", TOCSIN_VERSION);
  if (server.tcp_port() != 0) {
    line += fmt::format(": tcp {}:{}", host_of(settings.listen.tcp), server.tcp_port());
  }
  if (server.http_port() != 0) {
    line += fmt::format(", http://{}:{}/", host_of(settings.listen.http), server.http_port());
  }
  fmt::print("{}, database {}, {} {}\n", line, settings.store.directory, rule_count,
             rule_count == 1 ? "rule" : "rules");
  std::fflush(stdout);
}

Status serve(const ServeArguments& arguments) {
  TOCSIN_TRY(const Settings settings, settings_of(arguments));
  set_log_sink(&log_to_stderr);
  const SystemClock clock;
  TOCSIN_TRY(const std::unique_ptr<Database> database,
             Database::open(settings.store.directory, database_options(settings)));
  const QueryEngine queries(*database);

  // Created after the rule engine, which evaluates nothing before rules.start().
  std::unique_ptr<Server> server;
  TOCSIN_TRY(RuleEngineOptions engine_options, rule_engine_options(settings, clock.now()));
  const TimeZone zone = engine_options.zone;
  engine_options.caught_up = [&server] { return server->tail_caught_up(); };
  // Loading rules can put alerts into the outbox before the server exists; it reads the outbox when
  // it starts.
  engine_options.outbox_changed = [&server] {
    if (server) server->outbox_changed();
  };
  RuleEngine engine(*database, queries, clock, std::move(engine_options));
  RuleService rules(engine, *database, clock, settings.rules.files);
  TOCSIN_TRY(const std::string loaded, rules.reload());
  log(LogLevel::kInfo, loaded);

  ServerOptions options = server_options(settings);
  options.query_zone = zone;
  options.reload = [&rules] { return rules.reload(); };
  TOCSIN_TRY(server, Server::create(*database, queries, &engine, std::move(options)));
  print_ready(settings, *server, rules.rule_count());
  rules.start();
  const Status status = server->run();
  rules.stop();
  return status;
}

}  // namespace

void add_serve_command(CLI::App& app, Action& action) {
  auto arguments = std::make_shared<ServeArguments>();  // shared by the callbacks
  CLI::App* command =
      app.add_subcommand("serve", "Run the server: ingest events, evaluate rules, answer queries");
  command->footer(kServeFooter);
  command->add_option("--config", arguments->config, "Configuration file, like config/tocsin.yml")
      ->check(CLI::ExistingFile);
  command->add_option("--db", arguments->database, "Database directory; created if missing");
  command->add_option("--tcp", arguments->tcp,
                      "HOST:PORT for line protocol and JSON lines; port 0 picks a free port");
  command->add_option("--http", arguments->http, "HOST:PORT for HTTP; port 0 picks a free port");
  command->callback(
      [arguments, &action] { action = [arguments = *arguments] { return serve(arguments); }; });
}

}  // namespace tocsin
