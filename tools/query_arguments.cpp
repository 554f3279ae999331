#include "tools/query_arguments.h"

#include <array>
#include <cerrno>
#include <cstdio>
#include <memory>

#include "db/base/system_error.h"
#include "db/base/time.h"
#include "tools/command.h"
#include "tools/wiring.h"

namespace tocsin {
namespace {

Result<std::string> read_all(std::FILE* file, const std::string& name) {
  std::string text;
  std::array<char, 4096> piece{};
  size_t count = 0;
  while (file != nullptr && (count = std::fread(piece.data(), 1, piece.size(), file)) > 0) {
    text.append(piece.data(), count);
  }
  if (file != nullptr && std::ferror(file) == 0) return text;
  return system_error("cannot read the query from", name, errno);
}

}  // namespace

void add_access_options(CLI::App& command, ServerAccess& access) {
  CLI::Option_group* group = command.add_option_group("Access", "Access to a server");
  group
      ->add_option("--token", access.token,
                   "Token for --url; the variable keeps it out of the list of processes")
      ->envname("TOCSIN_TOKEN");
  group->add_option("--ca-file", access.ca_file,
                    "PEM file: who may sign the server's certificate [the system's list]");
  CLI::Option* certificate = group->add_option("--certificate", access.certificate,
                                               "PEM file: certificate of this client");
  group->add_option("--key", access.key, "PEM file: key of --certificate")->needs(certificate);
}

void add_source_options(CLI::App& command, QuerySourceOptions& options) {
  CLI::Option_group* where = command.add_option_group("Source");
  where->add_option("--db", options.database, "Database directory");
  where->add_option("--url", options.url, "URL of a server, for example http://127.0.0.1:8086");
  where->require_option(1);
  add_access_options(command, options.access);
}

void add_ask_options(CLI::App& command, AskOptions& options) {
  add_source_options(command, options.source);
  command.add_option("--format", options.format, "Output format")
      ->check(CLI::IsMember({"table", "csv", "json", "ndjson", "lp"}))
      ->capture_default_str();
  command.add_flag("--safe", options.safe, kSafeHelp);
  command.add_option("--now", options.now, "Time to use as `now`, in RFC 3339 [the current time]");
  command.add_option("--zone", options.source.zone,
                     "Time zone of dates and times [that of --config or of the server, or UTC]");
  add_config_option(command, options.config);
}

void check_safe(const std::string& format) {
  if (format != "csv") throw CLI::ValidationError("--safe", "is for --format csv");
}

void add_config_option(CLI::App& command, std::string& path) {
  CLI::Option* option =
      command.add_option("--config", path, "Configuration file whose settings apply; with --db");
  option->check(CLI::ExistingFile);
  if (CLI::Option* url = command.get_option_no_throw("--url")) option->excludes(url);
}

void check_zone_and_now(const std::string& zone, const std::string& now) {
  const TimeZone known = zone.empty() ? TimeZone() : value_of(TimeZone::load(zone), "--zone");
  if (!now.empty()) value_of(parse_time(now, known), "--now");
}

void check_ask_options(const AskOptions& options) {
  if (options.safe) check_safe(options.format);
  check_zone_and_now(options.source.zone, options.now);
}

Result<QuerySourceOptions> source_of(const AskOptions& options) {
  QuerySourceOptions source = options.source;
  if (options.config.empty()) return source;
  TOCSIN_TRY(const Settings settings, load_settings(options.config));
  if (source.zone.empty()) source.zone = settings.rules.time_zone;
  source.timeout = settings.listen.query_timeout;
  return source;
}

Result<std::string> query_text(const std::string& argument) {
  if (argument == "-") return read_all(stdin, "standard input");
  if (argument.empty() || argument.front() != '@') return argument;
  const std::string path = argument.substr(1);
  const std::unique_ptr<std::FILE, decltype(&std::fclose)> file(std::fopen(path.c_str(), "re"),
                                                                &std::fclose);
  return read_all(file.get(), path);
}

std::vector<std::pair<std::string, std::string>> split_parameters(
    const std::vector<std::string>& parameters) {
  std::vector<std::pair<std::string, std::string>> pairs;
  for (const std::string& parameter : parameters) {
    const size_t equals = parameter.find('=');
    if (equals == std::string::npos || equals == 0) {
      throw CLI::ValidationError("--param", "\"" + parameter + "\" is not of the form NAME=VALUE");
    }
    pairs.emplace_back(parameter.substr(0, equals), parameter.substr(equals + 1));
  }
  return pairs;
}

}  // namespace tocsin
