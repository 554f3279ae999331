#include "net/event_loop/loop.h"

#include <optional>
#include <thread>
#include <vector>

#include <catch2/catch.hpp>
#include <uv.h>

using namespace tocsin;

namespace {

struct Loop {
  Loop() { uv_loop_init(&loop); }
  ~Loop() {
    uv_run(&loop, UV_RUN_DEFAULT);
    CHECK(uv_loop_close(&loop) == 0);
  }
  uv_loop_t loop{};
};

}  // namespace

TEST_CASE("loop: a timer calls once per start and may be destroyed by its callback", "[net]") {
  Loop loop;
  int calls = 0;
  std::optional<LoopTimer> timer;
  timer.emplace(&loop.loop, [&] {
    if (++calls == 2) return timer.reset();
    timer->start(1);
  });
  timer->start(0);
  CHECK(timer->active());
  uv_run(&loop.loop, UV_RUN_DEFAULT);
  CHECK(calls == 2);
}

TEST_CASE("loop: functions posted by another thread run on the loop, in order", "[net]") {
  Loop loop;
  std::optional<LoopMailbox> mailbox;
  mailbox.emplace(&loop.loop);
  std::vector<int> seen;
  std::thread other([&, post = mailbox->poster()] {
    for (int i = 0; i < 3; ++i) {
      post([&, i] {
        seen.push_back(i);
        if (i == 2) mailbox.reset();
      });
    }
  });
  uv_run(&loop.loop, UV_RUN_DEFAULT);
  other.join();
  CHECK(seen == std::vector{0, 1, 2});
}

TEST_CASE("loop: functions posted to a destroyed mailbox are dropped", "[net]") {
  Loop loop;
  std::optional<LoopMailbox> mailbox;
  mailbox.emplace(&loop.loop);
  const auto post = mailbox->poster();
  bool called = false;
  post([&] { called = true; });
  mailbox.reset();
  post([&] { called = true; });
  uv_run(&loop.loop, UV_RUN_DEFAULT);
  CHECK_FALSE(called);
}

TEST_CASE("loop: background work runs off the loop and reports on it", "[net]") {
  Loop loop;
  std::thread::id worker;
  std::thread::id reporter;
  run_in_background(
      &loop.loop, [&] { worker = std::this_thread::get_id(); },
      [&] { reporter = std::this_thread::get_id(); });
  uv_run(&loop.loop, UV_RUN_DEFAULT);
  CHECK(reporter == std::this_thread::get_id());
  CHECK(worker != reporter);
}
