// A few threads for work that may take long, so that it does not occupy libuv's pool: queries.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

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
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::function<void()>> waiting_;  // guarded by mutex_
  bool stopped_ = false;                       // guarded by mutex_
};

}  // namespace tocsin
