#include "db/encoding/text_template.h"

#include <catch2/catch.hpp>

namespace tocsin {
namespace {

TEST_CASE("text template: a search for a literal is decided without the texts", "[db]") {
  TextTemplate with_number;
  with_number.parts = {"timeout after ", " ms waiting"};
  auto check = [](const TextTemplate& of, std::string_view needle, TextMatch expected) {
    INFO(needle);
    CHECK(of.contains(needle) == expected);
  };
  check(with_number, "timeout", TextMatch::kAlways);
  check(with_number, " ms", TextMatch::kAlways);
  check(with_number, "", TextMatch::kAlways);
  check(with_number, "refused", TextMatch::kNever);
  check(with_number, "after ms", TextMatch::kNever);
  check(with_number, "feed", TextMatch::kNever);
  check(with_number, "7", TextMatch::kUnknown);
  check(with_number, "after 7", TextMatch::kUnknown);
  with_number.has_hex = true;
  check(with_number, "feed", TextMatch::kUnknown);
  check(with_number, "xyz", TextMatch::kNever);

  TextTemplate constant;
  constant.parts = {"line 7 is constant"};
  check(constant, "7 is", TextMatch::kAlways);
  check(constant, "8", TextMatch::kNever);

  TextTemplate free;
  free.is_free = true;
  check(free, "anything", TextMatch::kUnknown);
}

TEST_CASE("id format: each number has exactly one text", "[db]") {
  auto check = [](const IdFormat& format, std::string_view text, std::optional<uint64_t> id) {
    INFO(text);
    CHECK(format.parse(text) == id);
    if (id) CHECK(format.text(*id) == text);
  };
  const IdFormat hex{"tx-", true, false, 16};
  check(hex, "tx-9e3779b97f4a7c15", 0x9e3779b97f4a7c15);
  check(hex, "tx-0000000000000000", 0);
  check(hex, "tx-9E3779b97f4a7c15", std::nullopt);
  check(hex, "tx-9e3779b97f4a7c1", std::nullopt);
  check(hex, "ty-9e3779b97f4a7c15", std::nullopt);
  check(hex, "tx-", std::nullopt);
  const IdFormat upper{"", true, true, 4};
  check(upper, "00FF", 255);
  check(upper, "00ff", std::nullopt);
  const IdFormat padded{"order ", false, false, 6};
  check(padded, "order 000042", 42);
  check(padded, "order 42", std::nullopt);
  const IdFormat plain{"#", false, false, 0};
  check(plain, "#0", 0);
  check(plain, "#18446744073709551615", UINT64_MAX);
  check(plain, "#18446744073709551616", std::nullopt);
  check(plain, "#042", std::nullopt);
  check(plain, "#-1", std::nullopt);
}

}  // namespace
}  // namespace tocsin
