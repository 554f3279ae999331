// `tocsin tail test`: shows the rows that a followed file would give, and stores nothing.
#include <algorithm>
#include <filesystem>
#include <memory>
#include <optional>

#include <fmt/format.h>
#include <fnmatch.h>
#include <unistd.h>

#include "config/settings.h"
#include "db/base/json.h"
#include "db/base/text.h"
#include "net/parse/container_log.h"
#include "net/parse/event_parser.h"
#include "net/parse/framer.h"
#include "net/parse/journal.h"
#include "net/parse/records.h"
#include "query/format/text_table.h"
#include "tools/command.h"
#include "tools/import/input_file.h"
#include "tools/query_arguments.h"
#include "tools/terminal/output.h"
#include "tools/wiring.h"

namespace tocsin {
namespace {

constexpr size_t kCellCharactersMax = 60;  // of a table's cell

struct TailTestArguments {
  std::string config;
  std::string file;
  std::optional<std::string> format;
  std::optional<std::string> pattern;
  std::optional<std::string> start;
  std::optional<std::string> measurement;
  size_t line_count = 20;
};

std::string shown_value(const Lane& lane, size_t index) {
  switch (lane.type) {
    case ColumnType::kI64: return fmt::format("{}", lane.i64[index]);
    case ColumnType::kU64: return fmt::format("{}", lane.u64[index]);
    case ColumnType::kF64: return fmt::format("{}", lane.f64[index]);
    case ColumnType::kBool: return lane.i64[index] != 0 ? "true" : "false";
    case ColumnType::kString: break;
  }
  return std::string(lane.text_of(index));
}

std::string json_lines_text(const Batch& batch, const LineErrors& errors) {
  std::string out;
  for (const RowBatch& rows : batch.measurements()) {
    for (size_t row = 0; row < rows.row_count(); ++row) out += row_as_line(rows, row) + '\n';
  }
  for (const LineError& error : errors) {
    out += fmt::format("{{\"rejected\":{},\"number\":{},\"line\":{}}}\n", json_quote(error.reason),
                       error.line, json_quote(error.text));
  }
  return out;
}

// A cell is cut, so that each row stays on one line.
std::string cell_of(std::string text) {
  if (text.size() <= kCellCharactersMax) return text;
  size_t size = kCellCharactersMax - 3;
  while (size > 0 && continues_character(text[size])) --size;
  return text.substr(0, size) + "...";
}

// One table for each measurement.
std::string table_text(const Batch& batch, const LineErrors& errors) {
  std::string out;
  for (const RowBatch& rows : batch.measurements()) {
    std::vector<std::string> names = {"time", "measurement"};
    std::vector<std::vector<std::string>> lines;
    for (const Timestamp time : rows.times())
      lines.push_back({format_time_short(time), cell_of(std::string(rows.measurement()))});
    for (const Lane& lane : rows.lanes()) {
      names.emplace_back(lane.name);
      for (std::vector<std::string>& line : lines) line.emplace_back();
      for (size_t i = 0; i < lane.rows.size(); ++i)
        lines[lane.rows[i]].back() = cell_of(shown_value(lane, i));
    }
    TextTable table(names);
    for (const std::vector<std::string>& line : lines) table.add(line);
    out += table.text();
  }
  for (const LineError& error : errors) {
    out += fmt::format("line {} is rejected: {}\n  {}\n", error.line, error.reason,
                       cell_of(std::string(error.text)));
  }
  return out;
}

bool is_covered(const TailOptions& tail, const std::string& path) {
  const auto matches = [&](const std::string& glob, bool whole) {
    const bool is_name = !whole && glob.find('/') == glob.npos;
    const std::string text = is_name ? std::filesystem::path(path).filename().string() : path;
    const std::string pattern =
        is_name ? glob : std::filesystem::absolute(glob).lexically_normal().string();
    return fnmatch(pattern.c_str(), text.c_str(), FNM_PATHNAME) == 0;
  };
  return std::any_of(tail.paths.begin(), tail.paths.end(),
                     [&](const std::string& glob) { return matches(glob, true); }) &&
         std::none_of(tail.exclude.begin(), tail.exclude.end(),
                      [&](const std::string& glob) { return matches(glob, false); });
}

Result<TailOptions> options_for(const TailTestArguments& arguments, const std::string& path) {
  TailOptions options;
  if (!arguments.config.empty()) {
    TOCSIN_TRY(const Settings settings, load_settings(arguments.config));
    bool found = false;
    for (const TailSettings& tail : settings.tail) {
      options = tail_options(tail);
      found = is_covered(options, path);
      if (found) break;
    }
    if (!found) {
      return fail(ErrorCode::kNotFound,
                  fmt::format("no entry of `tail` in {} covers {}", arguments.config, path));
    }
  }
  if (arguments.format) options.format = *arguments.format;
  if (arguments.pattern) options.events.pattern = *arguments.pattern;
  if (arguments.start) options.events.start = *arguments.start;
  if (arguments.measurement) options.measurement = *arguments.measurement;
  return options;
}

std::string usual_measurement_of(const std::string& path) {
  if (!container_tags(path).empty()) return std::string(kUsualMeasurement);
  return std::filesystem::path(path).parent_path().filename().string();
}

// The first lines, or all that were read.
std::string_view first_lines(std::string_view text, size_t count) {
  size_t end = 0;
  for (size_t n = 0; n < count && end < text.size(); ++n) {
    end = std::min(text.find('\n', end), text.size() - 1) + 1;
  }
  return text.substr(0, end);
}

Status test_tail(const TailTestArguments& arguments) {
  const std::string path = std::filesystem::absolute(arguments.file).lexically_normal().string();
  TOCSIN_TRY(const TailOptions tail, options_for(arguments, path));
  TOCSIN_TRY(const EventRules rules, read_event_settings(tail.events, tail.format));
  TOCSIN_TRY(const auto file, InputFile::open(path));
  const std::string start(without_byte_order_mark(file->start()));
  ParseOptions options;
  options.now = SystemClock().now();
  options.time_unit = 0;
  options.measurement = tail.measurement.empty() ? usual_measurement_of(path) : tail.measurement;
  options.tags = tail.tags;
  TOCSIN_TRY(options.time, read_time_options(tail.time));
  const bool named = tail.format != "auto";
  FormatGuess guess = guess_format(start, tail.format, path, options);
  if (guess.format == InputFormat::kCsv) {
    guess.other_lines = InputFormat::kText;
    guess.note = "it looks like CSV, which cannot be followed: each line is stored as text";
  }
  const EventFormat format = event_format_of(guess, named, rules);
  options.static_tags = with_container_tags(format.lines, path, tail.static_tags);

  Batch batch(ConflictPolicy::kKeepInRest);
  LineErrors errors;
  std::optional<Timestamp> text_time;
  const std::string_view lines = first_lines(start, arguments.line_count);
  EventParser().parse(format, batch.keep(std::string(lines)), options, text_time, batch, errors);

  const InputFormat shown = guess.format == InputFormat::kJson ? guess.format : format.lines;
  print_message(stderr, fmt::format("{}: format {}{}{}\n", arguments.file, name_of(shown),
                                    named ? "" : " (recognised)",
                                    format.multi_line ? ", events of several lines" : ""));
  if (!guess.note.empty()) print_message(stderr, fmt::format("{}\n", guess.note));
  for (const LineWarning kind : kLineWarnings) {
    const auto& entry = errors.warnings()[kind];
    if (entry.count > 0) print_message(stderr, "warning: " + warning_text(kind, entry) + "\n");
  }
  const std::string text =
      isatty(STDOUT_FILENO) != 0 ? table_text(batch, errors) : json_lines_text(batch, errors);
  fmt::print("{}", data_for(STDOUT_FILENO, text));
  if (errors.count() > 0) {
    return fail(ErrorCode::kInvalid,
                fmt::format("{} of the first lines would be rejected", errors.count()));
  }
  if (batch.row_count() == 0) return fail(ErrorCode::kInvalid, "the first lines have no event");
  return {};
}

}  // namespace

void add_tail_command(CLI::App& app, Action& action) {
  CLI::App* command = app.add_subcommand("tail", "Try out the settings of followed files");
  command->require_subcommand(1);
  CLI::App* test = command->add_subcommand(
      "test", "Show the rows that the first lines of a file would give; nothing is stored");
  test->footer(
      "With --config, the settings are those of the entry of `tail` that covers the file. Exit\n"
      "code 1: a line would be rejected, or there is no row.\n\n"
      "Examples:\n"
      "  tocsin tail test --config tocsin.yml /var/log/nginx/access.log\n"
      "  tocsin tail test --format regex --pattern '^(?P<time>\\S+) (?P<message>.*)' app.log");
  auto arguments = std::make_shared<TailTestArguments>();
  add_config_option(*test, arguments->config);
  test->add_option("--format", arguments->format, "As `format` of the settings")
      ->check(CLI::IsMember(line_format_names()));
  test->add_option("--pattern", arguments->pattern, "As `pattern` of the settings");
  test->add_option("--multiline", arguments->start, "As `multiline.start` of the settings");
  test->add_option("--measurement", arguments->measurement, "As `measurement` of the settings");
  test->add_option("--lines", arguments->line_count, "How many lines are read")
      ->capture_default_str();
  test->add_option("FILE", arguments->file, "The log file")->required();
  test->callback(
      [arguments, &action] { action = [arguments = *arguments] { return test_tail(arguments); }; });
}

}  // namespace tocsin
