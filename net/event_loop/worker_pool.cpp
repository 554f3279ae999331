#include "net/event_loop/worker_pool.h"

namespace tocsin {

WorkerPool::WorkerPool(size_t thread_count, size_t waiting_max) : waiting_max_(waiting_max) {
  for (size_t i = 0; i < thread_count; ++i) threads_.emplace_back([this] { run(); });
}

WorkerPool::~WorkerPool() {
  {
    const MutexLock lock(mutex_);
    stopped_ = true;
  }
  wake_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

bool WorkerPool::post(std::function<void()> work) {
  {
    const MutexLock lock(mutex_);
    if (waiting_.size() >= waiting_max_) return false;
    waiting_.push_back(std::move(work));
  }
  wake_.notify_one();
  return true;
}

WorkerPool::Load WorkerPool::load() const {
  const MutexLock lock(mutex_);
  return {running_, waiting_.size()};
}

void WorkerPool::run() {
  for (bool worked = false;; worked = true) {
    std::function<void()> work;
    {
      const MutexLock lock(mutex_);
      if (worked) --running_;
      while (!stopped_ && waiting_.empty()) wake_.wait(mutex_);
      if (stopped_) return;
      work = std::move(waiting_.front());
      waiting_.pop_front();
      ++running_;
    }
    work();
  }
}

}  // namespace tocsin
