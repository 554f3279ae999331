#include "db/segment/opened_once.h"

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include <catch2/catch.hpp>

using namespace tocsin;

TEST_CASE("opened once: all threads get the object that one of them opened", "[db]") {
  OpenedOnce<std::string> once;
  std::atomic<int> opened = 0;
  std::vector<const std::string*> found(8);
  std::vector<std::thread> threads;
  for (size_t i = 0; i < found.size(); ++i) {
    threads.emplace_back([&, i] {
      const auto got = once.get([&]() -> Result<std::unique_ptr<std::string>> {
        ++opened;
        return std::make_unique<std::string>("text");
      });
      found[i] = got ? *got : nullptr;
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(opened == 1);
  REQUIRE(found[0] != nullptr);
  CHECK(*found[0] == "text");
  for (const std::string* each : found) CHECK(each == found[0]);
}

TEST_CASE("opened once: after an error the next call tries again", "[db]") {
  using Opened = Result<std::unique_ptr<int>>;
  const auto succeed = []() -> Opened { return std::make_unique<int>(7); };
  const auto refuse = []() -> Opened { return fail(ErrorCode::kIo, "refused"); };

  OpenedOnce<int> once;
  CHECK(once.get(refuse).error().message == "refused");
  CHECK(**once.get(succeed) == 7);
  CHECK(**once.get(refuse) == 7);

  OpenedByKey<std::string, int> by_key;
  CHECK(by_key.get("a", refuse).error().message == "refused");
  CHECK(**by_key.get("a", succeed) == 7);
  CHECK(*by_key.get("a", refuse) == *by_key.get("a", succeed));
  CHECK_FALSE(by_key.get("b", refuse));
}
