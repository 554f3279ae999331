// Runs programs on the loop, with a text on their standard input.
#pragma once

#include <functional>
#include <memory>

#include "net/deliver/queue.h"
#include "net/deliver/request.h"
#include "net/event_loop/loop.h"

namespace tocsin {

/// Requires: the process ignores SIGPIPE, because a program need not read its input.
///
/// All functions must be called on the loop's thread. Destruction kills running programs; the loop
/// must turn once more before it can be closed.
class CommandRunner {
 public:
  explicit CommandRunner(uv_loop_t* loop);
  ~CommandRunner();

  /// Calls `done` once, later, on the loop: delivered if the program exits with 0, to be tried
  /// again otherwise. After its timeout, the program and what it started are killed. The beginning
  /// of its standard error is in the answer's error; its standard output is dropped.
  void run(CommandRun command, std::function<void(DeliveryAnswer)> done);

 private:
  struct State;
  std::shared_ptr<State> state_;  // shared with programs that still close their handles
};

}  // namespace tocsin
