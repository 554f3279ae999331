// The good guesses: which keys of a JSON event are its time, and which are tags, when nobody says so.
#pragma once

#include <span>
#include <string_view>

namespace tocsin {

/// Candidates for the event's time, the first present one first.
std::span<const std::string_view> usual_time_keys();

/// String keys that name a stream of events: few values, each in many events. Everything else is a
/// field. A wrong guess costs nothing but the kind that an export shows: kinds matter for encoding
/// and export only.
bool is_usual_tag(std::string_view key);

}  // namespace tocsin
