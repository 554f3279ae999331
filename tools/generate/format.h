// Formats events as JSON lines or line protocol.
#pragma once

#include <cstdint>
#include <string>

#include "db/base/time.h"
#include "tools/generate/event.h"
#include "tools/generate/text_buffer.h"

namespace tocsin::generate {

enum class TextFormat : uint8_t { kJson, kLineProtocol };

/// Writes one event per line. Caches the text of the last second, so it is fastest if events are
/// sorted by time. Not thread-safe.
class Formatter {
 public:
  /// `with_measurement`: JSON gets the key `measurement`, for streams that mix log types.
  Formatter(TextFormat format, bool with_measurement)
      : format_(format), with_measurement_(with_measurement) {}

  /// Appends the event and a newline. Reserves space itself.
  void append(TextBuffer& out, const Event& event);

 private:
  void append_json(TextBuffer& out, const Event& event);
  void append_line_protocol(TextBuffer& out, const Event& event);
  void append_time(TextBuffer& out, Timestamp time);

  TextFormat format_;
  bool with_measurement_;
  int64_t second_ = INT64_MIN;
  std::string second_text_;  ///< `2026-11-24T10:04:05`
};

}  // namespace tocsin::generate
