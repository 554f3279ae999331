// Parses JSON lines, one object per line, into rows; no I/O.
#pragma once

#include <cstddef>
#include <memory>
#include <string_view>
#include <vector>

#include "db/schema/batch.h"
#include "net/parse/line_protocol.h"

namespace tocsin {

inline constexpr size_t kJsonDepthMax = 64;     ///< of nested objects and arrays
inline constexpr size_t kJsonKeysMax = 10'000;  ///< in one line, at all depths

/// Reuses its buffers between calls. Use one per thread.
class JsonLinesParser {
 public:
  JsonLinesParser();
  ~JsonLinesParser();

  /// Like parse_line_protocol(). Nested objects are flattened with `.`, arrays stay JSON text,
  /// nulls are omitted, and the last of several duplicate keys wins. Telegraf's objects with
  /// `name`, `tags`, `fields` and `timestamp` are recognized.
  ///
  /// The measurement is the string under `measurement`, or else options.measurement. The time is
  /// that of the first time key whose value is a valid time. An event without one has options.now
  /// and counts as a warning; but if options.time names the key and its value is not a valid time,
  /// the line is an error. Keys that are empty, too long or alike are renamed with a warning;
  /// numbers that no type holds are strings. Invalid UTF-8 becomes U+FFFD, and so does the escape
  /// of half a surrogate pair.
  void parse(std::string_view buffer, const ParseOptions& options, Batch& batch,
             LineErrors& errors);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tocsin
