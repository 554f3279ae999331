#include "net/tail/watch.h"

#include <utility>

#include <uv.h>

#include "db/base/check.h"

namespace tocsin {

struct FolderWatch::State {
  uv_fs_event_t handle{};
  std::function<void()> changed;
};

FolderWatch::FolderWatch(uv_loop_t* loop, const std::string& folder, std::function<void()> changed)
    : state_(new State) {
  state_->changed = std::move(changed);
  state_->handle.data = state_;
  TOCSIN_CHECK(uv_fs_event_init(loop, &state_->handle) == 0);
  uv_fs_event_start(
      &state_->handle,
      [](uv_fs_event_t* event, const char*, int, int) {
        static_cast<State*>(event->data)->changed();
      },
      folder.c_str(), 0);
}

FolderWatch::~FolderWatch() {
  uv_close(reinterpret_cast<uv_handle_t*>(&state_->handle),
           [](uv_handle_t* handle) { delete static_cast<State*>(handle->data); });
}

}  // namespace tocsin
