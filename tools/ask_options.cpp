// What `tocsin query` and `tocsin shell` take alike.
#include "db/base/time.h"
#include "tools/command.h"

namespace tocsin {

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

}  // namespace tocsin
