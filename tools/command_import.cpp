// `tocsin import`: bulk-loads files into a database that no server has open.
#include <algorithm>
#include <chrono>
#include <memory>
#include <thread>

#include <fmt/format.h>

#include "db/base/text.h"
#include "tools/allocator.h"
#include "tools/command.h"
#include "tools/import/import.h"
#include "tools/import/progress_line.h"
#include "tools/query_arguments.h"
#include "tools/terminal/text.h"
#include "tools/wiring.h"

namespace tocsin {
namespace {

constexpr const char* kImportFooter = R"(Examples:
  tocsin import --db tocsin-data logs
  tocsin import --db tocsin-data --measurement audit --tags service,host old/audit-*.jsonl
  tocsin generate --days 1 --format lp | tocsin import --db tocsin-data -
  tocsin import --db tocsin-data --measurement orders --time created_at orders.csv
  tocsin import --db tocsin-data --time Datum --time-layout "%d.%m.%Y %H:%M" --time-zone Europe/Berlin a.csv
  tocsin export --db old-data --format json --typed | tocsin import --db new-data -

Rows of JSON and CSV without a "measurement" go to --measurement or, by default, to a measurement named
after the directory of the file. The first line of a CSV file holds the column names. Output of
`tocsin export --typed` is restored losslessly. For a directory, all files below it that end in json, jsonl,
ndjson, log, txt, lp or csv are read. Rejected lines are counted and kept in the measurement `rejected`.)";

struct ImportArguments {
  std::string database;
  std::string config;
  ImportOptions import;
  TimeSettings time;
};

std::string summary(const std::string& database, const ImportProgress& done, double seconds) {
  std::string text = fmt::format(
      "imported {} events ({:.0f} MB) in {:.1f} s: {} events/s, {} rejected", grouped(done.events),
      static_cast<double>(done.bytes_done) / 1e6, seconds,
      grouped(static_cast<uint64_t>(static_cast<double>(done.events) / std::max(seconds, 1e-3))),
      grouped(done.rejected));
  for (const auto& [measurement, count] : done.events_by_measurement) {
    text += fmt::format("\n  {}: {}", measurement, grouped(count));
  }
  for (const std::string& example : done.rejected_examples) text += "\n  rejected: " + example;
  if (done.rejected > done.rejected_examples.size()) {
    text += fmt::format("\n  to see all of them: tocsin query --db {} 'from rejected | sort -time'",
                        database);
  }
  for (const LineWarning kind : kLineWarnings) {
    const LineWarnings::Entry& entry = done.warnings[kind];
    if (entry.count == 0) continue;
    text += "\n  warning: " + escape_controls(warning_text(kind, entry));
    const bool no_key = kind == LineWarning::kNoTime || kind == LineWarning::kTimeKeyMissing;
    if (no_key) text += "; name the right key with --time";
  }
  return text;
}

Status import_logs(ImportArguments arguments) {
  auto time = read_time_options(std::move(arguments.time));
  if (!time) return tl::unexpected<Error>(time.error());
  arguments.import.time = *std::move(time);
  keep_freed_memory();  // segments and chunks are allocated and freed by the megabyte
  TOCSIN_TRY(const Settings settings, load_settings(arguments.config));
  DatabaseOptions opening = database_options(settings);
  opening.pending_bytes_max = import_database_options().pending_bytes_max;
  auto database = Database::open(arguments.database, opening);
  if (!database && database.error().code == ErrorCode::kConflict) {
    return fail(database.error().code, database.error().message +
                                           "\nStop the server, or send it the lines: "
                                           "curl --data-binary @FILE http://127.0.0.1:8086/write");
  }
  if (!database) return tl::unexpected<Error>(database.error());
  arguments.import.stop = &stop_on_signals();
  const auto begun = std::chrono::steady_clock::now();
  const auto elapsed = [&] {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
  };
  ProgressDisplay display;
  TOCSIN_TRY(const ImportProgress done,
             import_files(**database, arguments.import, [&](const ImportProgress& progress) {
               display.show(progress, elapsed());
             }));
  display.finish(done, elapsed());
  fmt::print("{}\n", summary(arguments.database, done, elapsed()));
  if (arguments.import.stop->load())
    return fail(ErrorCode::kCancelled, "the import was stopped before the end");
  if (done.events == 0 && done.rejected > 0) {
    return fail(ErrorCode::kInvalid, "every line was rejected; check --format");
  }
  return {};
}

}  // namespace

void add_import_command(CLI::App& app, Action& action) {
  auto arguments = std::make_shared<ImportArguments>();  // shared by the callbacks
  CLI::App* command = app.add_subcommand("import", "Bulk-load files into a database");
  command->footer(kImportFooter);
  ImportOptions& import = arguments->import;
  import.parser_count = std::max(2U, std::thread::hardware_concurrency());
  command->add_option("--db", arguments->database, "Database directory; created if missing")
      ->required();
  command
      ->add_option(
          "--format", import.reader.format,
          "json (one object per line), lp (line protocol), csv, or auto (detect it for each file)")
      ->check(CLI::IsMember({"auto", "json", "lp", "csv"}))
      ->capture_default_str();
  command->add_option("--measurement", import.reader.measurement,
                      "Measurement of JSON and CSV rows that name none");
  command
      ->add_option("--tags", import.tags,
                   "Keys of JSON and CSV to store as tags, for example service,host")
      ->delimiter(',')
      ->allow_extra_args(false);  // or it would also take FILE
  command
      ->add_option("--time", arguments->time.keys,
                   "Keys of JSON and CSV that may hold the time; the first valid one is used")
      ->delimiter(',')
      ->allow_extra_args(false);  // or it would also take FILE
  command->add_option("--time-layout", arguments->time.layout,
                      "How JSON and CSV write it: auto, s, ms, us, ns, or a pattern like "
                      "\"%d.%m.%Y %H:%M:%S\"");
  command->add_option("--time-zone", arguments->time.zone,
                      "Time zone of JSON and CSV times that have none, like Europe/Berlin [UTC]");
  add_config_option(*command, arguments->config);
  command->add_flag("--restore", import.restore,
                    "Accept rows of alerts, deliveries and rejected, which are otherwise refused");
  command->add_option("FILE", import.paths, "Files, directories, or - for standard input")
      ->required();
  command->callback([arguments, &action] {
    action = [arguments = *arguments] { return import_logs(arguments); };
  });
}

}  // namespace tocsin
