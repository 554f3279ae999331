#include "rules/alert.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

#include <catch2/catch.hpp>

#include "db/schema/own_columns.h"
#include "rules/alert_write.h"

using namespace tocsin;

namespace {

AlertEvent example_event() {
  AlertEvent event;
  event.time = 1'764'000'000'000'000'001;
  event.written_at = event.time + kSecond;
  event.rule = "FailureRateSpike";
  event.type = "FAILURE_RATE_SPIKE";
  event.severity = Severity::kCritical;
  event.state = AlertState::kResolved;
  event.service = "pay\"ments\n";
  event.value = 0.1;
  event.baseline = 1e-300;
  event.summary = "50 % failed";
  event.fingerprint = "0123456789abcdef";
  event.started_at = -5;
  event.window_from = event.time - kHour;
  event.window_to = event.time;
  event.labels = {{"service", "payments"}, {"team", "a, b"}};
  event.annotations = {{"summary", "s"}};
  event.samples = {R"({"time":"x","n":1})", ""};
  event.query = "from audit | limit 1";
  event.explanation = R"([{"column":"host","value":"web-3"}])";
  event.late = true;
  event.notified = {Severity::kLow, Severity::kCritical};
  return event;
}

}  // namespace

TEST_CASE("alert: an encoded event decodes to itself", "[rules]") {
  const auto decoded = decode_alert(encode_alert(example_event()));
  REQUIRE(decoded);
  CHECK(*decoded == example_event());
}

TEST_CASE("alert: queries know all columns that an alert is written with", "[rules]") {
  AlertEvent event = example_event();
  event.hold_back({{"CollectorSilent"}, {"file:night"}, "ada"});
  WriteRequest request;
  OutboxSequence sequence;
  add_alerts({event}, {}, event.written_at, sequence, request);
  std::vector<OwnColumn> written;
  for (const Lane& lane : request.batch.rows_of(kAlertsMeasurement).lanes())
    written.push_back({lane.name.c_str(), lane.type, lane.kind});
  CHECK(std::ranges::is_permutation(written, own_columns(kAlertsMeasurement)));
}

TEST_CASE("alert: values that are not finite are null", "[rules]") {
  AlertEvent event = example_event();
  event.value = std::numeric_limits<double>::quiet_NaN();
  event.baseline = std::numeric_limits<double>::infinity();
  const std::string text = encode_alert(event);
  CHECK(text.find("\"value\":null,\"baseline\":null") != std::string::npos);
  const auto decoded = decode_alert(text);
  REQUIRE(decoded);
  CHECK(std::isnan(decoded->value));
  CHECK(std::isnan(decoded->baseline));
}

TEST_CASE("alert: unknown keys are ignored and missing keys keep their defaults", "[rules]") {
  const auto decoded = decode_alert(R"({"v":9,"rule":"R","news":{"a":[1]},"value":3})");
  REQUIRE(decoded);
  CHECK(decoded->rule == "R");
  CHECK(decoded->value == 3);
  CHECK(std::isnan(decoded->baseline));
  CHECK(decoded->state == AlertState::kFiring);
}

TEST_CASE("alert: damaged entries are rejected", "[rules]") {
  for (const char* text : {"", "{", "[]", "5", R"({"time":"x"})", R"({"labels":{"a":1}})",
                           R"({"samples":"x"})", R"({"late":0})", R"({"told":"LOW"})"}) {
    const auto decoded = decode_alert(text);
    REQUIRE_FALSE(decoded);
    CHECK(decoded.error().code == ErrorCode::kCorrupt);
  }
  CHECK_FALSE(decode_alert(R"({"severity":"high"})"));
  CHECK_FALSE(decode_alert(R"({"state":"on"})"));
  CHECK_FALSE(decode_alert(R"({"told":["low"]})"));
}

TEST_CASE("alert: names of severities and states parse back", "[rules]") {
  for (const Severity s :
       {Severity::kLow, Severity::kMedium, Severity::kHigh, Severity::kCritical}) {
    CHECK(parse_severity(name_of(s)) == s);
  }
  CHECK(parse_alert_state("resolved") == AlertState::kResolved);
  CHECK(parse_severity("high").error().message ==
        "`high` is not a severity; expected LOW, MEDIUM, HIGH or CRITICAL");
}

TEST_CASE("alert: outbox keys of one forwarder sort by sequence", "[rules]") {
  CHECK(outbox_key("pager", 9) == "pager/00000000000000000009");
  CHECK(outbox_key("pager", 9) < outbox_key("pager", 10));
  CHECK(outbox_key("pager", 10) < outbox_key("pager", UINT64_MAX));
}
