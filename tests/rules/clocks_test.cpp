// The shipped rule ClockSkew, and deaths of services whose events are late or early.
#include <functional>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "config/settings.h"
#include "config/shipped.h"
#include "db/schema/own_columns.h"
#include "rule_world.h"
#include "rules/rule_file.h"

using namespace tocsin;

namespace {

using Brief = std::vector<std::string>;

constexpr double kHistory = 24 * 60, kEnd = kHistory + 8 * 60;  // minutes
constexpr double kFrom = kHistory + 60, kTo = kHistory + 180;   // of an incident

RuleEngineOptions shipped_options() {
  RuleEngineOptions options = RuleWorld::default_options();
  options.parameters = parse_parameters(default_settings().parameters);
  return options;
}

std::string shipped(const std::string& name) {
  for (const ShippedFile& file : shipped_rules()) {
    if (file.name == name) return std::string(file.text);
  }
  FAIL("no file " + name);
  return {};
}

/// The smallest lag of a host, in seconds, in the five minutes from `minute` on; none: no events.
using LagAt = std::function<std::optional<double>(double minute)>;

struct Host {
  std::string name;
  LagAt lag;
};

LagAt constant(double seconds) {
  return [=](double) { return seconds; };
}
/// `usual`, and `other` during the incident.
LagAt incident(double usual, double other) {
  return [=](double minute) { return minute >= kFrom && minute < kTo ? other : usual; };
}

/// Evaluates the rule with these hosts and two others, whose lag is `peers`.
Brief alerts_of(std::vector<Host> hosts, const LagAt& peers = constant(1)) {
  RuleWorld world(shipped_options());
  hosts.push_back({"p1", peers});
  hosts.push_back({"p2", peers});
  WriteRequest request;
  request.allow_reserved = true;
  RowBatch& rows = request.batch.rows_of(kEventLagMeasurement);
  const auto integer = [&](const char* name, double seconds) {
    rows.set_i64(rows.lane(name, ColumnType::kI64, ColumnKind::kField, 0),
                 static_cast<int64_t>(seconds * 1000));
  };
  for (double minute = 0; minute < kEnd; minute += 5) {
    for (const Host& host : hosts) {
      const auto lag = host.lag(minute);
      if (!lag) continue;
      rows.begin_row(RuleWorld::at(minute));
      for (const char* name : {"service", "host"}) {
        rows.set_string(rows.lane(name, ColumnType::kString, ColumnKind::kTag, 0),
                        request.batch.copy(host.name));
      }
      integer("lag_min_ms", *lag);
      integer("peers_lag_min_ms", *peers(minute));
    }
  }
  world.clock.set(RuleWorld::at(kHistory));
  request.urgent = true;
  REQUIRE(world.database->write(std::move(request)));
  const RuleLoadReport report = world.load(shipped("clocks.yml"));
  CHECK(report.errors == Brief{});
  CHECK(report.schema_warnings == Brief{});
  world.run(kHistory, kEnd, 5);
  return world.alerts();
}

bool fires_in_time(const Brief& alerts) {
  INFO(::Catch::Detail::stringify(alerts));
  return alerts == Brief{"a:firing@1515", "a:resolved@1680"} ||
         alerts == Brief{"a:firing@1510", "a:resolved@1680"} ||
         alerts == Brief{"a:firing@1515", "a:resolved@1685"};
}

}  // namespace

TEST_CASE("clock skew: a clock that is ahead or behind alerts once", "[rules]") {
  for (const double skew : {-10'000.0, -600.0, -150.0, 150.0, 600.0, 10'000.0}) {
    INFO("skew " << skew);
    CHECK(fires_in_time(alerts_of({{"a", incident(1, skew)}})));
    CHECK(fires_in_time(alerts_of({{"a", incident(720, 720 + skew)}})));  // of a host that is late
  }
  CHECK(alerts_of({{"a", incident(1, -100)}, {"b", incident(1, 100)}}).empty());
}

TEST_CASE("clock skew: events that are late for another reason do not alert", "[rules]") {
  const auto is_quiet = [](const LagAt& lag, const LagAt& peers = constant(1)) {
    const Brief alerts = alerts_of({{"a", lag}}, peers);
    INFO(::Catch::Detail::stringify(alerts));
    return alerts.empty();
  };
  CHECK(is_quiet(constant(900)));                       // always late
  CHECK(is_quiet(incident(1, 900), incident(1, 901)));  // everything is late
  CHECK(is_quiet([](double minute) {                    // sent every 20 minutes
    return static_cast<int>(minute) % 20 == 0 ? std::optional(5.0) : std::nullopt;
  }));
  CHECK(is_quiet([](double minute) {  // a slow shipper: lags of 0 to 15 minutes
    return static_cast<double>(static_cast<int>(minute) * 37 % 900);
  }));
  CHECK(is_quiet([](double minute) {  // catches up after an outage
    return minute >= kFrom && minute < kTo ? (kTo - minute) * 30 : 1.0;
  }));
}

TEST_CASE("clock skew: without history, only a clock that is ahead alerts", "[rules]") {
  const auto from_start = [](double seconds) -> LagAt {
    return [=](double minute) { return minute >= kFrom ? std::optional(seconds) : std::nullopt; };
  };
  CHECK(alerts_of({{"a", from_start(600)}}).empty());
  const Brief alerts = alerts_of({{"a", from_start(-600)}});
  REQUIRE_FALSE(alerts.empty());
  CHECK(alerts[0] == "a:firing@1510");
}

TEST_CASE("clock skew: late and early events do not hide a death", "[rules]") {
  // Of two services, each with an event a minute from a host with a right clock and one from a host
  // with a wrong one, `pay` ends. Events arrive when the hosts send them.
  for (const double skew : {-12.0, 0.0, 12.0}) {
    INFO("skew " << skew);
    RuleWorld world(shipped_options());
    constexpr double kDays = 5 * 24 * 60, kDeath = kDays + 30;
    const auto send = [&](const char* service, double from, double to) {
      const auto count = static_cast<int>(to - from);
      world.events(service, from, to, count);
      world.events(service, from + skew, to + skew, count);
    };
    send("pay", 20, kDays);
    send("web", 20, kDays);
    send("mail", 20, kDays);
    world.advance(kDays);
    CHECK(world.load(shipped("silence.yml")).errors == Brief{});
    for (double minute = kDays; minute < kDays + 180; ++minute) {
      world.advance(minute);
      if (minute < kDeath) send("pay", minute, minute + 1);
      send("web", minute, minute + 1);
      send("mail", minute, minute + 1);
    }
    const Brief alerts = world.alerts("rule == \"MissingHeartbeat\"");
    INFO(::Catch::Detail::stringify(alerts));
    REQUIRE(alerts.size() == 1);
    CHECK(alerts[0].starts_with("pay:firing@"));
    const double fired = std::stod(alerts[0].substr(11));
    CHECK(fired >= kDeath);
    CHECK(fired <= kDeath + 40);
  }
}
