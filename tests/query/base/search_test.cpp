#include "query/base/search.h"

#include <chrono>
#include <random>
#include <string>

#include <catch2/catch.hpp>

#include "db/base/ascii.h"

using namespace tocsin;

TEST_CASE("search: finds what the plain searches find", "[query]") {
  const unsigned seed = std::random_device{}();
  CAPTURE(seed);
  std::mt19937 random(seed);
  const auto text_of = [&](size_t size) {
    std::string text;
    for (size_t i = 0; i < size; ++i) text += "aAbZz@[`{\x80\xC1\xE1"[random() % 12];
    return text;
  };
  for (int trial = 0; trial < 2'000; ++trial) {
    const std::string text = text_of(random() % 200);
    std::string part =
        random() % 2 == 0 ? text_of(random() % 3) : text.substr(random() % (text.size() + 1));
    part.resize(std::min<size_t>(part.size(), random() % 60));
    const size_t from = random() % (text.size() + 2);
    CAPTURE(text, part, from);
    CHECK(find_text(text, part, from) == text.find(part, from));
    const bool expected = lower_case(text).find(lower_case(part)) != std::string::npos;
    CHECK(CaselessSearch(upper_case(part)).found_in(text) == expected);
  }
}

TEST_CASE("search: a long part that nearly matches everywhere takes linear time", "[query]") {
  const std::string text(1 << 20, 'a');
  const std::string part = std::string(1 << 19, 'a') + 'b';
  const auto begun = std::chrono::steady_clock::now();
  CHECK(find_text(text, part) == std::string::npos);
  CHECK_FALSE(CaselessSearch(part).found_in(text));
  CHECK(std::chrono::steady_clock::now() - begun < std::chrono::seconds(5));
}
