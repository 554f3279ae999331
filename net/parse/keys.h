// Guesses which keys of a JSON event hold its time and which are tags, unless options name them.
#pragma once

#include <string_view>
#include <vector>

#include "net/parse/line_protocol.h"

namespace tocsin {

/// Whether strings under `key` usually identify a stream of events: few values, each in many
/// events. All other keys are fields. A wrong guess does little harm, because kinds matter only for
/// encoding and export.
bool is_usual_tag(std::string_view key);

/// The keys that may hold an event's time, by priority: those of the options, or else the usual
/// ones.
std::vector<std::string_view> time_keys_of(const ParseOptions& options);
/// Whether the options list `key` as a tag, or, if they list none, whether it is a usual one.
bool is_tag_key(std::string_view key, const ParseOptions& options);

}  // namespace tocsin
