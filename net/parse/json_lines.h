// JSON lines: one object per line in, rows out; no I/O. Parsed with simdjson.
#pragma once

#include <cstddef>
#include <memory>
#include <string_view>
#include <vector>

#include "db/schema/batch.h"
#include "net/parse/line_protocol.h"

namespace tocsin {

inline constexpr size_t kJsonDepthMax = 64;     ///< of objects and arrays in each other
inline constexpr size_t kJsonKeysMax = 10'000;  ///< of one line, at all depths

/// Keeps simdjson's buffers between calls. One per thread.
class JsonLinesParser {
 public:
  JsonLinesParser();
  ~JsonLinesParser();

  /// As parse_line_protocol. Objects flatten with `.`; arrays stay JSON text; null is absent; the
  /// last of duplicate keys wins. Telegraf's `{"name", "tags", "fields", "timestamp"}` is
  /// understood.
  ///
  /// The measurement is the string under `measurement`, else the option's. The time is the first
  /// time key that is present and reads as a time: a number (s, ms, us, ns by size) or a text; a
  /// text without a zone is UTC. A line whose time keys all read as no time is an error. Invalid
  /// UTF-8 becomes U+FFFD, as does an escape of half a surrogate pair.
  void parse(std::string_view buffer, const ParseOptions& options, Batch& batch,
             LineErrors& errors);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tocsin
