// A few threads for work that may take long, so that it does not occupy libuv's pool: queries.
#pragma once

#include <deque>
#include <functional>
#include <thread>
#include <vector>

#include "db/base/mutex.h"

namespace tocsin {

/// Made and destroyed on one thread; post() from any. Destruction drops what waits and joins what
/// runs.
class WorkerPool {
 public:
  WorkerPool(size_t thread_count, size_t waiting_max);
  ~WorkerPool();
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  /// Queues work, which must not throw; false when waiting_max wait already.
  bool post(std::function<void()> work);

 private:
  void run();

  const size_t waiting_max_;
  std::vector<std::thread> threads_;
  Mutex mutex_;
  ConditionVariable wake_;
  std::deque<std::function<void()>> waiting_ TOCSIN_GUARDED_BY(mutex_);
  bool stopped_ TOCSIN_GUARDED_BY(mutex_) = false;
};

}  // namespace tocsin
