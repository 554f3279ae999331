// Finds what is probably not meant in rules that are valid. Pure.
#pragma once

#include <string>
#include <vector>

#include "rules/evaluate.h"

namespace tocsin {

/// Each begins with `file:line: RULE: `. They are advice: a rule may be right nevertheless.
std::vector<std::string> lint_rule(const CompiledRule& compiled);

}  // namespace tocsin
