// Cuts text whose lines have different formats into pieces of one format.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

#include "net/parse/input_format.h"

namespace tocsin {

/// Consecutive lines of one format: the bytes [start, end) of the text.
struct LineRun {
  InputFormat format = InputFormat::kLineProtocol;
  size_t start = 0;
  size_t end = 0;
};

/// Lines that begin with `{` are JSON, the others are `other`: kLineProtocol, whose values may have
/// line breaks, kText, or kLogfmt or kAccess, for which lines that are not of that format are
/// kText. If it is kCri or kDocker, all lines are. Blank lines belong to the lines around them.
/// Requires: `lines` ends with a whole line, as for next_line().
std::vector<LineRun> line_runs(std::string_view lines, InputFormat other);

}  // namespace tocsin
