// The text of messages: templates filled in with ids and numbers.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "tools/generate/estate.h"
#include "tools/generate/event.h"
#include "tools/generate/text_buffer.h"

namespace tocsin::generate {

inline constexpr size_t kMessageBytesMax = 512;

/// The part of a message that differs between events.
enum class Blank : uint8_t {
  kNone,
  kUser,
  kIp,
  kOrder,
  kAmount,
  kMs,
  kSize,
  kHex,
  kCount,
  kAction,
  kName
};

/// Writes the messages of one world. The estate must outlive it.
class MessageWriter {
 public:
  explicit MessageWriter(Estate estate);

  /// Appends the message of `event`. Messages contain no quotes, backslashes or control characters,
  /// so JSON and line protocol need no escaping. Requires: kMessageBytesMax bytes are reserved.
  void append(TextBuffer& out, const Event& event) const;

  /// A piece of a template: constant text, then a blank.
  struct Piece {
    std::string_view text;
    Blank blank = Blank::kNone;
  };
  using Template = std::vector<Piece>;

 private:
  Estate estate_;
  std::vector<Template> wordings_;  ///< of the estate
};

/// Appends the user of an audit event, such as `u48213`. Some heavy users are more frequent.
void append_user(TextBuffer& out, const Event& event);

}  // namespace tocsin::generate
