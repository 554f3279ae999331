// Destinations of generated text: files by log type and day, a TCP connection, or standard output.
#pragma once

#include <array>
#include <memory>
#include <string>
#include <string_view>

#include "db/base/result.h"
#include "db/base/time.h"
#include "tools/generate/event.h"

namespace tocsin::generate {

/// Receives whole lines. Not thread-safe.
class Sink {
 public:
  virtual ~Sink() = default;
  /// Writes lines of one log type, all from the UTC day of `time`. kIo names the destination.
  virtual Status write(LogType type, Timestamp time, std::string_view lines) = 0;
  /// Whether lines of all types share one stream, sorted by time.
  virtual bool mixed() const = 0;
};

/// Writes `DIRECTORY/audit/2026-11-24.json` and so on. Without `append`, an existing file is
/// kConflict.
std::unique_ptr<Sink> make_file_sink(std::string directory, std::string extension, bool append);
/// Connects immediately. Writing blocks while the receiver is slow.
Result<std::unique_ptr<Sink>> make_tcp_sink(const std::string& host_and_port);
std::unique_ptr<Sink> make_stdout_sink();

}  // namespace tocsin::generate
