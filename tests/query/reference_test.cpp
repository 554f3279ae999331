// The written reference: everything of the registry stands in it, and its queries work.
#include <catch2/catch.hpp>
#include <fstream>
#include <sstream>
#include <string>

#include "query/functions.h"
#include "query/prepare.h"
#include "tests/query/sample_catalog.h"

using namespace tocsin;

namespace {

std::string reference() {
  std::ifstream file(TOCSIN_SOURCE_DIR "/query/README.md");
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

bool mentions(const std::string& text, const Documentation& entry) {
  INFO(entry.signature);
  const bool complete = text.find(std::string("`") + entry.signature + "`") != std::string::npos &&
                        text.find(entry.help) != std::string::npos &&
                        text.find(entry.example) != std::string::npos;
  CHECK(complete);
  return complete;
}

}  // namespace

TEST_CASE("reference: has every stage, function and aggregate as the registry has it", "[query]") {
  const std::string text = reference();
  REQUIRE_FALSE(text.empty());
  for (const StageEntry& entry : all_stages()) mentions(text, entry.documentation);
  for (const FunctionEntry& entry : all_functions()) mentions(text, entry.documentation);
  for (const AggregateEntry& entry : all_aggregates()) mentions(text, entry.documentation);
}

TEST_CASE("reference: its queries work", "[query]") {
  std::istringstream text(reference());
  const Catalog catalog = sample_catalog();
  size_t count = 0;
  std::string query;
  const auto check = [&] {
    if (query.starts_with("from ")) {
      INFO(query);
      const auto plan = build_plan(query, catalog, sample_options());
      CHECK((plan ? "" : plan.error().message) == std::string());
      ++count;
    }
    query.clear();
  };
  std::string line;
  while (std::getline(text, line)) {
    if (!line.starts_with("    ")) {
      check();
      continue;
    }
    // Each line that begins with `from` is a query of its own, with the stages under it.
    if (line.starts_with("    from ")) check();
    query += line.substr(4) + "\n";
  }
  check();
  CHECK(count >= 15);
}
