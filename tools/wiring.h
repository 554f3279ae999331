// The one place that turns settings into each layer's options, and finds the rule files.
#pragma once

#include <string>
#include <vector>

#include "config/settings.h"
#include "db/base/result.h"
#include "db/database.h"
#include "net/server.h"
#include "rules/engine.h"

namespace tocsin {

/// The settings of that file, or the defaults when `path` is empty.
Result<Settings> load_settings(const std::string& path);

DatabaseOptions database_options(const Settings& settings);
/// `now` is what `rules.evaluate_from` counts back from.
Result<RuleEngineOptions> rule_engine_options(const Settings& settings, Timestamp now);
ServerOptions server_options(const Settings& settings);

/// The files that those globs find, each once and in the order of the globs.
std::vector<std::string> find_rule_files(const std::vector<std::string>& globs);
/// Their texts; the shipped rules when there are no globs.
/// kNotFound names a glob without a file. A file that cannot be read says so itself.
Result<std::vector<RuleFile>> read_rule_files(const std::vector<std::string>& globs);

}  // namespace tocsin
