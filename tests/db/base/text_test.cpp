#include "db/base/text.h"

#include <string>
#include <vector>

#include <catch2/catch.hpp>

using namespace tocsin;

TEST_CASE("text: the nearest name is a likely misspelling or nothing", "[base]") {
  const std::vector<std::string> names = {"duration_ms", "service", "status", "host"};
  CHECK(nearest_name("durtion_ms", names) == "duration_ms");
  CHECK(nearest_name("sevrice", names) == "service");
  CHECK(nearest_name("hots", names) == "host");
  CHECK(nearest_name("zebra", names).empty());
  CHECK(did_you_mean("host") == "did you mean `host`?");
  CHECK(did_you_mean("host", "see --help") == "did you mean `host`?");
  CHECK(did_you_mean("", "see --help") == "see --help");
  CHECK(did_you_mean("").empty());
}

TEST_CASE("text: invalid UTF-8 is replaced byte by byte and counted", "[base]") {
  size_t replaced = 0;
  CHECK(valid_utf8("gr\xC3\xBC\xC3\x9F", replaced) == "gr\xC3\xBC\xC3\x9F");
  CHECK(replaced == 0);
  CHECK(valid_utf8("a\xFF\xC3", replaced) == "a\xEF\xBF\xBD\xEF\xBF\xBD");
  CHECK(replaced == 2);
  CHECK_FALSE(is_valid_utf8("\xED\xA0\x80"));  // a surrogate
  CHECK_FALSE(is_valid_utf8("\xC0\x80"));      // overlong
  for (size_t at = 0; at < 20; ++at) {
    std::string text(20, 'x');
    CHECK(is_valid_utf8(text));
    CHECK(is_valid_utf8(std::string(text).insert(at, "\xC3\xA9")));
    CHECK_FALSE(is_valid_utf8(text.replace(at, 1, "\xC3")));
  }
}

TEST_CASE("text: control characters become escapes", "[base]") {
  CHECK(escape_controls("a\tb\n\x1b[1m\x7f") == "a\\tb\\n\\x1b[1m\\x7f");
  CHECK(escape_controls("\xC2\x9B"
                        "1m") == "\\x9b1m");
  CHECK(escape_controls("支\xFF") == "支\xEF\xBF\xBD");
  CHECK(escape_controls("") == "");
  CHECK(escape_controls("a\n\tb\x1b[2J\r", "\n\t") == "a\n\tb\\x1b[2J\\r");
}

TEST_CASE("text: characters that change the direction of text become escapes", "[base]") {
  CHECK(escape_controls("invoice\u202Efdp.exe") == "invoice\\u202efdp.exe");
  CHECK(escape_controls("\u061C\u200E\u200F\u202A\u202B\u202C\u202D\u2066\u2067\u2068\u2069") ==
        "\\u061c\\u200e\\u200f\\u202a\\u202b\\u202c\\u202d\\u2066\\u2067\\u2068\\u2069");
  // Their neighbours, and text that runs from right to left by itself, stay.
  const std::string others = "\u061B\u061D\u200D\u2010\u2029\u202F\u2065\u206A שלום سلام";
  CHECK(escape_controls(others) == others);
  CHECK(control_length("\xE2\x80") == 0);
  CHECK(control_length("\xE2") == 0);
}
