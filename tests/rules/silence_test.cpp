#include "rules/silence.h"

#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "rule_world.h"
#include "rules/rule_file.h"

using namespace tocsin;

namespace {

using Brief = std::vector<std::string>;

const std::string kRule = R"(groups:
  - name: g
    interval: 5m
    rules:
      - alert: Failures
        expr: from audit last 5m | stats n = count() where status == "FAILED" by service | where n > 2
        severity: [HIGH when n > 20, LOW]
)";

std::string minute(double at) { return format_time(RuleWorld::at(at)); }

std::string file_silence(const std::string& name, double from, double until) {
  return "silences:\n  - {name: " + name + ", matchers: ['service=\"pay\"'], from: '" +
         minute(from) + "', until: '" + minute(until) + "', owner: ada, comment: maintenance}\n";
}

Silence posted(const std::string& matcher, double from, double until) {
  Silence silence;
  silence.matchers = {parse_label_matcher(matcher).value()};
  silence.from = RuleWorld::at(from);
  silence.until = RuleWorld::at(until);
  silence.owner = "ada";
  return silence;
}

// `firing@25 LOW by ID`; `by` what held it back.
Brief silence_history(RuleWorld& world, const std::string& service = "pay") {
  QueryOptions query;
  query.now = world.clock.now();
  const auto table = world.queries->run(
      "from alerts | where service == \"" + service +
          "\" | sort time, state | keep state, time, severity, silenced_by, acknowledged_by",
      query);
  if (!table) FAIL(table.error().message);
  Brief out;
  for (size_t row = 0; row < table->row_count; ++row) {
    const auto at = (table->columns[1].i64[row] - RuleWorld::start()) / kMinute;
    out.push_back(table->columns[0].text[row] + "@" + std::to_string(at) + " " +
                  table->columns[2].text[row]);
    for (const size_t column : {3, 4}) {
      const Value by = table->columns[column].at(row);
      if (!by.is_null()) out.back() += " by " + std::get<std::string>(by.data);
    }
  }
  return out;
}

Brief sent_events(RuleWorld& world) {
  Brief out;
  for (const SmallEntry& entry : world.outbox()) {
    const auto event = decode_alert(entry.value);
    REQUIRE(event);
    CHECK(event->held_back().empty());
    out.push_back(std::string(name_of(event->state)) + "@" +
                  std::to_string((event->time - RuleWorld::start()) / kMinute) + " " +
                  name_of(event->severity));
  }
  return out;
}

void failing(RuleWorld& world, double from, double to, int count = 5,
             const std::string& service = "pay") {
  for (double at = from; at < to; at += 5) world.events(service, at, at + 5, count, "FAILED");
}

}  // namespace

TEST_CASE("silence: an alert is stored, and sent when the silence ends and it still fires",
          "[rules]") {
  RuleWorld world;
  REQUIRE(world.load(kRule + file_silence("night", 0, 22)).errors.empty());
  failing(world, 10, 30);
  failing(world, 10, 15, 5, "web");
  world.run(0, 60);
  CHECK(silence_history(world) ==
        Brief{"firing@15 LOW by file:night", "firing@25 LOW", "resolved@35 LOW"});
  CHECK(silence_history(world, "web") == Brief{"firing@15 LOW", "resolved@20 LOW"});
  CHECK(sent_events(world) ==
        Brief{"firing@15 LOW", "resolved@20 LOW", "firing@25 LOW", "resolved@35 LOW"});
}

TEST_CASE("silence: nothing is sent of a firing that ends within it", "[rules]") {
  RuleWorld world;
  REQUIRE(world.load(kRule + file_silence("night", 0, 60)).errors.empty());
  failing(world, 10, 20);
  world.run(0, 60);
  CHECK(silence_history(world) ==
        Brief{"firing@15 LOW by file:night", "resolved@25 LOW by file:night"});
  CHECK(sent_events(world).empty());
}

