#include "net/deliver/payload.h"

#include <limits>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

using namespace tocsin;

namespace {

constexpr Timestamp kNoon = 1'764'072'000 * kSecond;  // 2025-11-25T12:00:00Z

AlertEvent spike() {
  AlertEvent e;
  e.time = kNoon;
  e.written_at = kNoon + 10 * kSecond;
  e.rule = "FailureRateSpike";
  e.type = "FAILURE_RATE_SPIKE";
  e.severity = Severity::kHigh;
  e.state = AlertState::kFiring;
  e.service = "pay";
  e.value = 0.25;
  e.baseline = 0.0625;
  e.summary = "pay: \"25 %\" failed";
  e.fingerprint = "00000000000000ab";
  e.started_at = kNoon - kHour;
  e.window_from = kNoon - kHour;
  e.window_to = kNoon;
  e.labels = {{"service", "pay"}, {"team", "payments"}};
  e.annotations = {{"runbook", "https://runbooks/1"}};
  e.samples = {R"({"status":"FAILED"})"};
  e.explanation = R"([{"column":"host"}])";
  e.query = "from audit | where a == \"ü\"";
  return e;
}

}  // namespace

TEST_CASE("payload: one firing alert in Alertmanager's format", "[net]") {
  const AlertEvent event = spike();
  const std::string expected =
      R"({"receiver":"hook","status":"firing","alerts":[{"status":"firing",)"
      R"("labels":{"alertname":"FailureRateSpike","service":"pay","severity":"HIGH","team":"payments"},)"
      R"("annotations":{"runbook":"https://runbooks/1","summary":"pay: \"25 %\" failed"},)"
      R"("startsAt":"2025-11-25T11:00:00Z","endsAt":"0001-01-01T00:00:00Z","generatorURL":"http://t:8086/#q=from%20audit%20%7C%20where%20a%20%3D%3D%20%22%C3%BC%22",)"
      R"("fingerprint":"00000000000000ab","tocsin":{"id":")" +
      delivery_id(event) +
      R"(","type":"FAILURE_RATE_SPIKE","severity":"HIGH","state":"firing","value":0.25,"baseline":0.0625,)"
      R"("window":{"from":"2025-11-25T11:00:00Z","to":"2025-11-25T12:00:00Z"},)"
      R"("samples":["{\"status\":\"FAILED\"}"],"explanation":[{"column":"host"}],)"
      R"("query":"from audit | where a == \"ü\"","late":false}}],)"
      R"("groupLabels":{"alertname":"FailureRateSpike"},)"
      R"("commonLabels":{"alertname":"FailureRateSpike","service":"pay","severity":"HIGH","team":"payments"},)"
      R"("commonAnnotations":{"runbook":"https://runbooks/1","summary":"pay: \"25 %\" failed"},)"
      R"("externalURL":"http://t:8086","version":"4","groupKey":"{}:{alertname=\"FailureRateSpike\"}",)"
      R"("truncatedAlerts":0})";
  CHECK(alertmanager_payload({"hook", "http://t:8086"}, std::vector{event}) == expected);
}

TEST_CASE("payload: an alert that fired while the clock was ahead ends when it was written",
          "[net]") {
  AlertEvent event = spike();
  event.state = AlertState::kResolved;
  event.time = kNoon + 2 * kHour;
  event.written_at = kNoon + kMinute;
  const std::string body = alertmanager_payload({"hook", ""}, std::vector{event});
  CHECK(body.find(R"("endsAt":"2025-11-25T12:01:00Z")") != std::string::npos);
}

TEST_CASE("payload: a group lists what its alerts share", "[net]") {
  const AlertEvent first = spike();
  AlertEvent second = spike();
  second.rule = "MissingHeartbeat";
  second.state = AlertState::kResolved;
  second.severity = Severity::kLow;
  second.annotations.clear();
  const std::string body = alertmanager_payload({"hook", ""}, std::vector{first, second});
  CHECK(body.find(R"("status":"firing","alerts":[)") != std::string::npos);
  CHECK(body.find(R"("groupLabels":{},"commonLabels":{"service":"pay","team":"payments"},)"
                  R"("commonAnnotations":{"summary":"pay: \"25 %\" failed"})") !=
        std::string::npos);
  CHECK(body.find(R"("groupKey":"{}:{}")") != std::string::npos);
  CHECK(body.find(R"("endsAt":"2025-11-25T12:00:00Z")") != std::string::npos);
}

