// Logging through a sink: libraries say what happened, the program decides where it goes.
#pragma once

#include <functional>
#include <string>

namespace tocsin {

enum class LogLevel { kDebug, kInfo, kWarning, kError };

/// Receives one line without its newline; called from any thread, one call at a time.
using LogSink = std::function<void(LogLevel, const std::string&)>;

/// Replaces the sink of the whole process; an empty one drops every line. Until the first call,
/// warnings and errors go to stderr.
void set_log_sink(LogSink sink);

/// Control characters in `line` reach the sink as escapes: `\x1b`, `\n`.
void log(LogLevel level, const std::string& line);

}  // namespace tocsin
