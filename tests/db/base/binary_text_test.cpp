#include "db/base/binary_text.h"

#include <catch2/catch.hpp>

using namespace tocsin;

TEST_CASE("binary text: bytes come back from base64", "[base]") {
  const auto check = [](const std::string& bytes, const std::string& text) {
    CHECK(base64_text(bytes) == text);
    CHECK(parse_base64(text) == bytes);
  };
  check("", "");
  check("\xff", "/w==");
  check("\xff\xfe", "//4=");
  check("\xff\xfe\xfd", "//79");
  check("plain", "cGxhaW4=");
  for (const char* wrong : {"A", "AA=A", "A===", "\xff=AA", "=", "AAAAA"}) {
    CHECK_FALSE(parse_base64(wrong));
  }
}

TEST_CASE("binary text: bytes come back from hexadecimal digits", "[base]") {
  CHECK(hex_text("") == "");
  CHECK(hex_text("\x01\xFE") == "01fe");
  CHECK(parse_hex("01fe") == "\x01\xFE");
  CHECK(parse_hex("01FE") == "\x01\xFE");
  for (const char* wrong : {"0", "0g", "-1", "0x", " 1"}) CHECK_FALSE(parse_hex(wrong));
}
