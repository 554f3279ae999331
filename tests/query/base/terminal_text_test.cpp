#include "query/base/terminal_text.h"

#include <string>

#include <catch2/catch.hpp>

using namespace tocsin;

namespace {

// Written as escapes where an editor would combine the characters.
const std::string kAccent = "e\xCC\x81";  // e and a combining acute accent
const std::string kFamily = "👩\xE2\x80\x8D👦";

}  // namespace

TEST_CASE("terminal text: width counts terminal columns, not code points", "[query]") {
  CHECK(width_of("") == 0);
  CHECK(width_of("abc") == 3);
  CHECK(width_of("grün…") == 5);
  CHECK(width_of("支払い") == 6);
  CHECK(width_of("한국") == 4);
  CHECK(width_of("🔥x") == 3);
  CHECK(width_of(kAccent) == 1);
  CHECK(width_of("\xE2\x80\x8B") == 0);  // a zero-width space
  CHECK(width_of("\xFF\xE6\x94") == 3);  // invalid UTF-8
}

TEST_CASE("terminal text: cutting keeps characters whole and stays within the width", "[query]") {
  const auto check = [](const std::string& text, size_t width, const std::string& expected,
                        const std::string& expected_front) {
    INFO(text << " in " << width);
    CHECK(cut_to(text, width) == expected);
    CHECK(cut_front_to(text, width) == expected_front);
    CHECK(width_of(cut_to(text, width)) <= width);
    CHECK(width_of(cut_front_to(text, width)) <= width);
  };
  check("abcdef", 6, "abcdef", "abcdef");
  check("abcdef", 4, "abc…", "…def");
  check("abcdef", 1, "…", "…");
  check("支払い完了", 10, "支払い完了", "支払い完了");
  check("支払い完了", 9, "支払い完…", "…払い完了");
  check("支払い完了", 8, "支払い…", "…い完了");
  check("支払", 1, "…", "…");
  check(kAccent + kAccent + kAccent, 2, kAccent + "…", "…" + kAccent);
  check("a" + kFamily + "b", 5, "a…", "…b");
  check("a" + kFamily + "b", 6, "a" + kFamily + "b", "a" + kFamily + "b");
}
