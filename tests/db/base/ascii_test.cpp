#include "db/base/ascii.h"

#include <catch2/catch.hpp>

using namespace tocsin;

namespace {

// All characters of a class.
std::string members(bool (*is_member)(char)) {
  std::string out;
  for (int c = 0; c < 256; ++c) {
    if (is_member(static_cast<char>(c))) out += static_cast<char>(c);
  }
  return out;
}

}  // namespace

TEST_CASE("ascii: classes contain their characters and no others", "[base]") {
  const std::string upper = "ABCDEFGHIJKLMNOPQRSTUVWXYZ", lower = "abcdefghijklmnopqrstuvwxyz";
  const std::string digits = "0123456789";
  CHECK(members(is_digit) == digits);
  CHECK(members(is_letter) == upper + lower);
  CHECK(members(is_alphanumeric) == digits + upper + lower);
  CHECK(members(is_word_character) == digits + upper + "_" + lower);
  CHECK(members(is_hex_digit) == digits + "ABCDEFabcdef");
  CHECK(members(is_control).size() == 33);
  CHECK(members(is_blank) == "\t\r ");
  CHECK(members(is_space) == "\t\n\r ");
  CHECK(lower_case(upper + "[`@{\xC3\x89") == lower + "[`@{\xC3\x89");
  CHECK(upper_case(lower + "[`@{") == upper + "[`@{");
}

TEST_CASE("ascii: texts are compared without their case", "[base]") {
  CHECK(equals_ignoring_case("Content-Type", "content-tYPE"));
  CHECK_FALSE(equals_ignoring_case("a", "ab"));
  CHECK_FALSE(equals_ignoring_case("[", "{"));
  CHECK(starts_with_ignoring_case("HTTP://x", "http://"));
  CHECK(starts_with_ignoring_case("x", ""));
  CHECK_FALSE(starts_with_ignoring_case("htt", "http"));
}

TEST_CASE("ascii: white space is trimmed at the ends", "[base]") {
  CHECK(trimmed(" \r\n\ta b\t \n") == "a b");
  CHECK(trimmed_start(" a ") == "a ");
  CHECK(trimmed_end(" a ") == " a");
  CHECK(trimmed(" \n").empty());
  CHECK(trimmed("").empty());
  CHECK(is_blank_line(" \t\r"));
  CHECK(is_blank_line(""));
  CHECK_FALSE(is_blank_line(" x"));
}
