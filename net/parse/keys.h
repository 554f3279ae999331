// The good guesses: which keys of a JSON event are its time, and which are tags, when nobody says
// so.
#pragma once

#include <string_view>
#include <vector>

#include "net/parse/line_protocol.h"

namespace tocsin {

/// String keys that name a stream of events: few values, each in many events. Everything else is a
/// field. A wrong guess costs nothing but the kind that an export shows: kinds matter for encoding
/// and export only.
bool is_usual_tag(std::string_view key);

/// Candidates for the event's time, the first present one first: those of the options, or else the
/// usual ones.
std::vector<std::string_view> time_keys_of(const ParseOptions& options);
/// Whether the options name the key as a tag; without any, whether it is a usual one.
bool is_tag_key(std::string_view key, const ParseOptions& options);

}  // namespace tocsin
