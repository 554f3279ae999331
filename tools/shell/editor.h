// The line editor of the shell on a terminal: history, completion, Ctrl-C. Wraps libedit.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>

#include "query/complete/complete.h"

namespace tocsin {

enum class LineResult {
  kLine,
  kInterrupted,  ///< Ctrl-C: the typed text is discarded
  kEnd,          ///< Ctrl-D on an empty line, or the terminal was closed
};

/// One per process, on standard input and output.
class LineEditor {
 public:
  /// Suggestions for the end of `line`. The completer knows the earlier lines of the query.
  using Completer = std::function<Completion(const std::string& line)>;

  /// `interrupted` must outlive the editor and be set by a SIGINT handler installed without
  /// SA_RESTART, so that read() returns. With an empty path, no history is kept.
  LineEditor(std::string history_path, Completer completer, std::atomic<bool>& interrupted);
  ~LineEditor();

  LineResult read(const std::string& prompt, std::string& line);
  /// Whether more input is available, for example further pasted lines.
  bool has_input() const;
  /// Adds a query to the history, on one line, and writes the history file.
  void remember(const std::string& query);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// $XDG_STATE_HOME/tocsin/history or ~/.local/state/tocsin/history, in a directory created with
/// mode 0700. Empty if neither variable is set or the directory cannot be created.
std::string default_history_path();

}  // namespace tocsin
