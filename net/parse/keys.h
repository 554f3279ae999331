// The names of columns for odd keys, and which keys of a JSON event are tags: a guess, unless
// options name them.
#pragma once

#include <string>
#include <string_view>

#include "net/parse/line_protocol.h"

namespace tocsin {

/// Whether strings under `key` usually identify a stream of events: few values, each in many
/// events. All other keys are fields. A wrong guess does little harm, because kinds matter only for
/// encoding and export.
bool is_usual_tag(std::string_view key);

/// Whether the options list `key` as a tag, or, if they list none, whether it is a usual one.
bool is_tag_key(std::string_view key, const ParseOptions& options);

/// The name of a column for a key of more than kNameBytesMax bytes: its start and a hash (FNV-1a by
/// Fowler, Noll and Vo) of the whole key, which keeps keys apart that begin alike.
std::string shortened_name(std::string_view key);

/// The name of a column for an empty key.
inline constexpr std::string_view kEmptyName = "_empty";

}  // namespace tocsin
