#include "tools/query_arguments.h"

#include <fstream>
#include <iostream>
#include <sstream>

#include "db/base/time.h"
#include "tools/command.h"

namespace tocsin {
namespace {

Result<std::string> read_all(std::istream& stream, const std::string& name) {
  std::ostringstream text;
  text << stream.rdbuf();
  if (!stream) return fail(ErrorCode::kIo, "the query cannot be read from " + name);
  return text.str();
}

}  // namespace

void add_ask_options(CLI::App& command, AskOptions& options) {
  CLI::Option_group* where = command.add_option_group("Where");
  where->add_option("--db", options.source.database, "The database's folder; opened for reading");
  where->add_option("--url", options.source.url, "A server, as in http://127.0.0.1:8086");
  where->require_option(1);
  command.add_option("--format", options.format, "How answers are written")
      ->check(CLI::IsMember({"table", "csv", "json", "ndjson", "lp"}))
      ->capture_default_str();
  command.add_option("--now", options.now, "What `now` is: an RFC 3339 time; else the clock");
  command.add_option("--zone", options.source.zone, "Time zone of dates, with --db")
      ->capture_default_str();
}

void check_ask_options(const AskOptions& options) {
  const TimeZone zone = value_of(TimeZone::load(options.source.zone), "--zone");
  if (!options.now.empty()) value_of(parse_time(options.now, zone), "--now");
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

}  // namespace tocsin
