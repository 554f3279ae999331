// State that the first reader opens and all later ones share.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <utility>

#include "db/base/mutex.h"
#include "db/base/result.h"

namespace tocsin {

/// Holds a T once it has been opened. Safe from any thread: one thread opens it, under a mutex;
/// from then on get() only loads a pointer.
template <class T>
class OpenedOnce {
 public:
  /// Returns the T, which lives as long as this object. If there is none yet, keeps the one that
  /// `open` returns, a Result<std::unique_ptr<T>>. After an error the next call tries again.
  template <class Open>
  Result<const T*> get(const Open& open) const& {
    const T* opened = opened_.load(std::memory_order_acquire);
    if (opened != nullptr) return opened;
    MutexLock lock(mutex_);
    if (owner_ == nullptr) {
      TOCSIN_TRY(owner_, open());
      opened_.store(owner_.get(), std::memory_order_release);
    }
    return owner_.get();
  }
  template <class Open>
  Result<const T*> get(const Open& open) const&& = delete;

 private:
  mutable Mutex mutex_;
  mutable std::unique_ptr<const T> owner_ TOCSIN_GUARDED_BY(mutex_);
  mutable std::atomic<const T*> opened_{nullptr};
};

/// Holds a T for each key that has been opened. Safe from any thread; each get() locks a mutex.
template <class Key, class T>
class OpenedByKey {
 public:
  /// As OpenedOnce::get(), for one key.
  template <class Open>
  Result<const T*> get(const Key& key, const Open& open) const& {
    MutexLock lock(mutex_);
    if (const auto found = owners_.find(key); found != owners_.end()) return found->second.get();
    TOCSIN_TRY(auto opened, open());
    return owners_.emplace(key, std::move(opened)).first->second.get();
  }
  template <class Open>
  Result<const T*> get(const Key& key, const Open& open) const&& = delete;

 private:
  mutable Mutex mutex_;
  mutable std::map<Key, std::unique_ptr<const T>> owners_ TOCSIN_GUARDED_BY(mutex_);
};

}  // namespace tocsin
