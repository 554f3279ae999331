// Says in a user's words why a line is not a JSON object; no I/O. Used only after the parser has
// failed, so it may be slow.
#pragma once

#include <string>
#include <string_view>

namespace tocsin {

/// The first fault of the line, its place, and what to do; for example "unknown escape `\x` at byte
/// 8: ...". Empty if the line is an object as RFC 8259 defines it. Bytes count from 1.
std::string json_fault(std::string_view line);

/// Whether the line looks like a part of an object that is spread over several lines.
bool is_part_of_pretty_json(std::string_view line);
inline constexpr const char* kPrettyJson =
    "a part of a pretty-printed JSON object; write each event on one line (for example with "
    "`jq -c`)";

}  // namespace tocsin
