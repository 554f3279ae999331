#include <catch2/catch.hpp>

#include "query/query.h"
#include "tests/support/temporary_folder.h"
#include "tools/detection/feed.h"

namespace tocsin::detection {
namespace {

constexpr Timestamp kBirth = 20'000 * kDay;
constexpr Duration kTick = 5 * kSecond;

/// A tick has one event. That of the third tick arrives a minute late.
class LateSource final : public generate::EventSource {
 public:
  generate::Estate estate() const override { return {"UTC", generate::services(), {}}; }
  void seek(Timestamp start) override { next_ = start; }
  TimeRange next(std::vector<generate::Event>& out) override {
    const TimeRange tick{next_, next_ + kTick};
    next_ = tick.end;
    generate::Event event;
    event.time = tick.start == kBirth + 2 * kTick ? tick.start - kMinute : tick.start;
    event.host = 1;
    out = {event};
    return tick;
  }
  std::vector<generate::Label> begun() const override { return {}; }

 private:
  Timestamp next_ = kBirth;
};

}  // namespace

TEST_CASE("feed: stops before the first late event if asked for order", "[detection]") {
  const test::TemporaryFolder folder;
  ManualClock clock(kBirth);
  DatabaseOptions options;
  options.clock = &clock;
  const auto database = Database::open(folder / "db", options);
  REQUIRE(database);
  LateSource source;
  Feed feed(source, clock, **database);
  const auto stored = [&] {
    QueryOptions query;
    query.now = clock.now();
    const auto table = QueryEngine(**database).run("from * | stats n = count()", query);
    REQUIRE(table);
    return table->columns[0].at(0);
  };

  REQUIRE(feed.play(kBirth + 4 * kTick, true) == kBirth + 2 * kTick);
  REQUIRE(feed.play(kBirth + 4 * kTick, true) == kBirth + 2 * kTick);
  REQUIRE(feed.play(kBirth + 4 * kTick, false) == kBirth + 4 * kTick);
  CHECK(stored() == Value::of(int64_t{4}));
  CHECK(clock.now() == kBirth + 4 * kTick);
  REQUIRE(feed.play(kBirth + 6 * kTick, true) == kBirth + 6 * kTick);
  CHECK(stored() == Value::of(int64_t{6}));
  CHECK(feed.event_count() == 6);
}

TEST_CASE("feed: stores how late events arrive", "[detection]") {
  const test::TemporaryFolder folder;
  ManualClock clock(kBirth);
  DatabaseOptions options;
  options.clock = &clock;
  const auto database = Database::open(folder / "db", options);
  REQUIRE(database);
  LateSource source;
  Feed feed(source, clock, **database);
  REQUIRE(feed.play(kBirth + 5 * kMinute, false));
  QueryOptions query;
  query.now = clock.now();
  const auto table =
      QueryEngine(**database)
          .run("from event_lag | keep time, host, lag_min_ms, lag_max_ms, events", query);
  REQUIRE(table);
  REQUIRE(table->row_count == 1);
  CHECK(table->columns[0].at(0) == Value::time(kBirth));
  CHECK(table->columns[1].at(0) == Value::of(generate::services()[0].name + "-1"));
  CHECK(table->columns[2].at(0) == Value::of(int64_t{5'000}));
  CHECK(table->columns[3].at(0) == Value::of(int64_t{65'000}));
  CHECK(table->columns[4].at(0) == Value::of(int64_t{60}));
}

}  // namespace tocsin::detection
