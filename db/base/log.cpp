#include "db/base/log.h"

#include <cstdio>

#include "db/base/mutex.h"
#include "db/base/text.h"

namespace tocsin {
namespace {

void to_stderr(LogLevel level, const std::string& line) {
  if (level >= LogLevel::kWarning) std::fprintf(stderr, "%s\n", line.c_str());
}

struct SinkHolder {
  Mutex mutex;
  LogSink sink TOCSIN_GUARDED_BY(mutex) = to_stderr;
};

SinkHolder& holder() {
  static SinkHolder instance;
  return instance;
}

}  // namespace

void set_log_sink(LogSink sink) {
  SinkHolder& current = holder();
  MutexLock lock(current.mutex);
  current.sink = std::move(sink);
}

void log(LogLevel level, const std::string& line) {
  SinkHolder& current = holder();
  MutexLock lock(current.mutex);
  if (current.sink) current.sink(level, escape_controls(line));
}

}  // namespace tocsin
