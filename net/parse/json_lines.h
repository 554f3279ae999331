// JSON lines: one object per line in, rows out; no I/O. Parsed with simdjson.
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "db/batch.h"
#include "net/parse/line_protocol.h"

namespace tocsin {

/// Keeps simdjson's buffers between calls. One per thread.
class JsonLinesParser {
 public:
  JsonLinesParser();
  ~JsonLinesParser();

  /// As parse_line_protocol. Objects flatten with `.`; arrays stay JSON text; null is absent; the last of
  /// duplicate keys wins. Telegraf's `{"name", "tags", "fields", "timestamp"}` is understood.
  void parse(std::string_view buffer, const ParseOptions& options, Batch& batch,
             std::vector<LineError>& errors);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tocsin
