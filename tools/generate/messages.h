// The wording of messages: templates with ids and numbers in them.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "tools/generate/event.h"
#include "tools/generate/text_buffer.h"

namespace tocsin::generate {

inline constexpr size_t kMessageBytesMax = 512;

/// Appends the message of `event`. No message has a quote, a backslash or a control character in
/// it, so it stands in JSON and line protocol as it is. Requires: kMessageBytesMax bytes are
/// reserved.
void append_message(TextBuffer& out, const Event& event);

/// The user that an audit event names: `u48213`. Heavy users are seen more often than others.
void append_user(TextBuffer& out, const Event& event);

}  // namespace tocsin::generate
