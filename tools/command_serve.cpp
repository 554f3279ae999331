// `tocsin serve`: ingests events, answers queries, evaluates rules, delivers alerts.
#include <cstdio>
#include <memory>
#include <optional>

#include <fmt/format.h>

#include "db/base/log.h"
#include "db/database.h"
#include "net/deliver/deliver.h"
#include "net/server.h"
#include "query/query.h"
#include "rules/engine.h"
#include "tools/command.h"
#include "tools/serve/rule_service.h"
#include "tools/serve/settings_reload.h"
#include "tools/version.h"
#include "tools/wiring.h"

namespace tocsin {
namespace {

constexpr const char* kServeFooter = R"(Examples:
  tocsin serve
  tocsin serve --config tocsin.yml
  tocsin serve --db /var/lib/tocsin --tcp off --http 127.0.0.1:9090
  tocsin serve --insecure --http '*:8086'

Without a configuration file, the database is ./tocsin-data, line protocol and JSON lines are accepted on
127.0.0.1:8094, HTTP (with a web page) on 127.0.0.1:8086, and the shipped rules are evaluated. Rule files
are reloaded when they change. SIGHUP also reads the configuration file again; what needs a restart is logged.
SIGTERM commits everything received and stops the server.

Beyond loopback, requests need a token (`tocsin token --help`), unless --insecure lets in everybody in the network. The
setting `listen.allow` restricts it to some addresses, and `listen.allowed_hosts` names the hosts in its URLs.)";

struct ServeArguments {
  std::string config;
  std::optional<std::string> database, tcp, http;  ///< the addresses as in `listen.tcp`
  bool insecure = false;
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
  if (arguments.tcp) {
    TOCSIN_TRY(settings.listen.tcp, parse_listen_address(*arguments.tcp));
  }
  if (arguments.http) {
    TOCSIN_TRY(settings.listen.http, parse_listen_address(*arguments.http));
  }
  if (arguments.insecure) settings.listen.insecure = true;
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
    line += fmt::format(", {}://{}:{}/", settings.listen.tls.certificate.empty() ? "http" : "https",
                        host_of(settings.listen.http), server.http_port());
  }
  if (server.syslog_udp_port() != 0) {
    line += fmt::format(", syslog udp {}:{}", host_of(settings.listen.syslog_udp),
                        server.syslog_udp_port());
  }
  if (server.syslog_tcp_port() != 0) {
    line += fmt::format(", syslog tcp {}:{}", host_of(settings.listen.syslog_tcp),
                        server.syslog_tcp_port());
  }
  fmt::print("{}, database {}, {} {}\n", line, settings.store.directory, rule_count,
             rule_count == 1 ? "rule" : "rules");
  std::fflush(stdout);
}

Status serve(const ServeArguments& arguments) {
  TOCSIN_TRY(const Settings settings, settings_of(arguments));
  set_log_sink(&log_to_stderr);
  const SystemClock clock;
  // Everything that can be wrong is checked before the database is made.
  TOCSIN_TRY(RuleEngineOptions engine_options, rule_engine_options(settings, clock.now()));
  TOCSIN_RETURN_IF_ERROR(read_rule_files(settings.rules));
  for (const std::string& warning : settings.warnings) log(LogLevel::kWarning, warning);
  ServerOptions options = server_options(settings);
  TOCSIN_RETURN_IF_ERROR(check_forwarders(options.forwarders));
  TOCSIN_TRY(ServerPorts ports, ServerPorts::open(options));
  TOCSIN_TRY(const std::unique_ptr<Database> database,
             Database::open(settings.store.directory, database_options(settings)));
  const QueryEngine queries(*database);

  // Created after the rule engine, which evaluates nothing before rules.start().
  std::unique_ptr<Server> server;
  options.query_zone = engine_options.zone;
  engine_options.caught_up = [&server] { return server->tail_caught_up(); };
  // Loading rules can put alerts into the outbox before the server exists; it reads the outbox when
  // it starts.
  engine_options.outbox_changed = [&server] {
    if (server) server->outbox_changed();
  };
  log(LogLevel::kInfo, fmt::format("time zone of rules and queries: {} (rules.time_zone)",
                                   engine_options.zone.name()));
  RuleEngine engine(*database, queries, clock, std::move(engine_options));
  RuleService rules(engine, *database, clock, settings.rules);
  TOCSIN_TRY(const std::string loaded, rules.reload());
  log(LogLevel::kInfo, loaded);

  options.commit = kBuildCommit;
  SettingsReload reload([arguments] { return settings_of(arguments); }, settings, rules, *database,
                        clock);
  options.reload = [&reload, &server] { return reload.run(*server); };
  TOCSIN_TRY(server,
             Server::create(*database, queries, &engine, std::move(options), std::move(ports)));
  print_ready(settings, *server, rules.rule_count());
  rules.start();
  Status status = server->run();
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
  command->add_option(
      "--tcp", arguments->tcp,
      "HOST:PORT for line protocol and JSON lines; port 0 picks a free port; or off");
  command->add_option("--http", arguments->http,
                      "HOST:PORT for HTTP; port 0 picks a free port; or off");
  command->add_flag("--insecure", arguments->insecure,
                    "Allow addresses beyond loopback, where anyone can read and write everything");
  command->callback([arguments, &action] {
    if (arguments->tcp) value_of(parse_listen_address(*arguments->tcp), "--tcp");
    if (arguments->http) value_of(parse_listen_address(*arguments->http), "--http");
    action = [arguments = *arguments] { return serve(arguments); };
  });
}

}  // namespace tocsin