TEST_CASE("silence: the end of what was sent before it is sent, a rise of the severity waits",
          "[rules]") {
  RuleWorld world;
  REQUIRE(world.load(kRule + file_silence("late", 18, 32)).errors.empty());
  failing(world, 10, 15);
  failing(world, 15, 35, 30);
  world.run(0, 60);
  CHECK(silence_history(world) == Brief{"firing@15 LOW", "firing@20 HIGH by file:late",
                                        "firing@35 HIGH", "resolved@40 HIGH"});
  CHECK(sent_events(world) == Brief{"firing@15 LOW", "firing@35 HIGH", "resolved@40 HIGH"});

  RuleWorld other;
  REQUIRE(other.load(kRule + file_silence("late", 18, 60)).errors.empty());
  failing(other, 10, 20);
  other.run(0, 60);
  CHECK(sent_events(other) == Brief{"firing@15 LOW", "resolved@25 LOW"});
}

TEST_CASE("silence: one of the API is kept, changed, and ended", "[rules]") {
  RuleWorld world;
  REQUIRE(world.load(kRule).errors.empty());
  world.advance(12);
  const auto id = world.engine->put_silence(posted("service=pay", 0, 100));
  REQUIRE(id);
  failing(world, 10, 60);
  world.run(13, 22);
  CHECK(silence_history(world) == Brief{"firing@15 LOW by " + *id});
  world.restart();
  REQUIRE(world.load(kRule).errors.empty());
  REQUIRE(world.engine->silences().size() == 1);
  Silence kept = world.engine->silences()[0];
  CHECK(kept.from == RuleWorld::at(12));  // never in the past
  CHECK(kept.owner == "ada");

  kept.until = RuleWorld::at(50);
  kept.comment = "shorter";
  CHECK(world.engine->put_silence(kept).value() == *id);
  CHECK(world.engine->silences().size() == 1);
  kept.matchers = {parse_label_matcher("service=~\"pay|web\"").value()};
  const auto other = world.engine->put_silence(kept);
  REQUIRE(other);
  CHECK(*other != *id);
  REQUIRE(world.engine->silences().size() == 2);
  world.run(23, 32);
  CHECK(sent_events(world).empty());
  REQUIRE(world.engine->expire_silence(*other));
  world.run(33, 37);
  CHECK(sent_events(world) == Brief{"firing@35 LOW"});

  CHECK(world.engine->expire_silence(*other));  // again
  CHECK(world.engine->expire_silence("nothing").error().code == ErrorCode::kNotFound);
  CHECK(world.engine->put_silence(posted("service=pay", 0, 1)).error().code ==
        ErrorCode::kInvalid);  // it ends in the past
  CHECK(world.engine->put_silence(posted("service!=pay", 0, 99)).error().code ==
        ErrorCode::kInvalid);  // it matches everything without a service
}

TEST_CASE("silence: a file's silence is read-only and goes with its file", "[rules]") {
  RuleWorld world;
  const RuleLoadReport report = world.load(kRule + file_silence("night", 0, 99));
  CHECK(report.silence_count == 1);
  const Status expired = world.engine->expire_silence("file:night");
  REQUIRE_FALSE(expired);
  CHECK(expired.error().code == ErrorCode::kConflict);
  CHECK(expired.error().message.find("rules.yml") != std::string::npos);
  // A mistake in the file keeps what was valid before.
  CHECK(world.load(kRule + "silences:\n  - {name: x}\n").errors.size() > 1);
  CHECK(world.engine->silences().size() == 1);
  CHECK(world.load(kRule).errors.empty());
  CHECK(world.engine->silences().empty());
  const RuleLoadReport twice =
      world.load(kRule + file_silence("a", 0, 99) + file_silence("a", 0, 99).substr(10));
  REQUIRE(twice.errors.size() == 1);
  CHECK(twice.errors[0].find("already defined") != std::string::npos);
  world.advance(120);
  CHECK(world.load(kRule + file_silence("a", 0, 99)).warnings.size() == 1);
}

TEST_CASE("silence: the state as of the end of the window counts, also after a crash", "[rules]") {
  const auto play = [](bool restarts) {
    RuleWorld world;
    REQUIRE(world.load(kRule + file_silence("night", 12, 33)).errors.empty());
    failing(world, 0, 60);
    for (double at = 0; at <= 70; at += restarts ? 35 : 1) {
      if (restarts && at > 0) {
        world.restart();
        REQUIRE(world.load(kRule + file_silence("night", 12, 33)).errors.empty());
      }
      world.advance(at);
    }
    return silence_history(world);
  };
  CHECK(play(false) == Brief{"firing@5 LOW", "resolved@65 LOW"});
  CHECK(play(true) == play(false));
}

