// `tocsin shell`: an interactive session with a database or a server, or a script of queries.
#include <clocale>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <memory>

#include <fmt/format.h>
#include <unistd.h>

#include "tools/client/query_source.h"
#include "tools/command.h"
#include "tools/query_arguments.h"
#include "tools/shell/editor.h"
#include "tools/shell/input.h"
#include "tools/shell/session.h"
#include "tools/terminal/output.h"
#include "tools/terminal/text.h"

namespace tocsin {
namespace {

constexpr const char* kShellFooter = R"(Examples:
  tocsin shell --db tocsin-data
  tocsin shell --url http://127.0.0.1:8086
  tocsin shell --db tocsin-data < questions.tq

At a terminal, Tab completes, the arrow keys recall earlier queries, .help lists the commands, Ctrl-C cancels
a query, and Ctrl-D quits. In a file or pipe, a query ends at a `;`, at an empty line, or before a line that is
not indented and does not begin with `|` or `#`; the first error ends the shell with exit code 1.)";

constexpr const char* kPrompt = "tocsin> ";
constexpr const char* kPromptInside = "     -> ";

std::atomic<bool> interrupted{false};
static_assert(std::atomic<bool>::is_always_lock_free, "set from a signal handler");

// Without SA_RESTART, so that reading a line returns.
void catch_interrupts() {
  struct sigaction action = {};
  action.sa_handler = [](int) { interrupted.store(true); };
  sigaction(SIGINT, &action, nullptr);
}

/// Collects lines and runs the queries in them, at a terminal and from a script.
class Conversation {
 public:
  explicit Conversation(ShellSession& session) : session_(session) {}

  const QueryInput& input() const { return input_; }
  bool is_ready() const { return input_.state() == QueryInput::State::kReady; }
  void drop() { input_.extract(); }

  /// Adds a line and runs the query that it ends, if any. False if a query failed.
  bool add(const std::string& line) {
    ++line_number_;
    if (is_ready() && !line.empty() && !continues(line) && !run()) return false;
    if (input_.state() == QueryInput::State::kNothing) begin_ = line_number_;
    return input_.add(line) != QueryInput::State::kEnded || run();
  }
  /// Runs the lines collected so far.
  bool run() {
    const std::string text = input_.extract();
    run_line_ = begin_;
    if (on_query) on_query(text);
    interrupted = false;
    return session_.run(text);
  }

  /// The number, from 1, of the line on which the last run query begins.
  size_t run_line() const { return run_line_; }

  std::function<void(const std::string& text)> on_query;

 private:
  ShellSession& session_;
  QueryInput input_;
  size_t line_number_ = 0;
  size_t begin_ = 0;  // line on which the query being collected begins
  size_t run_line_ = 0;
};

Status run_script(ShellSession& session) {
  Conversation conversation(session);
  bool fine = true;
  for (std::string line; fine && !session.finished() && std::getline(std::cin, line);) {
    fine = conversation.add(line);
  }
  if (fine && !session.finished() && conversation.input().state() != QueryInput::State::kNothing) {
    fine = conversation.run();
  }
  if (fine) return {};
  return fail(ErrorCode::kInvalid, fmt::format("stopped at line {}", conversation.run_line()));
}

Status run_terminal(ShellSession& session, const AskOptions& options) {
  std::setlocale(LC_CTYPE, "");
  if (MB_CUR_MAX == 1) std::setlocale(LC_CTYPE, "C.UTF-8");
  Conversation conversation(session);
  const auto complete = [&](const std::string& line) {
    const std::string before =
        conversation.input().text().empty() ? "" : conversation.input().text() + "\n";
    const std::string text = before + line;
    Completion found = session.complete(text, text.size());
    if (found.start < before.size()) return Completion();
    found.start -= before.size();
    found.end -= before.size();
    return found;
  };
  LineEditor editor(default_history_path(), complete, interrupted);
  conversation.on_query = [&](const std::string& text) { editor.remember(text); };
  const std::string& where =
      options.source.database.empty() ? options.source.url : options.source.database;
  print_message(stdout, fmt::format("Tocsin {}, connected to {}; .help lists the commands\n",
                                    TOCSIN_VERSION, where));
  while (!session.finished()) {
    const bool fresh = conversation.input().state() == QueryInput::State::kNothing;
    std::string line;
    const LineResult result = editor.read(fresh ? kPrompt : kPromptInside, line);
    if (result == LineResult::kEnd) break;
    if (result == LineResult::kInterrupted) {
      conversation.drop();
      continue;
    }
    conversation.add(line);
    // A query that looks complete may continue in further pasted lines.
    if (conversation.is_ready() && !editor.has_input()) conversation.run();
  }
  if (!session.finished()) std::puts("");
  return {};
}

Status run_shell(const AskOptions& ask) {
  TOCSIN_TRY(const QuerySourceOptions where, source_of(ask));
  TOCSIN_TRY(const std::unique_ptr<QuerySource> source, open_query_source(where));
  if (const auto answer = source->complete("", 0); !answer)
    return fail(answer.error(), "tocsin shell");
  catch_interrupts();
  SessionOptions options;
  TOCSIN_TRY(options.format, parse_result_format(ask.format));
  options.now = ask.now;
  options.cancelled = &interrupted;
  options.interactive = isatty(STDIN_FILENO) == 1 && isatty(STDOUT_FILENO) == 1;
  options.terminal_size = [] { return terminal_size(); };
  options.safe = ask.safe;
  MessageStream shown(stdout), errors(stderr);
  std::ostream& out = isatty(STDOUT_FILENO) == 1 ? shown : std::cout;
  ShellSession session(*source, options, out, errors);
  return options.interactive ? run_terminal(session, ask) : run_script(session);
}

}  // namespace

void add_shell_command(CLI::App& app, Action& action) {
  auto options = std::make_shared<AskOptions>();  // shared by the callbacks
  CLI::App* command = app.add_subcommand("shell", "Run queries interactively or from a script");
  command->footer(kShellFooter);
  add_ask_options(*command, *options);
  command->callback([options, &action] {
    check_ask_options(*options);
    action = [options = *options] { return run_shell(options); };
  });
}

}  // namespace tocsin
