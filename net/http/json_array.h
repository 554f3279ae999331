// Bodies that are one JSON array of events instead of one event per line.
#pragma once

#include <string>

namespace tocsin {

/// Turns a JSON array into lines, in place: line n is element n. The elements are not validated;
/// the line parser does that. Any other body is left unchanged.
void json_array_to_lines(std::string& body);

}  // namespace tocsin
