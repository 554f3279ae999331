#include "query/parser/diagnostic.h"

#include <string>

#include <catch2/catch.hpp>

using namespace tocsin;

namespace {

// The excerpt and carets for the first occurrence of `marked` in the text.
std::string shown(const std::string& text, const std::string& marked) {
  Diagnostic diagnostic;
  diagnostic.message = "no";
  diagnostic.locate(text, text.find(marked), marked.size());
  const std::string out = diagnostic.render(text);
  return out.substr(out.find('\n') + 1);
}

}  // namespace

TEST_CASE("diagnostic: carets align with wide characters and combining marks", "[query]") {
  CHECK(shown("where 状態 == x", "x") ==
        "   1 | where 状態 == x\n"
        "                     ^");
  CHECK(shown("where 状態 == x", "状態") ==
        "   1 | where 状態 == x\n"
        "             ^^^^");
  CHECK(shown("\"e\xCC\x81\" 🔥 x", "x") ==
        "   1 | \"e\xCC\x81\" 🔥 x\n"
        "              ^");
}

TEST_CASE("diagnostic: control characters do not move the carets", "[query]") {
  CHECK(shown("a\tb\x1b[1m\xC2\x9B x", "x") ==
        "   1 | a b [1m   x\n"
        "                 ^");
}

TEST_CASE("diagnostic: a long line is cut to fit 80 columns", "[query]") {
  const std::string filler(60, '-');
  CHECK(shown("x " + filler + filler, "x") == "   1 | x " + filler + "---------…\n       ^");
  CHECK(shown(filler + " x " + filler, "x") == "   1 | …" + std::string(46, '-') + " x " +
                                                   std::string(21, '-') + "…\n" +
                                                   std::string(55, ' ') + "^");
  CHECK(shown(filler + filler + " x", "x") ==
        "   1 | …" + filler + "--------- x\n" + std::string(78, ' ') + "^");
  const std::string wide = "支払い支払い支払い支払い支払い支払い支払い支払い支払い支払い";
  CHECK(shown(wide + wide + "x", "x") ==
        "   1 | …払い" + wide + "支払いx\n" + std::string(78, ' ') + "^");
}

TEST_CASE("diagnostic: a mark that is too long ends with the excerpt", "[query]") {
  const std::string filler(90, '-');
  CHECK(shown(filler + " " + std::string(90, 'x'), std::string(90, 'x')) ==
        "   1 | …" + std::string(22, '-') + " " + std::string(47, 'x') + "…\n" +
            std::string(31, ' ') + std::string(48, '^'));
}
