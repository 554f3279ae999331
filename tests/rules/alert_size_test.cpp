#include "rules/alert_size.h"

#include <string>

#include <catch2/catch.hpp>

#include "db/base/text.h"
#include "rules/apply.h"
#include "rules/self_alert.h"

using namespace tocsin;

namespace {

const std::string kCut = "…";

std::string json_of_length(size_t size) { return '"' + std::string(size - 2, 'x') + '"'; }

}  // namespace

TEST_CASE("alert size: a text is cut between characters and ends in an ellipsis", "[rules]") {
  CHECK(cut_text("", 4) == "");
  CHECK(cut_text("four", 4) == "four");
  CHECK(cut_text("five5", 4) == "f" + kCut);
  CHECK(cut_text("aäbc", 5) == "aäbc");
  CHECK(cut_text("aäbcd", 5) == "a" + kCut);  // no half of the ä
  CHECK(cut_text("🙂🙂", 7) == "🙂" + kCut);
  CHECK(cut_text("long", 3) == kCut);
  CHECK(cut_text(cut_text(std::string(100, 'x'), 50), 20) == cut_text(std::string(100, 'x'), 20));
}

TEST_CASE("alert size: every text of an alert has a limit", "[rules]") {
  AlertEvent event;
  event.rule = "R";
  event.type = event.service = std::string(kLabelBytesMax + 1, 's');
  event.labels = {{"exact", std::string(kLabelBytesMax, 'l')},
                  {"longer", std::string(kLabelBytesMax + 1, 'l')}};
  event.summary = std::string(kAnnotationBytesMax + 1, 'a');
  event.annotations = {{"exact", std::string(kAnnotationBytesMax, 'a')},
                       {"longer", std::string(kAnnotationBytesMax + 1, 'a')}};
  event.samples = {json_of_length(kSampleBytesMax)};
  const AlertEvent before = event;
  cut_alert(event);
  CHECK(event.type == std::string(kLabelBytesMax - kCut.size(), 's') + kCut);
  CHECK(event.service == event.type);
  CHECK(event.labels.at("exact") == before.labels.at("exact"));
  CHECK(event.labels.at("longer") == std::string(kLabelBytesMax - kCut.size(), 'l') + kCut);
  CHECK(event.summary == std::string(kAnnotationBytesMax - kCut.size(), 'a') + kCut);
  CHECK(event.annotations.at("exact") == before.annotations.at("exact"));
  CHECK(event.annotations.at("longer") == event.summary);
  CHECK(event.samples == before.samples);
  CHECK(event.rule == "R");
}

TEST_CASE("alert size: an alert that is too long loses samples first, then parts of all texts",
          "[rules]") {
  AlertEvent event;
  for (int i = 0; i < 7; ++i) {
    event.annotations["a" + std::to_string(i)] = std::string(kAnnotationBytesMax, 'a');
  }
  event.samples.assign(10, json_of_length(kSampleBytesMax));
  AlertEvent with_samples = event;
  cut_alert(with_samples);
  CHECK(encode_alert(with_samples).size() <= kAlertBytesMax);
  CHECK(with_samples.annotations == event.annotations);
  CHECK(with_samples.samples.size() == 3);

  // A control character takes six bytes of JSON.
  event.summary = std::string(kAnnotationBytesMax, '\x01');
  for (int i = 0; i < 200; ++i) {
    event.labels["l" + std::to_string(i)] = std::string(kLabelBytesMax, '\x01');
  }
  cut_alert(event);
  CHECK(encode_alert(event).size() <= kAlertBytesMax);
  CHECK(event.samples.empty());
  CHECK(event.labels.size() == 200);
  CHECK(event.labels.at("l7").ends_with("\x01" + kCut));
  CHECK(event.annotations.at("a6").ends_with("a" + kCut));
  CHECK(decode_alert(encode_alert(event)));
}

TEST_CASE("alert size: all alerts of a window fit into one commit", "[rules]") {
  Rule rule;
  rule.name = "R";
  ApplyOptions options;
  options.forwarder_count = 60;
  Evaluation evaluation;
  evaluation.window = {0, kMinute};
  for (int i = 0; i < 100; ++i) {
    const GroupValues group = {{"service", Value::of(std::to_string(i) + std::string(9000, 's'))}};
    ObservedRow row{group, Severity::kHigh, 1, kNoNumber, {}};
    for (const char* name : {"summary", "b", "c", "d"}) {
      row.annotations[name] = std::string(kAnnotationBytesMax, 'a');
    }
    evaluation.rows[fingerprint("R", group)] = row;
  }
  RuleState state;
  const auto events = apply_evaluation(rule, options, evaluation, state);
  REQUIRE(events.size() == 100);
  size_t bytes = encode_state(state).size();
  for (const AlertEvent& event : events) {
    bytes += encode_alert(event).size() * (1 + options.forwarder_count);
    CHECK(event.fingerprint.size() == 16);
  }
  CHECK(bytes <= kWindowAlertBytesMax + 100 * 2 * kGroupTextBytesMax);
  CHECK(events[0].summary.size() > kKiB);

  const auto decoded = decode_state(encode_state(state));
  REQUIRE(decoded);
  evaluation.rows.clear();
  evaluation.window = {kMinute, 2 * kMinute};
  RuleState after = *decoded;
  const auto resolved = apply_evaluation(rule, options, evaluation, after);
  REQUIRE(resolved.size() == 100);
  CHECK(resolved[0].labels == events[0].labels);
  CHECK(resolved[0].summary == events[0].summary);
  CHECK(resolved[0].fingerprint == events[0].fingerprint);
}

TEST_CASE("alert size: texts of a state of an earlier version are cut when it is read", "[rules]") {
  RuleState state;
  Instance& instance = state.instances["0123456789abcdef"];
  instance.group = {{"service", Value::of(std::string(kMiB, 's'))}};
  instance.life.phase = AlertState::kFiring;
  instance.life.notified = {Severity::kMedium};
  instance.last_event.annotations["summary"] = std::string(8 * kMiB, 'a');
  const auto decoded = decode_state(encode_state(state));
  REQUIRE(decoded);
  const Instance& read = decoded->instances.begin()->second;
  CHECK(std::get<std::string>(read.group[0].second.data) ==
        std::string(kGroupTextBytesMax - kCut.size(), 's') + kCut);
  CHECK(read.last_event.annotations.at("summary").size() == kAnnotationBytesMax);
}

TEST_CASE("alert size: SELF alerts are cut too", "[rules]") {
  const std::string text(kMiB, 'x');
  for (const AlertEvent& event :
       passing_self_alert("S", {{"file", Value::of(text)}}, text, 1, {})) {
    CHECK(event.summary.size() == kAnnotationBytesMax);
    CHECK(event.annotations.at("summary") == event.summary);
    CHECK(event.labels.at("file").size() == kLabelBytesMax);
  }
  RuleState state;
  const auto events =
      standing_self_alerts("S", {{{{"file", Value::of(text)}}, text}}, 1, {}, state);
  REQUIRE(events.size() == 1);
  CHECK(events[0].summary.size() == kAnnotationBytesMax);
}
