// Tells that something happened in a folder: inotify through libuv.
#pragma once

#include <functional>
#include <string>

#include "net/event_loop/loop.h"

namespace tocsin {

/// All functions on the loop's thread. After destruction the loop must turn once more.
class FolderWatch {
 public:
  /// When the folder cannot be watched (too many watches, a file system without them), nothing is
  /// ever told: callers poll as well.
  FolderWatch(uv_loop_t* loop, const std::string& folder, std::function<void()> changed);
  ~FolderWatch();
  FolderWatch(const FolderWatch&) = delete;
  FolderWatch& operator=(const FolderWatch&) = delete;

 private:
  struct State;
  State* state_;  // freed by the handle's close callback
};

}  // namespace tocsin
