// Bodies that are one JSON array of events instead of one event a line.
#pragma once

#include <string>

namespace tocsin {

/// If `body` is a JSON array, turns it in place into lines, one per element, so that line n is
/// element n. Whether each is valid is left to the parser of lines. Anything else stays as it is.
void json_array_to_lines(std::string& body);

}  // namespace tocsin
