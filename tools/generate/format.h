// Formats events as JSON lines or line protocol.
#pragma once

#include <cstdint>
#include <string>

#include "db/base/time.h"
#include "tools/generate/estate.h"
#include "tools/generate/event.h"
#include "tools/generate/messages.h"
#include "tools/generate/text_buffer.h"

namespace tocsin::generate {

enum class TextFormat : uint8_t { kJson, kLineProtocol };

/// Writes one event per line. Caches the text of the last second, so it is fastest if events are
/// sorted by time. Not thread-safe.
class Formatter {
 public:
  /// `with_measurement`: JSON gets the key `measurement`, for streams that mix log types.
  /// `estate` must outlive the formatter.
  Formatter(TextFormat format, bool with_measurement, Estate estate)
      : format_(format), with_measurement_(with_measurement), estate_(estate), messages_(estate) {}

  /// Appends the event and a newline. Reserves space itself.
  void append(TextBuffer& out, const Event& event);

 private:
  void append_json(TextBuffer& out, const Event& event);
  void append_line_protocol(TextBuffer& out, const Event& event);
  void append_time(TextBuffer& out, Timestamp time);
  std::string_view level_of(const Event& event) const;
  template <class Function>
  void for_each_tag(TextBuffer& out, const Event& event, Function tag) const;
  template <class StringFunction, class NumberFunction>
  void for_each_field(TextBuffer& out, const Event& event, StringFunction string,
                      NumberFunction number) const;

  TextFormat format_;
  bool with_measurement_;
  Estate estate_;
  MessageWriter messages_;
  int64_t second_ = INT64_MIN;
  std::string second_text_;  ///< `2026-11-24T10:04:05`
};

}  // namespace tocsin::generate
