// Shared by main.cpp and the subcommands: registering a command, running it, and failing.
#pragma once

#include <atomic>
#include <functional>
#include <string>

#include <CLI/CLI.hpp>

#include "db/base/result.h"

namespace tocsin {

/// Exit codes; success is 0.
inline constexpr int kExitFailed = 1;
inline constexpr int kExitUsage = 2;  ///< wrong usage: a bad command line

/// The work of the chosen subcommand, which its callback sets; runs after the command line is
/// parsed.
using Action = std::function<Status()>;

void add_serve_command(CLI::App& app, Action& action);
void add_query_command(CLI::App& app, Action& action);
void add_shell_command(CLI::App& app, Action& action);
void add_import_command(CLI::App& app, Action& action);
void add_export_command(CLI::App& app, Action& action);
void add_rules_command(CLI::App& app, Action& action);
// Subcommands of `rules`.
void add_rules_backtest_command(CLI::App& rules, Action& action);
void add_rules_test_command(CLI::App& rules, Action& action);
void add_silence_command(CLI::App& app, Action& action);
void add_alerts_command(CLI::App& app, Action& action);
void add_retention_command(CLI::App& app, Action& action);
void add_token_command(CLI::App& app, Action& action);
void add_generate_command(CLI::App& app, Action& action);
void add_tail_command(CLI::App& app, Action& action);
void add_rejected_command(CLI::App& app, Action& action);
void add_info_command(CLI::App& app, Action& action);
/// verify, repair, compact, backup
void add_maintenance_commands(CLI::App& app, Action& action);

/// The value; throws a usage error that names `option`. For use while the command line is parsed.
template <class T>
T value_of(Result<T> result, const std::string& option) {
  if (!result) throw CLI::ValidationError(option, result.error().message);
  return *std::move(result);
}

/// The flag that SIGINT and SIGTERM set from the first call on, instead of ending the process.
const std::atomic<bool>& stop_on_signals();

}  // namespace tocsin
