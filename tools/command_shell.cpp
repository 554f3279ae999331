// `tocsin shell`: a conversation with a database or a server, at a terminal or from a script.
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
#include "tools/terminal/text.h"

namespace tocsin {
namespace {

constexpr const char* kFooter = R"(Examples:
  tocsin shell --db tocsin-data
  tocsin shell --url http://127.0.0.1:8086
  tocsin shell --db tocsin-data < questions.tq

At a terminal: Tab completes, arrow keys find earlier queries, .help lists the commands, Ctrl-C stops a
query, Ctrl-D leaves. From a file or pipe: queries end with `;`, an empty line, or where the next line neither
is indented nor begins with `|` or `#`; the first error ends the run with exit code 1.)";

constexpr const char* kPrompt = "tocsin> ";
constexpr const char* kPromptInside = "     -> ";

std::atomic<bool> interrupted{false};
static_assert(std::atomic<bool>::is_always_lock_free, "set from a signal handler");

// Without SA_RESTART: reading a line must return.
void catch_interrupts() {
  struct sigaction action = {};
  action.sa_handler = [](int) { interrupted.store(true); };
  sigaction(SIGINT, &action, nullptr);
}

/// Lines in, queries run: what both ways of talking share.
class Conversation {
 public:
  explicit Conversation(ShellSession& session) : session_(session) {}

  const QueryInput& input() const { return input_; }
  bool waits() const { return input_.state() == QueryInput::State::kReady; }
  void drop() { input_.take(); }

  /// Takes a line; runs what it ends. False when a query failed.
  bool add(const std::string& line) {
    ++line_number_;
    if (waits() && !line.empty() && !continues(line) && !run()) return false;
    if (input_.state() == QueryInput::State::kNothing) begin_ = line_number_;
    return input_.add(line) != QueryInput::State::kEnded || run();
  }
  /// Runs what has been gathered.
  bool run() {
    const std::string text = input_.take();
    asked_line_ = begin_;
    if (on_query) on_query(text);
    interrupted = false;
    return session_.run(text);
  }

  /// The line on which what was run last begins, from 1.
  size_t asked_line() const { return asked_line_; }

  std::function<void(const std::string& text)> on_query;

 private:
  ShellSession& session_;
  QueryInput input_;
  size_t line_number_ = 0;
  size_t begin_ = 0;  // of what is being gathered
  size_t asked_line_ = 0;
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
  return fail(ErrorCode::kInvalid, fmt::format("stopped at line {}", conversation.asked_line()));
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
  fmt::print("Tocsin {}, asking {}; .help lists the commands\n", TOCSIN_VERSION, where);
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
    // Pasted lines may go on with the query that seems whole.
    if (conversation.waits() && !editor.input_waits()) conversation.run();
  }
  if (!session.finished()) std::puts("");
  return {};
}

Status run_shell(const AskOptions& ask) {
  TOCSIN_TRY(const std::unique_ptr<QuerySource> source, open_query_source(ask.source));
  if (const auto answer = source->complete("", 0); !answer)
    return fail(answer.error(), "tocsin shell");
  catch_interrupts();
  SessionOptions options;
  TOCSIN_TRY(options.format, parse_result_format(ask.format));
  options.now = ask.now;
  options.cancelled = &interrupted;
  options.interactive = isatty(STDIN_FILENO) == 1 && isatty(STDOUT_FILENO) == 1;
  options.terminal_size = [] { return terminal_size(); };
  ShellSession session(*source, options, std::cout, std::cerr);
  return options.interactive ? run_terminal(session, ask) : run_script(session);
}

}  // namespace

void add_shell_command(CLI::App& app, Action& action) {
  auto options = std::make_shared<AskOptions>();  // shared by the callbacks
  CLI::App* command = app.add_subcommand("shell", "Ask a database or a server, again and again");
  command->footer(kFooter);
  add_ask_options(*command, *options);
  command->callback([options, &action] {
    check_ask_options(*options);
    action = [options = *options] { return run_shell(options); };
  });
}

}  // namespace tocsin
