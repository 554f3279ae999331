#include "tools/shell/session.h"

#include <algorithm>

#include <fmt/format.h>

#include "db/base/ascii.h"
#include "db/base/text.h"
#include "query/base/terminal_text.h"
#include "query/complete/place.h"
#include "tools/shell/plot.h"
#include "tools/terminal/text.h"

namespace tocsin {
namespace {

constexpr size_t kRowsShownMax = 1'000;  // of a table on a terminal
constexpr std::string_view kBlanks = " \t\r\n";

std::string counted(uint64_t count, const char* thing) {
  return fmt::format("{} {}{}", grouped(count), thing, count == 1 ? "" : "s");
}

}  // namespace

struct ShellSession::Command {
  const char* name;
  const char* signature;
  const char* help;
  std::function<Status(ShellSession&, std::string_view argument)> run;
};

const std::vector<ShellSession::Command>& ShellSession::commands() {
  using S = ShellSession;
  using Text = std::string_view;
  static const std::vector<Command> kCommands = {
      {".help", ".help", "list the commands", [](S& s, Text) { return s.help(); }},
      {".tables", ".tables", "list measurements, rows and times",
       [](S& s, Text) { return s.tables(); }},
      {".schema", ".schema [MEASUREMENT]", "list columns and types",
       [](S& s, Text a) { return s.schema(a); }},
      {".format", ".format table|csv|json|ndjson|lp", "set the output format",
       [](S& s, Text a) { return s.set_format(a); }},
      {".plot", ".plot [QUERY]", "draw a result, or the last one",
       [](S& s, Text a) { return s.draw(a); }},
      {".timing", ".timing on|off", "show what each query read",
       [](S& s, Text a) { return s.set_timing(a); }},
      {".now", ".now [TIME]", "set the time of `now` [the clock]",
       [](S& s, Text a) { return s.set_now(a); }},
      {".param", ".param [NAME=VALUE]", "set $NAME, unset it (NAME=), or list",
       [](S& s, Text a) { return s.set_parameter(a); }},
      {".quit", ".quit", "quit, as does Ctrl-D",
       [](S& s, Text) {
         s.finished_ = true;
         return Status();
       }},
  };
  return kCommands;
}

ShellSession::ShellSession(QuerySource& source, SessionOptions options, std::ostream& out,
                           std::ostream& errors)
    : source_(source), options_(std::move(options)), out_(out), errors_(errors) {}

bool ShellSession::run(const std::string& text) {
  const std::string_view content = trimmed(text);
  if (content.empty()) return true;
  if (content.front() == '.') return command(content);
  if (content == "help" || content == "quit" || content == "exit") {
    return command("." + std::string(content));
  }
  if (content.front() == '|' && !last_query_.empty()) return query(last_query_ + "\n" + text);
  return query(text);
}

bool ShellSession::command(std::string_view line) {
  const size_t end = std::min(line.find_first_of(kBlanks), line.size());
  const std::string_view name = line.substr(0, end);
  std::vector<std::string> names;
  for (const Command& each : commands()) {
    names.emplace_back(each.name);
    if (name != each.name && !(name == ".exit" && each.name == std::string_view(".quit"))) continue;
    const Status status = each.run(*this, trimmed(line.substr(end)));
    if (!status) errors_ << status.error().message << '\n';
    return status.has_value();
  }
  errors_ << "unknown command `" << name << "`; "
          << did_you_mean(nearest_name(name, names), ".help lists the commands") << '\n';
  return false;
}

Result<ResultTable> ShellSession::ask(const std::string& text, uint64_t rows_max) {
  return source_.ask({text, options_.now, options_.parameters, options_.cancelled, rows_max});
}

bool ShellSession::query(const std::string& text) {
  const bool shown = options_.interactive && options_.format == ResultFormat::kTable;
  Result<ResultTable> table = ask(text, shown ? kRowsShownMax : 0);
  if (!table) {
    errors_ << table.error().message << '\n';
    return false;
  }
  last_query_ = text;
  last_result_ = std::move(*table);
  show(last_result_);
  return true;
}

void ShellSession::show(const ResultTable& table) {
  for (const std::string& warning : table.warnings) errors_ << "warning: " << warning << '\n';
  FormatOptions format;
  format.safe = options_.safe;
  const bool fitted = options_.interactive && options_.format == ResultFormat::kTable;
  if (fitted) format.terminal_width = terminal_size().first;
  out_ << format_result(table, options_.format, format);
  if (table.has_more_rows) {
    out_ << fmt::format("… only the first {}; narrow the query, or use .format csv to see all\n",
                        counted(table.row_count, "row"));
  }
  show_numbers(table);
  out_.flush();
}

void ShellSession::show_numbers(const ResultTable& table) {
  const QueryStatistics& s = table.statistics;
  std::string line =
      fmt::format("{}{} in {:.1f} ms", table.has_more_rows ? "the first " : "",
                  counted(table.row_count, "row"), static_cast<double>(s.elapsed_us) / 1e3);
  if (timing_) {
    line +=
        fmt::format("; read {}, {} of {}; {} skipped, {} answered without reading",
                    counted(s.rows_scanned, "event"), bytes_text(s.bytes_read),
                    counted(s.segments_read, "segment"), s.segments_skipped, s.segments_answered);
    if (s.windows_remembered > 0)
      line += fmt::format("; {} windows from memory", s.windows_remembered);
  }
  if (options_.interactive || timing_) errors_ << line << '\n';
}

std::pair<size_t, size_t> ShellSession::terminal_size() const {
  return options_.terminal_size ? options_.terminal_size() : std::pair<size_t, size_t>(0, 0);
}

Status ShellSession::help() {
  size_t width = 0;
  for (const Command& each : commands()) {
    width = std::max(width, std::string_view(each.signature).size());
  }
  for (const Command& each : commands()) {
    out_ << fmt::format("{:<{}}  {}\n", each.signature, width, each.help);
  }
  out_ << "\nA query runs as soon as it is complete. After `|`, `,` or an open parenthesis\n"
          "it continues in the next line. A line that begins with `|` extends the last\n"
          "query. Tab completes; `explain QUERY` shows how a query runs.\n";
  return {};
}

// Uses the completer because it knows the names of a local database and of a server.
Status ShellSession::tables() {
  TOCSIN_TRY(const Completion found, source_.complete("from ", 5));
  std::string names;
  for (const Suggestion& each : found.suggestions) {
    if (each.kind == SuggestionKind::kMeasurement) names += (names.empty() ? "" : ", ") + each.text;
  }
  if (names.empty()) {
    out_ << "no measurements yet\n";
    return {};
  }
  TOCSIN_TRY(ResultTable table, ask("from " + names +
                                    " | stats rows = count(), first = min(time), last = max(time) "
                                    "by measurement"));
  const bool interactive = std::exchange(options_.interactive, false);
  show(table);
  options_.interactive = interactive;
  return {};
}

Status ShellSession::schema(std::string_view measurement) {
  std::vector<std::string> names;
  if (!measurement.empty()) {
    names.emplace_back(measurement);
  } else {
    TOCSIN_TRY(const Completion found, source_.complete("from ", 5));
    for (const Suggestion& each : found.suggestions) {
      if (each.kind == SuggestionKind::kMeasurement) names.push_back(each.text);
    }
  }
  for (const std::string& name : names) {
    const std::string text = "from " + name + " | keep ";
    TOCSIN_TRY(const Completion columns, source_.complete(text, text.size()));
    if (columns.suggestions.size() <= 2) {  // time and measurement, which always exist
      return fail(ErrorCode::kNotFound,
                  fmt::format("no measurement `{}`; .tables lists them", name));
    }
    out_ << escape_controls(name) << '\n';
    for (const Suggestion& each : columns.suggestions) {
      if (each.text != "measurement")
        out_ << fmt::format("  {:<8}  {}\n", each.detail, escape_controls(each.text));
    }
  }
  return {};
}

Status ShellSession::set_format(std::string_view name) {
  TOCSIN_TRY(options_.format, parse_result_format(name));
  return {};
}

Status ShellSession::set_timing(std::string_view state) {
  if (state != "on" && state != "off" && !state.empty()) {
    return fail(ErrorCode::kInvalid, "write `.timing on` or `.timing off`");
  }
  timing_ = state.empty() ? !timing_ : state == "on";
  if (state.empty()) out_ << "timing is " << (timing_ ? "on" : "off") << '\n';
  return {};
}

Status ShellSession::draw(std::string_view query) {
  if (!query.empty()) {
    const std::string own = without_semicolon(query);
    const std::string text = query.front() == '|' ? last_query_ + "\n" + own : own;
    TOCSIN_TRY(last_result_, ask(text));
    last_query_ = text;
  } else if (last_result_.has_more_rows) {
    TOCSIN_TRY(last_result_, ask(last_query_));
  }
  if (last_result_.columns.empty()) {
    return fail(ErrorCode::kInvalid,
                "nothing to draw yet: run a query first, or write `.plot QUERY`");
  }
  PlotSize size;
  if (const auto [width, height] = terminal_size(); width > 0) {
    size.width = width;
    size.height = std::clamp<size_t>(height / 2, 6, 16);
  }
  TOCSIN_TRY(const std::string drawing, plot(last_result_, size));
  out_ << drawing;
  out_.flush();
  return {};
}

Status ShellSession::set_now(std::string_view time) {
  if (!time.empty()) {
    if (const auto parsed = parse_time(time); !parsed) return fail(parsed.error(), ".now");
  }
  options_.now = time;
  return {};
}

Status ShellSession::set_parameter(std::string_view text) {
  if (text.empty()) {
    for (const auto& [name, value] : options_.parameters)
      out_ << '$' << name << " = " << value << '\n';
    return {};
  }
  const size_t equals = text.find('=');
  const std::string_view name = trimmed(text.substr(0, equals));
  if (equals == std::string_view::npos || name.empty()) {
    return fail(ErrorCode::kInvalid, "write `.param NAME=VALUE`");
  }
  const std::string_view value = trimmed(text.substr(equals + 1));
  const std::string plain(name.front() == '$' ? name.substr(1) : name);
  std::erase_if(options_.parameters, [&](const auto& each) { return each.first == plain; });
  if (!value.empty()) options_.parameters.emplace_back(plain, value);
  return {};
}

Completion ShellSession::complete(std::string_view text, size_t cursor) {
  const std::string_view line = text.substr(0, cursor);
  if (!line.starts_with('.')) {
    // A line that extends the last query is completed together with it.
    const bool extends = trimmed(line).starts_with('|') && !last_query_.empty();
    const std::string before = extends ? last_query_ + "\n" : "";
    auto found = source_.complete(before + std::string(text), before.size() + cursor);
    if (!found || found->start < before.size()) return {};
    found->start -= before.size();
    found->end -= before.size();
    return *std::move(found);
  }
  const size_t blank = line.find_first_of(kBlanks);
  Completion completion;
  if (blank == std::string_view::npos) {
    completion.end = cursor;
    for (const Command& each : commands()) {
      if (!std::string_view(each.name).starts_with(line)) continue;
      completion.suggestions.push_back(
          {SuggestionKind::kKeyword, each.name, fmt::format("{}: {}", each.signature, each.help)});
    }
    return completion;
  }
  // The argument is a query, or a part of one.
  const std::string_view name = line.substr(0, blank);
  const size_t start = std::min(line.find_first_not_of(kBlanks, blank), line.size());
  const std::string before = name == ".schema" ? "from " : "";
  if (name == ".format") {
    completion.start = start;
    completion.end = cursor;
    for (const char* format : {"table", "csv", "json", "ndjson", "lp"}) {
      if (!std::string_view(format).starts_with(line.substr(start))) continue;
      completion.suggestions.push_back({SuggestionKind::kKeyword, format, ""});
    }
    return completion;
  }
  if (name != ".plot" && name != ".schema") return {};
  const std::string query = before + std::string(line.substr(start));
  auto found = source_.complete(query, query.size());
  if (!found || found->start < before.size()) return {};
  found->start = found->start - before.size() + start;
  found->end = found->end - before.size() + start;
  return *std::move(found);
}

}  // namespace tocsin
