#include "net/parse/bulk.h"

#include <random>
#include <sstream>

#include <catch2/catch.hpp>
#include <fmt/format.h>

namespace tocsin {
namespace {

// `action index id: document`, a line per item; or the error.
std::string bulk_text(const std::string& body) {
  const auto bulk = parse_bulk(body, "logs");
  if (!bulk) return bulk.error().message;
  std::string out;
  for (const BulkItem& item : bulk->items) {
    out += fmt::format("{} {} {}: {}\n", name_of(item.action), bulk->indices[item.index], item.id,
                       item.document);
  }
  return out;
}

TEST_CASE("bulk: actions have documents, except `delete`", "[net]") {
  CHECK(bulk_text("{\"create\":{\"_index\":\"a\",\"_id\":\"1\"}}\n{\"n\":1}\n"
                  "{\"delete\":{\"_index\":\"b\"}}\n\n"
                  "{\"index\":{}}\r\n{\"n\":2}\r\n"
                  "{\"update\":{\"_id\":\"x\"}}\n{\"doc\":{}}\n"
                  "{\"create\":{}}\n{\"n\":3}") ==
        "create a 1: {\"n\":1}\ndelete b : \nindex logs : {\"n\":2}\nupdate logs x: {\"doc\":{}}\n"
        "create logs : {\"n\":3}\n");
  CHECK(bulk_text("").empty());
  CHECK(bulk_text("\n\n").empty());
  CHECK(bulk_text("{\"create\":{}}\n") == "create logs : \n");
}

TEST_CASE("bulk: an action that is not valid is named with its line", "[net]") {
  const std::string good = "{\"create\":{}}\n{}\n";
  for (const char* bad : {"{}", "{\"n\":1}", "{\"put\":{}}", "{\"create\":1}", "[]", "x",
                          "{\"create\":{},\"index\":{}}"}) {
    CAPTURE(bad);
    CHECK(bulk_text(good + bad + "\n{}\n") ==
          fmt::format("Malformed action/metadata line [3]: expected "
                      "{{\"create\":{{\"_index\":...}}}} or {{\"index\":...}}, found {}",
                      bad));
  }
}

TEST_CASE("bulk: a request has a limit of items", "[net]") {
  std::string body;
  for (size_t i = 0; i < kBulkItemsMax; ++i) body += "{\"create\":{}}\n{}\n";
  CHECK(parse_bulk(body, "x")->items.size() == kBulkItemsMax);
  CHECK(parse_bulk(body + "{\"create\":{}}\n{}\n", "x").error().code == ErrorCode::kLimit);
}

TEST_CASE("bulk: random requests are read as they were written", "[net]") {
  const unsigned seed = 5;
  CAPTURE(seed);
  std::mt19937 random(seed);
  for (int round = 0; round < 200; ++round) {
    std::string body;
    std::string expected;
    for (size_t n = random() % 6; n > 0; --n) {
      const char* actions[] = {"create", "index", "update", "delete"};
      const std::string action = actions[random() % 4];
      const std::string index = random() % 2 ? "" : fmt::format("i{}", random() % 2);
      const std::string id = random() % 2 ? "" : fmt::format("{}", random() % 3);
      std::string fields;
      if (!id.empty()) fields += "\"_id\":\"" + id + "\"";
      if (!index.empty()) fields += (fields.empty() ? "" : ",") + ("\"_index\":\"" + index + "\"");
      const std::string document = action == "delete" ? "" : fmt::format("{{\"n\":{}}}", random());
      body += "{\"" + action + "\":{" + fields + "}}" + (random() % 2 ? "\r\n" : "\n");
      if (!document.empty()) body += document + "\n";
      expected +=
          fmt::format("{} {} {}: {}\n", action, index.empty() ? "logs" : index, id, document);
    }
    CHECK(bulk_text(body) == expected);
  }
}

TEST_CASE("bulk: the measurement of an index has no date", "[net]") {
  const auto check = [](const char* index, const char* expected) {
    CAPTURE(index);
    CHECK(measurement_of_index(index) == expected);
  };
  check("shop", "shop");
  check("filebeat-8.17.0-2026.11.30", "filebeat-8.17.0");
  check("filebeat-8.17.0-2026.11.30-000001", "filebeat-8.17.0");
  check(".ds-logs-generic-default-2026.11.30-000012", "logs-generic-default");
  check("logs-generic-default", "logs-generic-default");
  check("shop-2026-11-30", "shop");
  check("shop_2026_11", "shop");
  check("shop.20261130", "shop");
  check("shop-2026.11.30.12", "shop");
  check("shop-2026.w48", "shop");
  check("shop-2026", "shop");
  check("shop-000001", "shop");
  check("shop-2026.13", "shop-2026.13");
  check("shop-8080", "shop-8080");
  check("2026.11.30", "2026.11.30");
  check("", "");
}

}  // namespace
}  // namespace tocsin
