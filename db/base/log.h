// Logging through a sink: libraries write messages, the program decides where they go.
#pragma once

#include <functional>
#include <string>

namespace tocsin {

enum class LogLevel { kDebug, kInfo, kWarning, kError };

/// Receives one line without its newline. Called from any thread, but never by two at once.
using LogSink = std::function<void(LogLevel, const std::string&)>;

/// Sets the sink of the whole process; an empty one drops every line. Before the first call,
/// warnings and errors go to stderr.
void set_log_sink(LogSink sink);

/// Control characters in `line` reach the sink as escapes (`\x1b`, `\n`), invalid UTF-8 as U+FFFD.
void log(LogLevel level, const std::string& line);

}  // namespace tocsin
