// Mutexes whose use clang checks at compile time (-Wthread-safety); with other compilers the
// annotations are empty.
//
// Declare a guarded member as `int count_ TOCSIN_GUARDED_BY(mutex_)` and mark a function that must
// be called with the mutex held with TOCSIN_REQUIRES(mutex_).
// https://clang.llvm.org/docs/ThreadSafetyAnalysis.html
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>

#if defined(__clang__)
#define TOCSIN_THREAD_ANNOTATION(x) __attribute__((x))
#else
#define TOCSIN_THREAD_ANNOTATION(x)
#endif

#define TOCSIN_CAPABILITY(name) TOCSIN_THREAD_ANNOTATION(capability(name))
#define TOCSIN_SCOPED_CAPABILITY TOCSIN_THREAD_ANNOTATION(scoped_lockable)
#define TOCSIN_GUARDED_BY(mutex) TOCSIN_THREAD_ANNOTATION(guarded_by(mutex))
#define TOCSIN_PT_GUARDED_BY(mutex) TOCSIN_THREAD_ANNOTATION(pt_guarded_by(mutex))
#define TOCSIN_REQUIRES(...) TOCSIN_THREAD_ANNOTATION(requires_capability(__VA_ARGS__))
#define TOCSIN_ACQUIRE(...) TOCSIN_THREAD_ANNOTATION(acquire_capability(__VA_ARGS__))
#define TOCSIN_RELEASE(...) TOCSIN_THREAD_ANNOTATION(release_capability(__VA_ARGS__))
#define TOCSIN_EXCLUDES(...) TOCSIN_THREAD_ANNOTATION(locks_excluded(__VA_ARGS__))
#define TOCSIN_ACQUIRED_BEFORE(...) TOCSIN_THREAD_ANNOTATION(acquired_before(__VA_ARGS__))
#define TOCSIN_NO_THREAD_SAFETY_ANALYSIS TOCSIN_THREAD_ANNOTATION(no_thread_safety_analysis)

namespace tocsin {

class TOCSIN_CAPABILITY("mutex") Mutex {
 public:
  void lock() TOCSIN_ACQUIRE() { mutex_.lock(); }
  void unlock() TOCSIN_RELEASE() { mutex_.unlock(); }

 private:
  friend class ConditionVariable;
  std::mutex mutex_;
};

/// Locks a mutex for the rest of the scope; can be unlocked and locked again within it.
class TOCSIN_SCOPED_CAPABILITY MutexLock {
 public:
  explicit MutexLock(Mutex& mutex) TOCSIN_ACQUIRE(mutex) : mutex_(mutex) { mutex_.lock(); }
  ~MutexLock() TOCSIN_RELEASE() {
    if (held_) mutex_.unlock();
  }
  MutexLock(const MutexLock&) = delete;
  MutexLock& operator=(const MutexLock&) = delete;

  void unlock() TOCSIN_RELEASE() {
    mutex_.unlock();
    held_ = false;
  }
  void lock() TOCSIN_ACQUIRE() {
    mutex_.lock();
    held_ = true;
  }

 private:
  Mutex& mutex_;
  bool held_ = true;
};

/// Wake-ups can be spurious: wait in a loop that tests the condition. There is no overload with a
/// predicate because the analysis does not see into lambdas.
class ConditionVariable {
 public:
  void notify_one() { condition_.notify_one(); }
  void notify_all() { condition_.notify_all(); }

  void wait(Mutex& mutex) TOCSIN_REQUIRES(mutex) {
    std::unique_lock<std::mutex> lock(mutex.mutex_, std::adopt_lock);
    condition_.wait(lock);
    lock.release();
  }
  /// False when `time` passed without a wake-up.
  template <class Clock, class Span>
  bool wait_until(Mutex& mutex, std::chrono::time_point<Clock, Span> time) TOCSIN_REQUIRES(mutex) {
    std::unique_lock<std::mutex> lock(mutex.mutex_, std::adopt_lock);
    const std::cv_status status = condition_.wait_until(lock, time);
    lock.release();
    return status == std::cv_status::no_timeout;
  }

 private:
  std::condition_variable condition_;
};

}  // namespace tocsin
