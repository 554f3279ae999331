// What main.cpp and the subcommands share: how a command registers itself, runs, and fails.
#pragma once

#include <atomic>
#include <functional>
#include <string>

#include <CLI/CLI.hpp>

#include "db/base/result.h"

namespace tocsin {

/// Exit codes: 0 fine, 1 the thing asked for failed, 2 bad usage.
inline constexpr int kExitFailed = 1;
inline constexpr int kExitUsage = 2;

/// What the chosen subcommand does once the command line is read; its callback sets it.
using Action = std::function<Status()>;

void add_serve_command(CLI::App& app, Action& action);
void add_query_command(CLI::App& app, Action& action);
void add_shell_command(CLI::App& app, Action& action);
void add_import_command(CLI::App& app, Action& action);
void add_export_command(CLI::App& app, Action& action);
void add_rules_command(CLI::App& app, Action& action);
void add_generate_command(CLI::App& app, Action& action);
void add_info_command(CLI::App& app, Action& action);
/// verify, repair, compact, backup
void add_maintenance_commands(CLI::App& app, Action& action);

/// The value, or bad usage of `option`: for use while the command line is read.
template <class T>
T value_of(Result<T> result, const std::string& option) {
  if (!result) throw CLI::ValidationError(option, result.error().message);
  return *std::move(result);
}

/// Set by SIGINT and SIGTERM from the first call on, instead of ending the process.
const std::atomic<bool>& stop_on_signals();

}  // namespace tocsin
