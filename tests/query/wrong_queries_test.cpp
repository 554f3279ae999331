// Every query in testdata/wrong_queries.txt must get exactly the message below it.
#include <fstream>
#include <iostream>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "query/check/prepare.h"
#include "tests/query/sample_catalog.h"

using namespace tocsin;

namespace {

struct WrongQuery {
  std::string text;     // lines starting with `> `
  std::string message;  // the following lines, up to an empty one
};

std::vector<WrongQuery> read_wrong_queries() {
  std::ifstream file(TOCSIN_SOURCE_DIR "/tests/query/testdata/wrong_queries.txt");
  std::vector<WrongQuery> queries;
  std::string line;
  bool in_query = false;
  while (std::getline(file, line)) {
    if (line.starts_with("#") || line.empty()) {
      in_query = false;
      continue;
    }
    if (line.starts_with("> ")) {
      if (!in_query) queries.emplace_back();
      std::string& text = queries.back().text;
      text += (text.empty() ? "" : "\n") + line.substr(2);
      in_query = true;
    } else {
      std::string& message = queries.back().message;
      message += (message.empty() ? "" : "\n") + line;
      in_query = false;
    }
  }
  return queries;
}

}  // namespace

TEST_CASE("language: each wrong query gets its message", "[query]") {
  const Catalog catalog = sample_catalog();
  const auto queries = read_wrong_queries();
  REQUIRE(queries.size() >= 40);
  for (const WrongQuery& query : queries) {
    INFO(query.text);
    const auto plan = build_plan(query.text, catalog, sample_options());
    REQUIRE_FALSE(plan);
    CHECK(plan.error().code == ErrorCode::kInvalid);
    CHECK(plan.error().message == query.message);
  }
}
