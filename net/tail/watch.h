// Notifies of changes in a folder: inotify through libuv.
#pragma once

#include <functional>
#include <string>

#include "net/event_loop/loop.h"

namespace tocsin {

/// All functions must be called on the loop's thread. After destruction the loop must turn once
/// more before it can be closed.
class FolderWatch {
 public:
  /// If the folder cannot be watched (too many watches, or a file system without inotify),
  /// `changed` is never called, so callers must also poll.
  FolderWatch(uv_loop_t* loop, const std::string& folder, std::function<void()> changed);
  ~FolderWatch();
  FolderWatch(const FolderWatch&) = delete;
  FolderWatch& operator=(const FolderWatch&) = delete;

 private:
  struct State;
  State* state_;  // freed by the handle's close callback
};

}  // namespace tocsin
