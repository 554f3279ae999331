// Command-line options for a query: its text, its parameters, and its source.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>

#include "db/base/result.h"
#include "tools/client/query_source.h"

namespace tocsin {

/// The options shared by `tocsin query` and `tocsin shell`.
struct AskOptions {
  QuerySourceOptions source;
  std::string format = "table";  ///< of the output
  bool safe = false;             ///< CSV for spreadsheets
  std::string now;               ///< an RFC 3339 time; empty: the current time
  std::string config;            ///< a settings file for queries on a database; may be empty
};

inline constexpr const char* kSafeHelp =
    "CSV for spreadsheets: an apostrophe before texts that begin with = + - @";
/// Reports --safe with another format than csv as wrong usage.
void check_safe(const std::string& format);

/// Adds --token, --ca-file, --certificate and --key. `access` must live as long as `command`.
void add_access_options(CLI::App& command, ServerAccess& access);
/// Adds --db and --url, of which one is required, and the options of add_access_options. `options`
/// must live as long as `command`.
void add_source_options(CLI::App& command, QuerySourceOptions& options);
/// Adds --config, which excludes --url. `path` must live as long as `command`.
void add_config_option(CLI::App& command, std::string& path);
/// Adds --db, --url, --format, --safe, --now, --zone and --config. `options` must live as long as
/// `command`.
void add_ask_options(CLI::App& command, AskOptions& options);
/// Reports wrong usage before anything is opened.
void check_ask_options(const AskOptions& options);
void check_zone_and_now(const std::string& zone, const std::string& now);
/// The source with the settings of the configuration file.
Result<QuerySourceOptions> source_of(const AskOptions& options);

/// The query itself, the contents of FILE for `@FILE`, or standard input for `-`.
Result<std::string> query_text(const std::string& argument);

/// Splits each `NAME=VALUE`; anything else is wrong usage.
std::vector<std::pair<std::string, std::string>> split_parameters(
    const std::vector<std::string>& parameters);

}  // namespace tocsin
