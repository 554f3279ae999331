// Writes whose bodies are records of a shipper's protocol: the part that all of them share.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "net/http/api.h"
#include "net/http/unpack.h"
#include "net/parse/records.h"

namespace tocsin::http {

struct RecordOutcome {
  int status = 200;     ///< 200 also if single records were rejected
  std::string message;  ///< why, or why records were rejected: the first ones and a count
  size_t rows_rejected = 0;
};

struct RecordWrite {
  RecordParser parser = nullptr;
  Packing packing = Packing::kNone;
  /// The answer in the sender's protocol. Retry-After is added to a 503.
  std::function<Response(const RecordOutcome&)> answer;
};

/// Stores the records of the body in the measurement that the parameter `measurement` or the header
/// X-Tocsin-Measurement names, in one write: all good records, or none.
void write_records(const Context& context, Request request, RecordWrite write, Reply reply);

/// Of an outcome that is not 200.
RecordOutcome failed_write(int status, std::string message);

}  // namespace tocsin::http
