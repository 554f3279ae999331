#include <catch2/catch.hpp>

#include "tools/detection/match.h"

namespace tocsin::detection {
namespace {

using generate::Duty;
using generate::Label;

constexpr Timestamp kStart = 20'000 * kDay;
constexpr TimeRange kEvaluated{kStart, kStart + kDay};

Timestamp at(int minute) { return kStart + minute * kMinute; }

Label label(const std::string& kind, const std::string& service, int from, int to) {
  Label out;
  out.kind = kind;
  out.service = service;
  out.range = {at(from), at(to)};
  return out;
}

/// With windows of ten minutes.
Firing firing(const std::string& type, const std::string& service, int from, int to) {
  Firing out;
  out.type = type;
  out.service = service;
  out.range = {at(from), at(to)};
  out.window_start = at(from - 10);
  out.told = at(from);
  return out;
}

JudgedFiring judge_one(const Label& label, const Firing& firing) {
  return judge({label}, {firing}, kEvaluated).firings[0];
}

}  // namespace

TEST_CASE("match: a label explains an alert of its kind and service", "[detection]") {
  const Judgement judgement =
      judge({label("SLOW", "cart", 100, 140)}, {firing("SLOW", "cart", 115, 150)}, kEvaluated);
  CHECK(judgement.firings[0].verdict == Verdict::kRight);
  CHECK(judgement.firings[0].label == 0);
  const JudgedLabel& judged = judgement.labels[0];
  CHECK(judged.counts);
  CHECK(judged.found);
  CHECK(judged.noticed);
  CHECK(judged.delay == 15 * kMinute);
  CHECK(judged.firings == std::vector<size_t>{0});
}

TEST_CASE("match: an alert of another kind is part of the incident", "[detection]") {
  const Judgement judgement =
      judge({label("SLOW", "cart", 100, 140)}, {firing("SILENT", "cart", 115, 150)}, kEvaluated);
  CHECK(judgement.firings[0].verdict == Verdict::kPart);
  CHECK_FALSE(judgement.labels[0].found);
  CHECK(judgement.labels[0].noticed);
}

TEST_CASE("match: service and time have to fit", "[detection]") {
  const Label slow = label("SLOW", "cart", 100, 140);
  CHECK(judge_one(slow, firing("SLOW", "login", 115, 150)).verdict == Verdict::kFalse);
  CHECK(judge_one(slow, firing("SLOW", "", 115, 150)).verdict == Verdict::kFalse);
  // It was there before the incident.
  CHECK(judge_one(slow, firing("SLOW", "cart", 95, 150)).verdict == Verdict::kFalse);
  // Its window begins within kAftermath of the end, and after it.
  CHECK(judge_one(slow, firing("SLOW", "cart", 155, 170)).verdict == Verdict::kRight);
  CHECK(judge_one(slow, firing("SLOW", "cart", 160, 170)).verdict == Verdict::kFalse);
}

TEST_CASE("match: a label without a service explains alerts of all services", "[detection]") {
  const Label outage = label("COLLECTOR_SILENT", "", 100, 140);
  CHECK(judge_one(outage, firing("COLLECTOR_SILENT", "", 115, 150)).verdict == Verdict::kRight);
  CHECK(judge_one(outage, firing("SILENT", "cart", 115, 150)).verdict == Verdict::kPart);
}

TEST_CASE("match: of several labels, the one of the alert's kind, then the last", "[detection]") {
  const std::vector<Label> labels = {
      label("SLOW", "cart", 100, 200), label("SLOW", "cart", 110, 200),
      label("SILENT", "cart", 115, 200), label("SILENT", "cart", 130, 200)};
  const Judgement judgement = judge(
      labels, {firing("SLOW", "cart", 120, 150), firing("OTHER", "cart", 120, 150)}, kEvaluated);
  CHECK(judgement.firings[0].label == 1);
  CHECK(judgement.firings[1].label == 2);
}

TEST_CASE("match: an alert that still fires finds the next incident of its kind", "[detection]") {
  const Judgement judgement =
      judge({label("SLOW", "cart", 100, 140), label("SLOW", "cart", 160, 200),
             label("SILENT", "cart", 160, 200)},
            {firing("SLOW", "cart", 115, 170)}, kEvaluated);
  CHECK(judgement.labels[1].found);
  CHECK_FALSE(judgement.labels[2].found);
}

TEST_CASE("match: what is quiet explains nothing and names the false alert", "[detection]") {
  Label quiet = label("", "cart", 100, 140);
  quiet.duty = Duty::kQuiet;
  const JudgedFiring inside = judge_one(quiet, firing("SLOW", "cart", 115, 150));
  CHECK(inside.verdict == Verdict::kFalse);
  CHECK(inside.label == 0);
  CHECK(judge_one(quiet, firing("SLOW", "cart", 141, 150)).label == JudgedFiring::kNoLabel);
  CHECK_FALSE(judge({quiet}, {}, kEvaluated).labels[0].counts);
}

TEST_CASE("match: weak, optional, earlier and unfinished labels explain but do not count",
          "[detection]") {
  Label weak = label("SLOW", "cart", 100, 140);
  weak.duty = Duty::kWeak;
  Label optional = label("SLOW", "cart", 100, 140);
  optional.duty = Duty::kOptional;
  const Label earlier = label("SLOW", "cart", -1, 140);
  const Label unfinished = label("SLOW", "cart", 100, 24 * 60 + 1);
  for (const Label& one : {weak, optional, earlier, unfinished}) {
    const Judgement judgement = judge({one}, {firing("SLOW", "cart", 115, 150)}, kEvaluated);
    CHECK(judgement.firings[0].verdict == Verdict::kRight);
    CHECK_FALSE(judgement.labels[0].counts);
  }
}

TEST_CASE("match: the label of a release explains only alerts of its kind", "[detection]") {
  Label release = label("NEW_PATTERN", "cart", 100, 1400);
  release.duty = Duty::kOptional;
  release.permanent = true;
  CHECK(judge_one(release, firing("NEW_PATTERN", "cart", 115, 150)).verdict == Verdict::kRight);
  CHECK(judge_one(release, firing("SLOW", "cart", 115, 150)).verdict == Verdict::kFalse);
}

TEST_CASE("match: an explanation names the cause first, or nothing without one", "[detection]") {
  const auto right = [](const std::string& kind, const std::string& cause,
                        std::optional<std::string> explanation) {
    Label incident = label(kind, "cart", 100, 140);
    incident.cause = cause;
    Firing alert = firing(kind, "cart", 115, 150);
    alert.explanation = std::move(explanation);
    return explains_rightly(incident, alert);
  };
  const std::string kind = "FAILURE_RATE_SPIKE";
  const std::string host = "87 % of failures have host=web-3 (usually 8 %)";
  CHECK(right(kind, "host=web-3", host) == true);
  CHECK(right(kind, "host=web-33", host) == false);
  CHECK(right(kind, "host=web-3", "") == false);
  CHECK(right(kind, "host=web-3", std::nullopt) == false);
  CHECK(right(kind, "", "") == true);
  CHECK(right(kind, "", host) == false);
  CHECK(right(kind, "", std::nullopt) == false);
  CHECK(right("NEW_PATTERN", "message=lost {count} rows of {table}",
              "9 % of events have template(message)=lost <*> rows of <*> (usually 0 %)") == true);
  CHECK(right("NEW_PATTERN", "message=lost {count} rows of {table}", host) == false);
  CHECK_FALSE(right(kind, "deployment", host));
  CHECK_FALSE(right("MISSING_HEARTBEAT", "host=web-3", ""));
}

}  // namespace tocsin::detection
