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

The format is detected for each file: JSON lines, JSON arrays (also inside an object, as {"Records": [...]}), line
protocol, CSV (also with tabs or semicolons), logfmt, logs of Kubernetes (CRI) and Docker, access logs of web servers,
or a plain text log, whose events become the column "message", each with its stack trace. gzip, zstd
and UTF-16 are unpacked. What cannot be read is named, with what to do. For a directory, all files below it that end
in json, jsonl, ndjson, log, txt, text, lp, ilp, csv or tsv are read, also rotated and compressed ones; the others are
named.

Rows that name no measurement go to --measurement or, by default, to a measurement named after the directory of the
file. A file in which no row has a time is refused, unless you accept the current time: --time now. Output of
`tocsin export --typed` is restored losslessly. Rejected lines are counted and kept in the measurement `rejected`.)";

struct ImportArguments {
  std::string database;
  std::string config;
  ImportOptions import;
  TimeSettings time;
  EventSettings events;
};

std::string summary(const std::string& database, const ImportProgress& done, double seconds) {
  std::string text = fmt::format(
      "imported {} event{} ({:.{}f} MB) in {:.1f} s: {} events/s, {} rejected",
      grouped(done.events), done.events == 1 ? "" : "s", static_cast<double>(done.bytes_done) / 1e6,
      done.bytes_done < 10'000'000 ? 1 : 0, seconds,
      grouped(static_cast<uint64_t>(static_cast<double>(done.events) / std::max(seconds, 1e-3))),
      grouped(done.rejected));
  for (const auto& [measurement, count] : done.events_by_measurement) {
    text += fmt::format("\n  {}: {}", measurement, grouped(count));
  }
  for (const FileWithoutRows& file : done.files_without_rows) {
    text += fmt::format("\n  {}: nothing was stored, because {}", file.path,
                        file.rejected > 0
                            ? fmt::format("all {} lines were rejected", grouped(file.rejected))
                            : "it has only blank lines, comments or a header");
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
  ImportOptions& options = arguments.import;
  options.time_now = std::erase(arguments.time.keys, "now") > 0;
  TOCSIN_TRY(options.time, read_time_options(std::move(arguments.time)));
  TOCSIN_TRY(options.reader.events, read_event_settings(arguments.events, options.reader.format));
  keep_freed_memory();  // segments and chunks are allocated and freed by the megabyte
  TOCSIN_TRY(const Settings settings, load_settings(arguments.config));
  TOCSIN_TRY(ImportPlan plan, plan_import(options));
  for (const std::string& note : plan.notes) {
    fmt::print(stderr, "{}\n", escape_controls(note));
  }
  DatabaseOptions opening = database_options(settings);
  opening.pending_bytes_max = import_database_options().pending_bytes_max;
  auto database = Database::open(arguments.database, opening);
  if (!database && database.error().code == ErrorCode::kConflict) {
    return fail(database.error().code, database.error().message +
                                           "\nStop the server, or send it the lines: "
                                           "curl --data-binary @FILE http://127.0.0.1:8086/write");
  }
  if (!database) return tl::unexpected<Error>(database.error());
  options.stop = &stop_on_signals();
  const auto begun = std::chrono::steady_clock::now();
  const auto elapsed = [&] {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
  };
  ProgressDisplay display;
  TOCSIN_TRY(const ImportProgress done, import_files(**database, std::move(plan), options,
                                                     [&](const ImportProgress& progress) {
                                                       display.show(progress, elapsed());
                                                     }));
  display.finish(done, elapsed());
  fmt::print("{}\n", summary(arguments.database, done, elapsed()));
  if (options.stop->load())
    return fail(ErrorCode::kCancelled, "the import was stopped before the end");
  const bool failed = std::ranges::any_of(
      done.files_without_rows,
      [&](const FileWithoutRows& file) { return file.rejected > 0 || done.events == 0; });
  if (failed) return fail(ErrorCode::kInvalid, "of some input nothing was stored; check --format");
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
  std::vector<std::string> formats = line_format_names();
  formats.emplace_back("csv");
  command
      ->add_option("--format", import.reader.format,
                   "json (objects or arrays), lp (line protocol), csv, logfmt, cri (Kubernetes), "
                   "docker, access (web servers), regex (see --pattern), text, or auto (detect it "
                   "for each file)")
      ->check(CLI::IsMember(formats))
      ->capture_default_str();
  command->add_option("--pattern", arguments->events.pattern,
                      "For regex: an expression (RE2) whose named groups are the columns, such as "
                      "\"^(?P<time>\\S+) (?P<level>\\w+) (?P<message>.*)\"");
  command->add_option("--multiline", arguments->events.start,
                      "An expression (RE2) that is found in the first line of each event: other "
                      "lines, as those of stack traces, belong to the event before them");
  command->add_flag("!--no-multiline", arguments->events.multi_line,
                    "Each line is an event. By default, lines of text without a time belong to the "
                    "event before them if the first lines have their times at one place");
  command->add_option("--measurement", import.reader.measurement,
                      "Measurement of JSON and CSV rows that name none");
  command
      ->add_option("--tags", import.tags,
                   "Keys of JSON and CSV to store as tags, for example service,host")
      ->delimiter(',')
      ->allow_extra_args(false);  // or it would also take FILE
  command
      ->add_option_function<std::vector<std::string>>(
          "--tag",
          [arguments](const std::vector<std::string>& pairs) {
            for (const std::string& pair : pairs) {
              const size_t equals = pair.find('=');
              if (equals == 0 || equals == pair.npos) {
                throw CLI::ValidationError("--tag", "expected NAME=VALUE, found `" + pair + "`");
              }
              arguments->import.static_tags.emplace_back(pair.substr(0, equals),
                                                         pair.substr(equals + 1));
            }
          },
          "NAME=VALUE: a tag of all rows, except those of line protocol and CSV; may be repeated")
      ->allow_extra_args(false);  // or it would also take FILE
  command
      ->add_option("--time", arguments->time.keys,
                   "Keys of JSON and CSV that may hold the time; the first valid one is used. "
                   "`now`: files without any time may be imported, at the current time")
      ->delimiter(',')
      ->allow_extra_args(false);  // or it would also take FILE
  command->add_option("--time-layout", arguments->time.layout,
                      "How JSON and CSV write it: auto, s, ms, us, ns, or a pattern like "
                      "\"%d.%m.%Y %H:%M:%S\"");
  command->add_option("--time-zone", arguments->time.zone,
                      "Time zone of JSON and CSV times that have none, like Europe/Berlin [UTC]");
  command->add_flag("!--no-header", import.reader.csv_header,
                    "The first line of CSV is data: columns are called column1, column2, and the "
                    "first one with times is `time`");
  add_config_option(*command, arguments->config);
  command->add_flag(
      "--restore", import.restore,
      "Accept rows of alerts, deliveries, event_lag and rejected, which are otherwise refused");
  command->add_option("FILE", import.paths, "Files, directories, or - for standard input")
      ->required();
  command->callback([arguments, &action] {
    action = [arguments = *arguments] { return import_logs(arguments); };
  });
}

}  // namespace tocsin
