// Reads a flat JSON object of plain ASCII fast, and leaves all others to JsonFlattener. Internal to
// net/parse.
#pragma once

#include <string_view>
#include <vector>

#include "net/parse/json_event.h"

namespace tocsin {

/// Appends the values of one object as JsonFlattener finds them, except that a key may occur
/// several times. Returns false, with some values appended, if the text is not an object without
/// nested values, backslashes, control characters and bytes outside ASCII. The values are views of
/// `text`.
bool read_flat_object(std::string_view text, std::vector<JsonValue>& values);

}  // namespace tocsin