TEST_CASE("payload: a group of resolved alerts is resolved", "[net]") {
  AlertEvent event = spike();
  event.state = AlertState::kResolved;
  const std::string body = alertmanager_payload({"hook", ""}, std::vector{event});
  CHECK(body.find(R"("receiver":"hook","status":"resolved")") != std::string::npos);
}

TEST_CASE("payload: missing values are null", "[net]") {
  AlertEvent event = spike();
  event.value = std::numeric_limits<double>::quiet_NaN();
  event.baseline = std::numeric_limits<double>::infinity();
  const std::string body = alertmanager_payload({"hook", ""}, std::vector{event});
  CHECK(body.find(R"("value":null,"baseline":null)") != std::string::npos);
}

TEST_CASE("payload: hostile text stays inside its string", "[net]") {
  AlertEvent event = spike();
  event.service = "\"}],\x01\xFF";
  event.summary = "a\\\nb";
  CHECK(
      simple_payload({}, std::vector{event}) ==
      "{\"severity\":\"HIGH\",\"count\":1,\"alerts\":[{\"service\":\"\\\"}],\\u0001\xEF\xBF\xBD\","
      "\"details\":\"a\\\\\\nb\"}]}");
}

TEST_CASE("payload: the simple payload has the highest severity and every alert", "[net]") {
  AlertEvent first = spike();
  first.severity = Severity::kMedium;
  AlertEvent second = spike();
  second.severity = Severity::kCritical;
  second.service = "ship";
  second.summary.clear();
  AlertEvent third = spike();
  third.severity = Severity::kLow;
  third.state = AlertState::kResolved;
  CHECK(
      simple_payload({}, std::vector{first, second, third}) ==
      R"({"severity":"CRITICAL","count":3,"alerts":[{"service":"pay","details":"pay: \"25 %\" failed"},)"
      R"({"service":"ship","details":"FailureRateSpike"},)"
      R"({"service":"pay","details":"resolved: pay: \"25 %\" failed"}]})");
}

TEST_CASE("payload: the simple payload has the note of an alert", "[net]") {
  AlertEvent event = spike();
  event.state = AlertState::kResolved;
  event.summary = "pay is silent";
  event.annotations["note"] = "need not be a recovery";
  CHECK(simple_payload({"hook", ""}, std::vector{event})
            .find(R"x("details":"resolved: pay is silent (need not be a recovery)")x") !=
        std::string::npos);
}

TEST_CASE("payload: the error for an unknown name lists the known ones", "[net]") {
  CHECK(find_payload("simple"));
  const auto result = find_payload("slack");
  REQUIRE_FALSE(result);
  CHECK(result.error().message ==
        "unknown payload `slack`; expected one of `alertmanager`, `simple`");
}

TEST_CASE("payload: the events of an alert have different ids", "[net]") {
  const AlertEvent event = spike();
  AlertEvent escalated = event;
  escalated.time += kHour;
  escalated.severity = Severity::kCritical;
  CHECK(delivery_id(escalated) != delivery_id(event));
  AlertEvent new_level = escalated;  // sent for the window that escalated it
  new_level.annotations["note"] = "new level: firing for 3d";
  CHECK(delivery_id(new_level) != delivery_id(escalated));
  AlertEvent late = event;
  late.late = true;
  CHECK(delivery_id(late) != delivery_id(event));
  AlertEvent resolved = event;
  resolved.state = AlertState::kResolved;
  CHECK(delivery_id(resolved) != delivery_id(event));
  AlertEvent again = event;
  again.started_at += 1;
  CHECK(delivery_id(again) != delivery_id(event));
  CHECK(delivery_id(std::vector{event}) == delivery_id(event));
  CHECK(delivery_id(std::vector{event, resolved}) != delivery_id(event));
}

TEST_CASE("payload: an alert from the outbox has the same id", "[net]") {
  AlertEvent event = spike();
  event.annotations["note"] = "n";
  event.value = std::numeric_limits<double>::quiet_NaN();
  const auto stored = decode_alert(encode_alert(event));
  REQUIRE(stored);
  CHECK(delivery_id(*stored) == delivery_id(event));
}
