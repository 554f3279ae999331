// What the parts of the server need from libuv besides sockets: a timer, a way onto the loop from
// other threads, and work off the loop. Owners need not care for close callbacks: each handle is
// freed by its own.
#pragma once

#include <functional>
#include <memory>

#include "db/base/time.h"

using uv_loop_t = struct uv_loop_s;

namespace tocsin {

/// Calls a function on the loop after a while. All functions on the loop's thread. After
/// destruction the loop must turn once more before it can be closed; the function is not called any
/// more.
class LoopTimer {
 public:
  LoopTimer(uv_loop_t* loop, std::function<void()> callback);
  ~LoopTimer();
  LoopTimer(const LoopTimer&) = delete;
  LoopTimer& operator=(const LoopTimer&) = delete;

  /// Calls once, `delay` from now (rounded up to 1 ms); replaces an earlier start.
  void start(Duration delay);
  void stop();
  bool active() const;

 private:
  struct State;
  State* state_;  // freed by the handle's close callback
};

/// Runs functions on the loop that other threads post. Made and destroyed on the loop's thread;
/// what is posted or waiting after that is dropped.
class LoopMailbox {
 public:
  explicit LoopMailbox(uv_loop_t* loop);
  ~LoopMailbox();
  LoopMailbox(const LoopMailbox&) = delete;
  LoopMailbox& operator=(const LoopMailbox&) = delete;

  /// Posts into a mailbox, also one that is gone. Safe from any thread; copies are cheap.
  using Poster = std::function<void(std::function<void()>)>;
  Poster poster() const;
  /// As poster()(function). Requires: the mailbox exists.
  void post(std::function<void()> function);

 private:
  struct State;
  std::shared_ptr<State> state_;  // shared with the posters and the handle
};

/// Runs `work` on a thread of libuv's pool, then `done` on the loop. Neither may throw.
void run_in_background(uv_loop_t* loop, std::function<void()> work, std::function<void()> done);

}  // namespace tocsin
