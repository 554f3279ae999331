// The shell's line editor on a terminal: history, completion, Ctrl-C. The one place that knows
// libedit.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>

#include "query/complete/complete.h"

namespace tocsin {

enum class LineResult {
  kLine,
  kInterrupted,  ///< Ctrl-C: what was typed is gone
  kEnd,          ///< Ctrl-D on an empty line, or the terminal is gone
};

/// One per process, on standard input and output.
class LineEditor {
 public:
  /// What may stand at the byte of a line; the completer knows the lines before.
  using Completer = std::function<Completion(const std::string& line)>;

  /// `interrupted` is set by the signal handler of SIGINT, which must let read() return. Both must
  /// outlive the editor. An empty history path keeps none.
  LineEditor(std::string history_path, Completer completer, std::atomic<bool>& interrupted);
  ~LineEditor();

  LineResult read(const std::string& prompt, std::string& line);
  /// More characters wait, as when lines are pasted.
  bool input_waits() const;
  /// Remembers a query, on one line, and writes the history file.
  void remember(const std::string& query);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// $XDG_STATE_HOME/tocsin/history or ~/.local/state/tocsin/history, its folder made with mode 0700;
/// empty when neither is known or it cannot be made.
std::string default_history_path();

}  // namespace tocsin
