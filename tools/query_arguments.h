// How a query, its parameters, and where it goes stand on a command line.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>

#include "db/base/result.h"
#include "tools/client/query_source.h"

namespace tocsin {

/// Where an asking command's options go.
struct AskOptions {
  QuerySourceOptions source;
  std::string format = "table";  ///< how answers are written
  std::string now;               ///< an RFC 3339 time in the source's zone; empty: the clock
};

/// --db, --url, --format, --now and --zone. `options` must live as long as `command`.
void add_ask_options(CLI::App& command, AskOptions& options);
/// Bad usage shows at once, before anything is opened.
void check_ask_options(const AskOptions& options);

/// The query itself, or the content of FILE for `@FILE`, or of standard input for `-`.
Result<std::string> query_text(const std::string& argument);

/// Of each `name=value` its two parts; anything else is bad usage.
std::vector<std::pair<std::string, std::string>> split_parameters(
    const std::vector<std::string>& parameters);

}  // namespace tocsin