TEST_CASE("silence: recurs by a schedule", "[rules]") {
  const std::string text = kRule + R"(silences:
  - name: backups
    matchers: ['service="pay"']
    schedule: "0 * * * *"
    for: 20m
    until: )" + minute(200) +
                           "\n";
  const ParsedRuleFile parsed = parse_rule_file({"rules.yml", text});
  REQUIRE(parsed.errors.empty());
  const Silence& silence = parsed.silences.at(0);
  CHECK(state_at(silence, RuleWorld::at(59)) == SilenceState::kPending);
  CHECK(state_at(silence, RuleWorld::at(60)) == SilenceState::kActive);
  CHECK(state_at(silence, RuleWorld::at(79.9)) == SilenceState::kActive);
  CHECK(state_at(silence, RuleWorld::at(80)) == SilenceState::kPending);
  CHECK(state_at(silence, RuleWorld::at(199)) == SilenceState::kActive);
  CHECK(state_at(silence, RuleWorld::at(200)) == SilenceState::kExpired);
}

TEST_CASE("silence: an acknowledged firing is not sent again until it ends", "[rules]") {
  RuleWorld world;
  REQUIRE(world.load(kRule).errors.empty());
  failing(world, 10, 20);
  failing(world, 20, 30, 30);
  failing(world, 40, 50);
  world.run(0, 17);
  const std::string fingerprint = world.status("Failures").active.at(0).fingerprint;
  CHECK(world.engine->acknowledge("0", "ada", "", RuleWorld::at(99)).error().code ==
        ErrorCode::kNotFound);
  CHECK(world.engine->acknowledge(fingerprint, "", "", RuleWorld::at(99)).error().code ==
        ErrorCode::kInvalid);
  const auto id = world.engine->acknowledge(fingerprint, "ada", "on it", RuleWorld::at(99));
  REQUIRE(id);
  CHECK(world.engine->acknowledge(fingerprint, "bob", "", RuleWorld::at(90)).value() == *id);
  CHECK(state_at(world.engine->silences().at(0), world.clock.now()) == SilenceState::kActive);
  world.run(17, 37);
  CHECK(state_at(world.engine->silences().at(0), world.clock.now()) == SilenceState::kExpired);
  world.run(37, 60);
  // The next firing is another one.
  CHECK(silence_history(world) == Brief{"firing@15 LOW", "firing@25 HIGH by bob",
                                        "resolved@35 HIGH", "firing@45 LOW", "resolved@55 LOW"});
  CHECK(sent_events(world) ==
        Brief{"firing@15 LOW", "resolved@35 HIGH", "firing@45 LOW", "resolved@55 LOW"});
}

TEST_CASE("silence: when an acknowledgement ends before the firing, it is sent again", "[rules]") {
  RuleWorld world;
  REQUIRE(world.load(kRule).errors.empty());
  failing(world, 10, 60);
  world.run(0, 17);
  const std::string fingerprint = world.status("Failures").active.at(0).fingerprint;
  REQUIRE(world.engine->acknowledge(fingerprint, "ada", "", RuleWorld::at(38)));
  world.run(17, 80);
  CHECK(sent_events(world) == Brief{"firing@15 LOW", "firing@40 LOW", "resolved@65 LOW"});
  const auto reminder = decode_alert(world.outbox().at(1).value);
  CHECK(reminder->annotations.at("note").find("ada") != std::string::npos);
  CHECK_FALSE(decode_alert(world.outbox().at(2).value)->annotations.contains("note"));
}

