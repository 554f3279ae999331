#include "tools/client/remote_rules.h"

#include <string>

#include <catch2/catch.hpp>

namespace tocsin {

TEST_CASE("remote rules: a row per rule, and one per forgotten instance", "[client]") {
  const auto rules = parse_rules(R"({"status":"success","data":{"groups":[{"rules":[
      {"name":"A","health":"err","interval":90,"lastEvaluation":"2026-11-24T10:00:00Z",
       "nextEvaluation":"2026-11-24T10:01:30Z",
       "alerts":[{"state":"firing","status":{"inhibitedBy":["B"]}},{"state":"pending"},
                 {"state":"firing","status":{"inhibitedBy":[]}},{"state":"firing"}],
       "forgotten":[{"labels":{"host":"h","service":"pay"},"forgottenAt":"2026-11-20T00:00:00Z"}]},
      {"name":"B","health":"ok","interval":300,"lastEvaluation":"0001-01-01T00:00:00Z",
       "nextEvaluation":"2026-11-24T10:05:00Z","alerts":[],"forgotten":[]}]}]}})");
  REQUIRE(rules);
  CHECK(format_result(rules->rules, ResultFormat::kCsv) ==
        "rule,health,every,evaluated,next,pending,firing,inhibited,forgotten\r\n"
        "A,failing,1m30s,2026-11-24T10:00:00.000000000Z,2026-11-24T10:01:30.000000000Z,1,2,1,1\r\n"
        "B,ok,5m,,2026-11-24T10:05:00.000000000Z,0,0,0,0\r\n");
  CHECK(format_result(rules->forgotten, ResultFormat::kCsv) ==
        "rule,labels,forgotten\r\nA,\"host=h, service=pay\",2026-11-20T00:00:00.000000000Z\r\n");
}

TEST_CASE("remote rules: another response is an error", "[client]") {
  for (const std::string json : {"", "{}", "<html>", R"({"data":{"groups":5}})"}) {
    CHECK_FALSE(parse_rules(json));
  }
}

}  // namespace tocsin
