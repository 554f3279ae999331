// The libuv facilities that the parts of the server use besides sockets: timers, calls from other
// threads to the loop, and background work. Owners need not handle close callbacks: each handle is
// freed by its own close callback.
#pragma once

#include <functional>
#include <memory>

#include "db/base/time.h"

using uv_loop_t = struct uv_loop_s;

namespace tocsin {

/// Calls a function on the loop after a delay. All functions must be called on the loop's thread.
/// After destruction the function is no longer called, but the loop must turn once more before it
/// can be closed.
class LoopTimer {
 public:
  LoopTimer(uv_loop_t* loop, std::function<void()> callback);
  ~LoopTimer();
  LoopTimer(const LoopTimer&) = delete;
  LoopTimer& operator=(const LoopTimer&) = delete;

  /// Schedules one call, `delay` from now (rounded up to 1 ms). Replaces an earlier start.
  void start(Duration delay);
  void stop();
  bool active() const;

 private:
  struct State;
  State* state_;  // freed by the handle's close callback
};

/// Runs functions on the loop that other threads post. Created and destroyed on the loop's thread;
/// destruction drops waiting functions, and later posts are ignored.
class LoopMailbox {
 public:
  explicit LoopMailbox(uv_loop_t* loop);
  ~LoopMailbox();
  LoopMailbox(const LoopMailbox&) = delete;
  LoopMailbox& operator=(const LoopMailbox&) = delete;

  /// Posts to the mailbox; does nothing after the mailbox is destroyed. May be called on any
  /// thread; copies are cheap.
  using Poster = std::function<void(std::function<void()>)>;
  Poster poster() const;
  /// Same as poster()(function). Requires: the mailbox exists.
  void post(std::function<void()> function);

 private:
  struct State;
  std::shared_ptr<State> state_;  // shared with the posters and the handle
};

/// Runs `work` on a thread of libuv's pool, then `done` on the loop. Neither may throw.
void run_in_background(uv_loop_t* loop, std::function<void()> work, std::function<void()> done);

}  // namespace tocsin