TEST_CASE("silence: alerts about Tocsin itself can be silenced", "[rules]") {
  RuleWorld world;
  const std::string silence = "silences:\n  - {name: n, matchers: ['type=SELF'], from: '" +
                              minute(0) + "', until: '" + minute(30) + "'}\n";
  REQUIRE(world.load(kRule + silence).errors.empty());
  world.advance(10);
  const auto load_broken = [&] {
    return world.engine->load({{"rules.yml", kRule + silence}, {"broken.yml", "groups: 1"}});
  };
  CHECK_FALSE(load_broken().errors.empty());
  world.run(10, 29);
  CHECK(sent_events(world).empty());
  CHECK(world.alert_count("rule == \"RuleFileBroken\" and silenced_by == \"file:n\"") == 1);
  world.run(29, 32);
  CHECK(sent_events(world) == Brief{"firing@30 HIGH"});
}

TEST_CASE("silence: JSON is that of Alertmanager, and reads as it was written", "[rules]") {
  Silence silence = posted("service=~\"pay|web\"", 10, 20);
  silence.matchers.push_back(parse_label_matcher("host!=\"a\"").value());
  silence.id = "x";
  silence.comment = "say \"hi\"";
  silence.schedule = CronSchedule::parse("0 2 * * *").value();
  silence.repeat_for = 2 * kHour;
  silence.zone = TimeZone::load("Europe/Berlin").value();
  silence.fingerprint = "abc";
  silence.firing_since = 5;
  const std::string json = silence_json(silence, RuleWorld::at(5));
  CHECK(json.find(R"("status":{"state":"pending"})") != std::string::npos);
  CHECK(json.find(R"({"name":"service","value":"pay|web","isRegex":true,"isEqual":true},)"
                  R"({"name":"host","value":"a","isRegex":false,"isEqual":false})") !=
        std::string::npos);
  const auto again = parse_silence(json);
  REQUIRE(again);
  CHECK(silence_json(*again, RuleWorld::at(5)) == json);
  for (const char* text :
       {"", "[]", "{", "1", "{}", R"({"matchers":1})", R"({"matchers":[1]})",
        R"({"matchers":[{"name":"a"}]})", R"({"matchers":[{"name":1,"value":"x"}]})",
        R"({"matchers":[{"name":"a","value":"(","isRegex":true}]})",
        R"({"matchers":[],"endsAt":"tomorrow"})", R"({"matchers":[],"endsAt":5})",
        R"({"matchers":[],"schedule":"1","for":"1h"})", R"({"matchers":[],"schedule":"0 1 * * *"})",
        R"({"matchers":[],"zone":"Nowhere"})"}) {
    INFO(text);
    CHECK_FALSE(parse_silence(text));
  }
}

TEST_CASE("silence: files name all their mistakes", "[rules]") {
  const auto errors = [](const std::string& entry) {
    const ParsedRuleFile file = parse_rule_file({"r.yml", "silences:\n  - {" + entry + "}\n"});
    CHECK(file.silences_wrong == !file.errors.empty());
    std::string out;
    for (const std::string& error : file.errors) out += error + "\n";
    return out;
  };
  const std::string good = "name: a, matchers: ['a=b'], from: 2026-01-01, until: 2026-02-01";
  CHECK(errors(good).empty());
  CHECK(errors("name: a, matchers: ['a=b'], from: 2026-01-01").find("until") != std::string::npos);
  CHECK(errors("name: a, matchers: ['a=b'], until: 2026-01-01").find("from") != std::string::npos);
  CHECK(errors(good + ", schedule: '0 1 * * *'").find("for") != std::string::npos);
  CHECK(errors(good + ", schedule: '0 1', for: 1h").find("five fields") != std::string::npos);
  CHECK(errors(good + ", for: 8d").find("for") != std::string::npos);
  CHECK(errors(good + ", zone: Nowhere").find("zone") != std::string::npos);
  CHECK(errors(good + ", who: me").find("who") != std::string::npos);
  CHECK(errors("name: a, matchers: [], from: 2026-01-01, until: 2026-02-01").find("matcher") !=
        std::string::npos);
  CHECK(errors("name: a, matchers: ['a!=b'], from: 2026-01-01, until: 2026-02-01")
            .find("empty text") != std::string::npos);
  CHECK(errors("name: a, matchers: ['a=b'], from: 2026-02-01, until: 2026-01-01")
            .find("after it starts") != std::string::npos);
  CHECK(errors("name: a/b, matchers: ['a=b'], from: x, until: 2026-01-01").find("name") !=
        std::string::npos);
}
