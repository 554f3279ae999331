// Shared by tests of the parts that run on the loop: a loop that runs until a condition holds.
#pragma once

#include <chrono>
#include <filesystem>
#include <fstream>
#include <functional>
#include <latch>
#include <string>
#include <string_view>
#include <vector>

#include <catch2/catch.hpp>
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>
#include <uv.h>

#include "tests/support/temporary_folder.h"

namespace tocsin::test {

inline bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != text.npos;
}

class TestLoop {
 public:
  TestLoop() { uv_loop_init(&loop_); }
  /// Runs the remaining close callbacks. Requires: everything that used the loop is destroyed.
  ~TestLoop() {
    uv_run(&loop_, UV_RUN_DEFAULT);
    CHECK(uv_loop_close(&loop_) == 0);
  }
  uv_loop_t* get() { return &loop_; }

  /// Runs the loop until `holds` returns true. Returns false after a minute, far longer than any
  /// passing test needs.
  bool run_until(const std::function<bool()>& holds) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    uv_timer_t tick;  // wakes the loop for conditions that other threads make true
    uv_timer_init(&loop_, &tick);
    uv_timer_start(
        &tick, [](uv_timer_t*) {}, 1, 2);
    bool held = false;
    while (!(held = holds()) && std::chrono::steady_clock::now() < deadline)
      uv_run(&loop_, UV_RUN_ONCE);
    bool closed = false;
    tick.data = &closed;
    uv_close(reinterpret_cast<uv_handle_t*>(&tick),
             [](uv_handle_t* handle) { *static_cast<bool*>(handle->data) = true; });
    while (!closed) uv_run(&loop_, UV_RUN_ONCE);
    return held;
  }

 private:
  uv_loop_t loop_{};
};

/// While it exists, libuv's thread pool does not start any other work.
class BlockedThreadPool {
 public:
  BlockedThreadPool() {
    for (uv_work_t& work : works_) {
      work.data = this;
      uv_queue_work(
          loop_.get(), &work,
          [](uv_work_t* blocked) { static_cast<BlockedThreadPool*>(blocked->data)->end_.wait(); },
          nullptr);
    }
  }
  ~BlockedThreadPool() { end_.count_down(); }
  BlockedThreadPool(const BlockedThreadPool&) = delete;
  BlockedThreadPool& operator=(const BlockedThreadPool&) = delete;

 private:
  static constexpr size_t kPoolThreadsMax = 1'024;  // libuv's limit; work is started in order

  std::latch end_{1};
  std::vector<uv_work_t> works_ = std::vector<uv_work_t>(kPoolThreadsMax);
  TestLoop loop_;  // destroyed first, which waits for the works
};

/// While it exists, this process cannot open another file.
class NoDescriptors {
 public:
  NoDescriptors() {
    getrlimit(RLIMIT_NOFILE, &before_);
    const int next = ::open("/dev/null", O_RDONLY);  // the lowest free descriptor
    ::close(next);
    const rlimit none{static_cast<rlim_t>(next), before_.rlim_max};
    setrlimit(RLIMIT_NOFILE, &none);
  }
  ~NoDescriptors() { setrlimit(RLIMIT_NOFILE, &before_); }
  NoDescriptors(const NoDescriptors&) = delete;
  NoDescriptors& operator=(const NoDescriptors&) = delete;

 private:
  rlimit before_{};
};

}  // namespace tocsin::test
