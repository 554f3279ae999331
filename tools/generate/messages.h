// The text of messages: templates filled in with ids and numbers.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "tools/generate/event.h"
#include "tools/generate/text_buffer.h"

namespace tocsin::generate {

inline constexpr size_t kMessageBytesMax = 512;

/// Appends the message of `event`. Messages contain no quotes, backslashes or control characters,
/// so JSON and line protocol need no escaping. Requires: kMessageBytesMax bytes are reserved.
void append_message(TextBuffer& out, const Event& event);

/// Appends the user of an audit event, such as `u48213`. Some heavy users are more frequent.
void append_user(TextBuffer& out, const Event& event);

}  // namespace tocsin::generate
