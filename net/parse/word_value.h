// The types of values that are written without quotes, as JSON has them. Internal to net/parse.
#pragma once

#include <string_view>

#include "net/parse/json_event.h"

namespace tocsin {

/// Sets kind, text and value of `out`: a number if `word` is one in JSON's grammar, a boolean if it
/// is `true` or `false`, else a string.
void read_word(std::string_view word, JsonValue& out);

}  // namespace tocsin
