#include "query/parser/lexer.h"

#include <string>

#include <catch2/catch.hpp>

using namespace tocsin;

namespace {

Value number(const std::string& text) {
  Value value;
  size_t length = 0;
  LexError error;
  const LexResult result = lex_number(text, TimeZone(), value, length, error);
  return result == LexResult::kFound && length == text.size() ? value : Value::of("no");
}

std::string string_of(const std::string& text) {
  std::string value;
  size_t length = 0;
  LexError error;
  const LexResult result = lex_string(text, value, length, error);
  if (result == LexResult::kError) return "error: " + error.message;
  return result == LexResult::kFound && length == text.size() ? value : "no";
}

}  // namespace

TEST_CASE("lexer: identifiers are words joined by dots", "[query]") {
  CHECK(identifier_length("a.b_1.9 x") == 7);
  CHECK(identifier_length("p99.9(x)") == 5);
  CHECK(identifier_length("a..b") == 1);
  CHECK(identifier_length("a.") == 1);
  CHECK(identifier_length("9a") == 0);
  CHECK(identifier_length("@a") == 0);
  CHECK(measurement_length("a-b/c:d.e|x") == 9);
  CHECK(measurement_length("-a") == 0);
  CHECK(starts_with_word("in(x)", "in"));
  CHECK_FALSE(starts_with_word("in.x", "in"));
  CHECK_FALSE(starts_with_word("inner", "in"));
}

TEST_CASE("lexer: a number may be a time, a duration, an integer or a float", "[query]") {
  CHECK(number("2026-11-24") == Value::time(1'795'478'400 * kSecond));
  CHECK(number("1970-01-01T00:00:01.5Z") == Value::time(1'500'000'000));
  CHECK(number("1h30m") == Value::duration(90 * kMinute));
  CHECK(number("500ms") == Value::duration(500 * kMillisecond));
  CHECK(number("7") == Value::of(int64_t{7}));
  CHECK(number("9223372036854775807") == Value::of(INT64_MAX));
  CHECK(number("9223372036854775808") == Value::of(uint64_t{1} << 63));
  CHECK(number("1.5") == Value::of(1.5));
  CHECK(number("1e3") == Value::of(1000.0));
  CHECK(number("1.5e-3") == Value::of(0.0015));
}

TEST_CASE("lexer: a malformed number, time or duration is an error", "[query]") {
  const auto fails = [](const char* text) {
    Value value;
    size_t length = 0;
    LexError error;
    return lex_number(text, TimeZone(), value, length, error) == LexResult::kError;
  };
  for (const char* text : {"5min", "1h30", "5x", "1.5.5m", "2026-13-01", "2026-11-24T10:00Z",
                           "2026-11-24T10:00:00", "18446744073709551616", "1e999", "5_000"}) {
    INFO(text);
    CHECK((fails(text) || number(text) == Value::of("no")));
  }
}

TEST_CASE("lexer: incomplete times and unit words are recognised", "[query]") {
  const auto check = [](const char* text, const std::string& expected, size_t expected_length) {
    INFO(text);
    size_t length = 0;
    CHECK(completed_time(text, length) == expected);
    CHECK(length == expected_length);
  };
  check("2026-11-24 10:00", "2026-11-24T10:00:00Z", 16);
  check("2026-11-24   9:00:01.5 or", "2026-11-24T09:00:01.5Z", 22);
  check("2026-11-24T10:00+01:00)", "2026-11-24T10:00:00+01:00", 22);
  check("2026-11-24 10:00 - 5m", "2026-11-24T10:00:00Z", 16);
  for (const char* other : {"2026-11-24", "2026-11-24 10", "2026-11-24 25:00",
                            "2026-11-24T10:00-5m", "2026-11-2410:00", "2026-02-30 10:00", ""}) {
    check(other, "", 0);
  }
  CHECK(unit_of_word("minutes") == "m");
  CHECK(unit_of_word("ms") == "ms");
  CHECK(unit_of_word("month").empty());
  CHECK(unit_of_word("").empty());
}

TEST_CASE("lexer: valid escapes are decoded, others are errors", "[query]") {
  CHECK(string_of(R"("a\n\t\r\"\\")") == "a\n\t\r\"\\");
  CHECK(string_of(R"("\u{41}\u{e9}\u{20AC}\u{1F600}")") == "A\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80");
  CHECK(string_of(R"(r"\d+\n")") == R"(\d+\n)");
  CHECK(string_of("\"\"") == "");
  for (const char* bad : {R"("\d")", R"("\u41")", R"("\u{}")", R"("\u{110000}")", R"("\u{D800}")",
                          R"("\u{0000041}")", R"("\)", "\"open", "\"a\nb\"", R"(r"open)"}) {
    INFO(bad);
    CHECK(string_of(bad).starts_with("error: "));
  }
}

TEST_CASE("lexer: quote_string round-trips", "[query]") {
  for (const std::string& text : {std::string("plain"), std::string("q\"b\\n\n\r\t\x01\x7F"),
                                  std::string("\0z", 2), std::string("€")}) {
    CHECK(string_of(quote_string(text)) == text);
  }
}

TEST_CASE("lexer: a name in backticks may contain doubled backticks", "[query]") {
  std::string name;
  size_t length = 0;
  LexError error;
  CHECK(lex_quoted_name("`a``b` c", name, length, error) == LexResult::kFound);
  CHECK(name == "a`b");
  CHECK(length == 6);
  CHECK(lex_quoted_name("``", name, length, error) == LexResult::kError);
  CHECK(lex_quoted_name("`a", name, length, error) == LexResult::kError);
  CHECK(lex_quoted_name("a", name, length, error) == LexResult::kNone);
}

TEST_CASE("lexer: comments count as blanks", "[query]") {
  CHECK(blank_length(" \t\r\n# to the end\n x") == 18);
  CHECK(blank_length("# all") == 5);
  CHECK(blank_length("x") == 0);
}

TEST_CASE("lexer: parentheses in strings, names and comments are not counted", "[query]") {
  const std::string text = "((\"((\" `((` # ((\n r\"((\"))";
  CHECK(too_deep_offset(text, 2) == text.size());
  CHECK(too_deep_offset(text, 1) == 1);
  CHECK(too_deep_offset("()()()", 1) == 6);
}

TEST_CASE("lexer: invalid_utf8_offset is the first invalid byte", "[query]") {
  CHECK(invalid_utf8_offset("from a") == 6);
  CHECK(invalid_utf8_offset("€uro \xFF x") == 7);
  CHECK(invalid_utf8_offset("\xFF") == 0);
  CHECK(invalid_utf8_offset("ab\xE2\x82") == 2);
}
