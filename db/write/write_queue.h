// The writer's inbox: requests and tasks from any thread, bounded by the bytes that are pending.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <future>
#include <optional>

#include "db/base/mutex.h"
#include "db/base/result.h"
#include "db/options.h"
#include "db/write/pending_write.h"

namespace tocsin {

/// Decides which requests are admitted, and when queued ones are due for a commit.
class WriteQueue {
 public:
  using SteadyTime = std::chrono::steady_clock::time_point;

  struct Task {
    std::function<Status()> run;
    std::promise<Status> result;
  };
  /// What the writer thread has to do next.
  struct Work {
    std::deque<QueuedWrite> grouped;  ///< to be committed together
    std::deque<QueuedWrite> bulk;     ///< to be gathered over many requests
    std::deque<Task> tasks;           ///< to be run after the writes
    bool stop = false;
  };

  /// `options` must outlive the queue.
  explicit WriteQueue(const DatabaseOptions& options) : options_(options) {}

  // ---- Any thread but the writer's ----

  /// Queues a request, or returns why it is refused; then `done` is never called. When there is no
  /// room, it waits with `wait_for_room` and returns kBusy without.
  Status push(WriteRequest request, WriteDone done, bool wait_for_room);
  /// Runs a function on the writer thread and returns its status.
  Status run_task(std::function<Status()> run);
  /// Refuses everything from now on; wait() hands over the rest at once.
  void stop();

  // ---- Any thread ----

  /// Bytes of admitted requests that were not released yet.
  uint64_t pending_bytes() const;
  /// How long the oldest request that is not bulk has waited for its commit; 0: none waits.
  Duration longest_wait() const;
  /// The error for which writes are refused, if any.
  std::optional<Error> suspended_by() const;

  // ---- The writer thread ----

  /// Waits until there is work or `deadline` has passed.
  Work wait(SteadyTime deadline);
  /// Takes all queued requests, due or not, but no tasks.
  Work take_writes();
  /// Makes room: requests of that many bytes are committed, refused or bounded elsewhere.
  void release(size_t bytes);
  /// Refuses requests with `reason` until resume(). Those already queued stay.
  void suspend(const Error& reason);
  void resume();

 private:
  bool has_room(size_t bytes) const TOCSIN_REQUIRES(mutex_);
  bool is_due(SteadyTime now) const TOCSIN_REQUIRES(mutex_);
  SteadyTime due_time() const TOCSIN_REQUIRES(mutex_);
  void take_grouped(Work& work) TOCSIN_REQUIRES(mutex_);

  const DatabaseOptions& options_;

  mutable Mutex mutex_;
  ConditionVariable work_;
  ConditionVariable room_;
  std::deque<QueuedWrite> grouped_ TOCSIN_GUARDED_BY(mutex_);
  SteadyTime grouped_since_ TOCSIN_GUARDED_BY(mutex_);  // when the first of grouped_ arrived
  std::optional<SteadyTime> taken_since_ TOCSIN_GUARDED_BY(mutex_);  // of those being committed
  size_t grouped_bytes_ TOCSIN_GUARDED_BY(mutex_) = 0;               // of grouped_
  bool grouped_urgent_ TOCSIN_GUARDED_BY(mutex_) = false;  // some request of grouped_ is urgent
  std::deque<QueuedWrite> bulk_ TOCSIN_GUARDED_BY(mutex_);
  std::deque<Task> tasks_ TOCSIN_GUARDED_BY(mutex_);
  uint64_t pending_bytes_ TOCSIN_GUARDED_BY(mutex_) = 0;
  bool stopping_ TOCSIN_GUARDED_BY(mutex_) = false;
  std::optional<Error> suspended_by_ TOCSIN_GUARDED_BY(mutex_);
};

}  // namespace tocsin
