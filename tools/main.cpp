// The program `tocsin`: parses the command line, runs the subcommand, and turns errors into text
// and an exit code.
#include <algorithm>
#include <csignal>
#include <cstdio>
#include <exception>
#include <sstream>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <sys/resource.h>

#include "db/base/text.h"
#include "db/segment/fault_guard.h"
#include "tools/command.h"
#include "tools/terminal/output.h"
#include "tools/version.h"

namespace tocsin {
namespace {

std::atomic<bool> stop_requested{false};
static_assert(std::atomic<bool>::is_always_lock_free, "set from a signal handler");

// A server may have 1,000 connections, 128 followed files, and segment files open at the same time,
// but the usual soft limit is 1,024.
void raise_descriptor_limit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

// Turns `help [COMMAND]` and `version` into --help and --version.
void translate_first_word(std::vector<std::string>& words) {
  if (!words.empty() && words[0] == "help") {
    words.erase(words.begin());
    words.emplace_back("--help");
  } else if (!words.empty() && words[0] == "version") {
    words = {"--version"};
  }
}

// Reports words[at] with the nearest known one and returns false, unless it is a subcommand or
// option of `app`. CLI11 would only say that a subcommand is required.
bool check_word(const CLI::App& app, const std::vector<std::string>& words, size_t at) {
  std::vector<std::string> commands;  // without groups of options, which have no name
  for (const CLI::App* command : app.get_subcommands({})) {
    if (!command->get_name().empty()) commands.push_back(command->get_name());
  }
  if (commands.empty() || at >= words.size()) return true;
  const std::string& word = words[at];
  const bool option = word.starts_with('-');
  if (option && app.get_option_no_throw(word) != nullptr) return true;
  const auto found = std::find(commands.begin(), commands.end(), word);
  if (found != commands.end()) return check_word(*app.get_subcommand(word), words, at + 1);
  std::vector<std::string> options;
  for (const CLI::Option* known : app.get_options()) {
    for (const std::string& name : known->get_lnames()) options.push_back("--" + name);
  }
  const std::string near = nearest_name(word, option ? options : commands);
  const std::string path = at == 0 ? "tocsin" : "tocsin " + words[0];
  print_message(stderr,
                fmt::format("tocsin: unknown {} `{}`; {}\n", option ? "option" : "command", word,
                            did_you_mean(near, fmt::format("see `{} --help`", path))));
  return false;
}

int run(int argc, char** argv) {
  CLI::App app{"Tocsin, a log database with alerting built in.", "tocsin"};
  app.set_version_flag("--version",
                       std::string("tocsin " TOCSIN_VERSION " (commit ") + kBuildCommit + ")");
  app.require_subcommand(1);
  app.footer(
      "`tocsin COMMAND --help` explains a command and shows examples.\n"
      "Exit codes: 0 success, 1 failure, 2 wrong usage.");
  Action action;
  add_serve_command(app, action);
  add_query_command(app, action);
  add_shell_command(app, action);
  add_import_command(app, action);
  add_export_command(app, action);
  add_rules_command(app, action);
  add_tail_command(app, action);
  add_silence_command(app, action);
  add_alerts_command(app, action);
  add_rejected_command(app, action);
  add_info_command(app, action);
  add_maintenance_commands(app, action);
  add_retention_command(app, action);
  add_token_command(app, action);
  add_generate_command(app, action);
  std::vector<std::string> words(argv + std::min(argc, 1), argv + argc);
  translate_first_word(words);
  if (!check_word(app, words, 0)) return kExitUsage;
  try {
    std::reverse(words.begin(), words.end());  // as CLI11 wants them
    app.parse(std::move(words));
  } catch (const CLI::ParseError& error) {
    std::ostringstream out, errors;
    const bool fine = app.exit(error, out, errors) == 0;
    print_message(stdout, out.str());
    print_message(stderr, errors.str());
    return fine ? 0 : kExitUsage;
  }
  const Status status = action();
  if (status) return 0;
  print_message(stderr, "tocsin: " + status.error().message + "\n");
  return kExitFailed;
}

}  // namespace

const std::atomic<bool>& stop_on_signals() {
  const auto handler = [](int) { stop_requested.store(true); };
  std::signal(SIGINT, handler);
  std::signal(SIGTERM, handler);
  return stop_requested;
}

}  // namespace tocsin

int main(int argc, char** argv) {
  try {
    tocsin::install_fault_guard();
    tocsin::raise_descriptor_limit();
    return tocsin::run(argc, argv);
  } catch (const std::exception& error) {
    tocsin::print_message(stderr, std::string("tocsin: unexpected error: ") + error.what() + "\n");
    return tocsin::kExitFailed;
  }
}
