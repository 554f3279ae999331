// Messages in a stream of syslog over TCP (RFC 6587): with their length before them, or ended by a
// newline, told apart for each message by its first bytes.
//
// A body of messages, as parse_syslog() reads it, is a list of frames: one byte for the kind, four
// for the size in the order of the machine, and the text.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "db/limits.h"

namespace tocsin {

/// RFC 5425 asks for at least 8 KiB; a datagram cannot be longer.
inline constexpr size_t kSyslogMessageBytesMax = 64 * kKiB;
/// A message with a stated length of up to this is skipped by its length; a longer one up to what
/// looks like the start of the next, because its length is probably wrong.
inline constexpr size_t kSyslogSkippedBytesMax = kMiB;

struct SyslogFrame {
  enum class Kind : char {
    kMessage = 'm',
    kTooLong = 'l',      ///< only the beginning of the message
    kNoStart = 's',      ///< after a message with a length, bytes that begin none
    kWrongLength = 'w',  ///< a length beyond kSyslogSkippedBytesMax, and what follows
    kCut = 'c',          ///< the stream ended inside a message
  };
  Kind kind = Kind::kMessage;
  std::string_view text;
};

void append_frame(std::string& body, SyslogFrame::Kind kind, std::string_view text);
/// Removes the next frame from `body`; nothing if it is empty or damaged.
std::optional<SyslogFrame> next_frame(std::string_view& body);

/// Why a frame of that kind has no row. Requires: not kMessage.
const char* reason_of(SyslogFrame::Kind kind);

/// Turns a stream that arrives in pieces into frames. Every byte belongs to a frame, except
/// lengths, blank lines, what ends messages, and what of a message exceeds kSyslogMessageBytesMax.
class SyslogFramer {
 public:
  /// Appends to `body` the messages that end in `data`. At most kSyslogMessageBytesMax bytes are
  /// kept for the next call.
  void add(std::string_view data, std::string& body);
  /// The stream has ended. A last line without a newline is a message if the sender ended the
  /// stream properly (`clean`).
  void end(bool clean, std::string& body);

  bool empty() const { return kept_.empty(); }

 private:
  enum class State : uint8_t { kStart, kLine, kCounted, kLost };

  bool step(std::string_view& rest, std::string& body);
  bool start(std::string_view& rest);
  bool start_counted(std::string_view& rest, std::string_view digits);
  bool read_line(std::string_view& rest, std::string& body);
  bool read_counted(std::string_view& rest, std::string& body);
  bool read_lost(std::string_view& rest, std::string& body);
  void keep(std::string_view text);
  void finish(std::string& body);

  State state_ = State::kStart;
  SyslogFrame::Kind kind_ = SyslogFrame::Kind::kMessage;  // of the current message
  bool after_counted_ = false;                            // the previous message had a length
  char last_ = ' ';     // the byte before the rest of a kLost text
  size_t missing_ = 0;  // bytes of the current message with a length
  std::string kept_;    // of the current message, at most kSyslogMessageBytesMax + 1
  std::string head_;    // bytes that do not show yet how a message begins
};

}  // namespace tocsin
