// How a query and its parameters stand on a command line.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "db/base/result.h"

namespace tocsin {

/// The query itself, or the content of FILE for `@FILE`, or of standard input for `-`.
Result<std::string> query_text(const std::string& argument);

/// Of each `name=value` its two parts; anything else is bad usage.
std::vector<std::pair<std::string, std::string>> split_parameters(
    const std::vector<std::string>& parameters);

}  // namespace tocsin
