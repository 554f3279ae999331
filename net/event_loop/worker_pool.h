// Threads for long work such as queries, which would otherwise occupy libuv's small thread pool.
#pragma once

#include <deque>
#include <functional>
#include <thread>
#include <vector>

#include "db/base/mutex.h"

namespace tocsin {

/// post() may be called on any thread. Destruction drops waiting work and waits for running work.
class WorkerPool {
 public:
  WorkerPool(size_t thread_count, size_t waiting_max);
  ~WorkerPool();
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  /// Queues work, which must not throw. Returns false if `waiting_max` items are already waiting.
  bool post(std::function<void()> work);

  struct Load {
    size_t running = 0;
    size_t waiting = 0;
  };
  Load load() const;  ///< may be called on any thread

 private:
  void run();

  const size_t waiting_max_;
  std::vector<std::thread> threads_;
  mutable Mutex mutex_;
  ConditionVariable wake_;
  size_t running_ TOCSIN_GUARDED_BY(mutex_) = 0;
  std::deque<std::function<void()>> waiting_ TOCSIN_GUARDED_BY(mutex_);
  bool stopped_ TOCSIN_GUARDED_BY(mutex_) = false;
};

}  // namespace tocsin
