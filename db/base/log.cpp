#include "db/base/log.h"

#include <cstdio>
#include <mutex>

#include "db/base/text.h"

namespace tocsin {
namespace {

void to_stderr(LogLevel level, const std::string& line) {
  if (level >= LogLevel::kWarning) std::fprintf(stderr, "%s\n", line.c_str());
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
  if (holder().sink) holder().sink(level, escape_controls(line));
}

}  // namespace tocsin
