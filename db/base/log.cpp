#include "db/base/log.h"

#include <cstdio>
#include <mutex>

#include <fmt/format.h>

namespace tocsin {
namespace {

void to_stderr(LogLevel level, const std::string& line) {
  if (level >= LogLevel::kWarning) std::fprintf(stderr, "%s\n", line.c_str());
}

/// The line with escapes for control characters, which may come from foreign text and would do
/// things to a terminal: C0, DEL, and C1 in UTF-8.
std::string printable(const std::string& line) {
  std::string out;
  out.reserve(line.size());
  for (size_t i = 0; i < line.size(); ++i) {
    auto byte = static_cast<unsigned char>(line[i]);
    const bool c1 = byte == 0xC2 && i + 1 < line.size() &&
                    (static_cast<unsigned char>(line[i + 1]) & 0xE0) == 0x80;
    if (c1) byte = static_cast<unsigned char>(line[++i]);
    if (!c1 && byte >= 0x20 && byte != 0x7F) {
      out += line[i];
    } else if (byte == '\n') {
      out += "\\n";
    } else {
      out += fmt::format("\\x{:02x}", byte);
    }
  }
  return out;
}

struct SinkHolder {
  std::mutex mutex;
  LogSink sink = to_stderr;
};

SinkHolder& holder() {
  static SinkHolder instance;
  return instance;
}

}  // namespace

void set_log_sink(LogSink sink) {
  std::lock_guard lock(holder().mutex);
  holder().sink = std::move(sink);
}

void log(LogLevel level, const std::string& line) {
  std::lock_guard lock(holder().mutex);
  if (holder().sink) holder().sink(level, printable(line));
}

}  // namespace tocsin
