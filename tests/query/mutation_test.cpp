// Randomly damaged queries: prepare returns a plan, or a diagnostic that points into the text.
#include <random>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "query/check/prepare.h"
#include "query/function/functions.h"
#include "tests/query/sample_catalog.h"
#include "tests/support/seed.h"

using namespace tocsin;

namespace {

std::vector<std::string> seeds() {
  std::vector<std::string> out;
  for (const StageEntry& entry : all_stages()) out.emplace_back(entry.documentation.example);
  for (const FunctionEntry& entry : all_functions()) {
    out.push_back(std::string("from audit | where exists(") + entry.documentation.example + ")");
  }
  return out;
}

class Mutator {
 public:
  explicit Mutator(uint32_t seed) : random_(seed) {}

  std::string operator()(std::string text) {
    for (size_t changes = 1 + pick(3); changes > 0; --changes) change(text);
    return text;
  }

  size_t pick(size_t count) { return random_() % count; }

 private:
  void change(std::string& text) {
    static const std::vector<std::string> kPieces = {" ",
                                                     "|",
                                                     "(",
                                                     ")",
                                                     ",",
                                                     "\"",
                                                     "`",
                                                     "'",
                                                     "=",
                                                     "==",
                                                     "-",
                                                     "!",
                                                     "$x",
                                                     "1",
                                                     "5m",
                                                     "null",
                                                     "2026-11-24",
                                                     "by",
                                                     "baseline(n)",
                                                     "in",
                                                     "not",
                                                     "now",
                                                     "\n",
                                                     "#",
                                                     "\\",
                                                     "[",
                                                     "{",
                                                     "\xC3\xA9",
                                                     "\xFF",
                                                     ".",
                                                     "*",
                                                     "time",
                                                     "stats",
                                                     "| let a = code",
                                                     "9999999999999999999w",
                                                     "r\"("};
    const size_t place = pick(text.size() + 1);
    switch (pick(3)) {
      case 0: text.insert(place, kPieces[pick(kPieces.size())]); break;
      case 1: text.erase(place, 1 + pick(6)); break;
      default: text = text.substr(0, place) + text.substr(pick(text.size() + 1)); break;
    }
  }

  std::mt19937 random_;
};

}  // namespace

TEST_CASE("prepare: damaged text returns a plan or a diagnostic that points into it", "[query]") {
  const uint32_t seed = test::seed_of_run();
  INFO("seed " << seed);
  Mutator mutate(seed);
  const Catalog catalog = sample_catalog();
  const std::vector<std::string> originals = seeds();
  QueryOptions options = sample_options();
  for (int i = 0; i < 4000; ++i) {
    const std::string text = mutate(originals[mutate.pick(originals.size())]);
    options.rule_mode = i % 2 == 0;
    Diagnostic diagnostic;
    const auto plan = build_plan(text, catalog, options, &diagnostic);
    INFO(text);
    if (plan) {
      CHECK(!print_plan(*plan).empty());
      continue;
    }
    CHECK(!diagnostic.message.empty());
    CHECK(diagnostic.offset <= text.size());
    CHECK(plan.error().message == diagnostic.render(text));
  }
}
