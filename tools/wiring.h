// Converts settings to the options of each layer, and finds the rule files.
#pragma once

#include <string>
#include <vector>

#include "config/settings.h"
#include "db/base/result.h"
#include "db/database.h"
#include "net/server.h"
#include "rules/engine.h"

namespace tocsin {

/// The settings in the file, or the defaults if `path` is empty.
Result<Settings> load_settings(const std::string& path);

TailOptions tail_options(const TailSettings& tail);
DatabaseOptions database_options(const Settings& settings);
/// A duration in `rules.evaluate_from` is counted back from `now`.
Result<RuleEngineOptions> rule_engine_options(const Settings& settings, Timestamp now);
ServerOptions server_options(const Settings& settings);

/// The files that match the globs, each once and in the order of the globs.
std::vector<std::string> find_rule_files(const std::vector<std::string>& globs);
/// The contents of the files that match `files`; without globs, the shipped rules. With `detect`,
/// also the shipped file of that name. kNotFound names a glob that matches nothing. A file that
/// cannot be read is returned with its error.
Result<std::vector<RuleFile>> read_rule_files(const RuleSettings& rules);

}  // namespace tocsin
