#include "net/event_loop/loop.h"

#include <utility>
#include <vector>

#include <uv.h>

#include "db/base/check.h"
#include "db/base/mutex.h"

namespace tocsin {

struct LoopTimer::State {
  uv_timer_t handle{};
  std::function<void()> callback;
};

LoopTimer::LoopTimer(uv_loop_t* loop, std::function<void()> callback) : state_(new State) {
  state_->callback = std::move(callback);
  state_->handle.data = state_;
  TOCSIN_CHECK(uv_timer_init(loop, &state_->handle) == 0);
}

LoopTimer::~LoopTimer() {
  uv_close(reinterpret_cast<uv_handle_t*>(&state_->handle),
           [](uv_handle_t* handle) { delete static_cast<State*>(handle->data); });
}

void LoopTimer::start(Duration delay) {
  const Duration ms = delay <= 0 ? 0 : (delay - 1) / kMillisecond + 1;
  uv_update_time(state_->handle.loop);
  uv_timer_start(
      &state_->handle, [](uv_timer_t* timer) { static_cast<State*>(timer->data)->callback(); },
      static_cast<uint64_t>(ms), 0);
}

void LoopTimer::stop() { uv_timer_stop(&state_->handle); }

bool LoopTimer::active() const {
  return uv_is_active(reinterpret_cast<const uv_handle_t*>(&state_->handle)) != 0;
}

struct LoopMailbox::State {
  uv_async_t handle{};
  Mutex mutex;
  bool open TOCSIN_GUARDED_BY(mutex) = true;
  std::vector<std::function<void()>> waiting TOCSIN_GUARDED_BY(mutex);
  std::shared_ptr<State> self;  // keeps the handle alive until its close callback

  void post(std::function<void()> function) {
    const MutexLock lock(mutex);
    if (!open) return;
    waiting.push_back(std::move(function));
    uv_async_send(&handle);
  }

  void run() {
    std::vector<std::function<void()>> functions;
    {
      const MutexLock lock(mutex);
      functions.swap(waiting);
    }
    for (auto& function : functions) {
      if (!is_open()) return;  // the previous function destroyed the mailbox
      function();
    }
  }

  bool is_open() {
    const MutexLock lock(mutex);
    return open;
  }
};

LoopMailbox::LoopMailbox(uv_loop_t* loop) : state_(std::make_shared<State>()) {
  state_->self = state_;
  state_->handle.data = state_.get();
  TOCSIN_CHECK(uv_async_init(loop, &state_->handle, [](uv_async_t* async) {
                 const auto state = static_cast<State*>(async->data)->self;
                 state->run();
               }) == 0);
}

LoopMailbox::~LoopMailbox() {
  std::vector<std::function<void()>> dropped;  // freed without the lock held
  {
    const MutexLock lock(state_->mutex);
    state_->open = false;
    dropped.swap(state_->waiting);
  }
  uv_close(reinterpret_cast<uv_handle_t*>(&state_->handle), [](uv_handle_t* handle) {
    const auto last = std::move(static_cast<State*>(handle->data)->self);
  });
}

LoopMailbox::Poster LoopMailbox::poster() const {
  return [state = state_](std::function<void()> function) { state->post(std::move(function)); };
}

void LoopMailbox::post(std::function<void()> function) { state_->post(std::move(function)); }

namespace {

struct BackgroundWork {
  uv_work_t request{};
  std::function<void()> work;
  std::function<void()> done;
};

}  // namespace

void run_in_background(uv_loop_t* loop, std::function<void()> work, std::function<void()> done) {
  auto* job = new BackgroundWork;
  job->work = std::move(work);
  job->done = std::move(done);
  job->request.data = job;
  const int status = uv_queue_work(
      loop, &job->request,
      [](uv_work_t* request) { static_cast<BackgroundWork*>(request->data)->work(); },
      [](uv_work_t* request, int) {
        const std::unique_ptr<BackgroundWork> finished(static_cast<BackgroundWork*>(request->data));
        finished->done();
      });
  TOCSIN_CHECK(status == 0);
}

}  // namespace tocsin
