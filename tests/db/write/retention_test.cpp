#include "db/write/retention.h"

#include <memory>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "db/base/log.h"
#include "tests/db/db_support.h"

namespace tocsin {
namespace {

using testing::kNoon;
using testing::take;

constexpr Timestamp kStart = kNoon;

/// A database with one row in each of many days, and its retention, driven step by step.
class RetentionWorld {
 public:
  explicit RetentionWorld(Duration retention_setting) {
    options.clock = &clock;
    options.retention = retention_setting;
    set_log_sink([this](LogLevel, const std::string& line) { logged.push_back(line); });
  }
  ~RetentionWorld() {
    close();
    set_log_sink(nullptr);
  }

  /// Adds a row to each of the last `days` days, the current one included.
  void write_days(const std::string& measurement, int64_t days) {
    close();
    DatabaseOptions keeping = options;
    keeping.retention = 0;
    auto database = take(Database::open(folder.path(), keeping));
    WriteRequest request;
    RowBatch& rows = request.batch.rows_of(measurement);
    for (int64_t day = 0; day < days; ++day) {
      rows.begin_row(clock.now() - day * kDay);
      rows.set_i64(rows.lane("n", ColumnType::kI64, ColumnKind::kField, 0), day);
    }
    take(database->write(std::move(request)));
    take(database->seal());
  }

  /// Opens what the writer thread uses, without the thread.
  void open() {
    close();
    environment = take(Environment::open(folder.path(), Environment::Mode::kWrite));
    store = std::make_unique<Store>(folder.path(), options, environment);
    store->opened_paths.emplace(take(OpenedPaths::open(folder.path())));
    catalog = std::make_unique<CatalogCommit>(*store);
    take(catalog->load());
    retention = std::make_unique<Retention>(*store);
  }
  void close() {
    retention.reset();
    catalog.reset();
    store.reset();
    environment.reset();
  }

  /// One check a minute, as the writer makes them.
  void run(Duration time) {
    for (Duration passed = 0; passed <= time; passed += kMinute) {
      if (passed > 0) clock.set(clock.now() + kMinute);
      take(retention->drop_expired(*catalog));
    }
  }
  size_t days(const std::string& measurement) {
    return take(store->segment_infos({{measurement}, {}})).size();
  }
  size_t logged_with(const std::string& text) const {
    size_t count = 0;
    for (const std::string& line : logged) count += line.find(text) != std::string::npos ? 1 : 0;
    return count;
  }
  bool waits_for(const std::string& text) const {
    return retention->waits().find(text) != std::string::npos;
  }

  test::TemporaryFolder folder;
  ManualClock clock{kStart};
  DatabaseOptions options;
  std::vector<std::string> logged;
  std::shared_ptr<Environment> environment;
  std::unique_ptr<Store> store;
  std::unique_ptr<CatalogCommit> catalog;
  std::unique_ptr<Retention> retention;
};

TEST_CASE("retention: the day that expires is dropped at once, with one log line", "[db]") {
  RetentionWorld world(10 * kDay);
  for (const char* measurement : {"a", "b", "c", "d"}) world.write_days(measurement, 11);
  world.clock.set(kStart + kDay);
  world.open();
  world.run(0);
  CHECK(world.days("a") == 10);
  CHECK(world.retention->waits().empty());
  CHECK(world.logged_with("dropped 2026-11-14 of a, b, c and 1 more: 4 rows in 4 segments") == 1);
  CHECK(world.logged_with("retention: dropped") == 1);
}

TEST_CASE("retention: a clock a year ahead at the start drops nothing until it is confirmed",
          "[db]") {
  RetentionWorld world(10 * kDay);
  world.write_days("a", 10);
  world.clock.jump_to(kStart + 365 * kDay);
  world.open();
  world.run(3 * kHour);
  CHECK(world.days("a") == 10);
  CHECK(world.waits_for("365d ahead of the last commit"));
  CHECK(world.waits_for("tocsin retention confirm"));
  CHECK(world.logged_with("retention waits with 10 days of a") == 1);
  CHECK(world.logged_with(
            "the last commit was at 2026-11-24T12:00:00Z, and the clock shows 2027") == 1);

  world.open();  // the database knows after a restart
  world.run(kHour);
  CHECK(world.days("a") == 10);
  const std::string confirmed = take(world.retention->confirm(*world.catalog));
  CHECK(confirmed.find("the clock, which jumped ahead by 365d") != std::string::npos);
  CHECK(world.days("a") == 0);
  CHECK(world.logged_with("retention: dropped") == 10);
  world.open();
  CHECK(world.store->clock_guard.observe().ahead() == 0);
  CHECK(take(world.retention->confirm(*world.catalog)).empty());
}

TEST_CASE("retention: a clock that is set right again drops nothing", "[db]") {
  RetentionWorld world(10 * kDay);
  world.write_days("a", 10);
  world.open();
  world.run(0);
  for (const Duration jump : {2 * kDay, 20 * kDay, 4000 * kDay}) {
    world.clock.jump_to(world.clock.now() + jump);
    world.run(10 * kMinute);
    CHECK(!world.retention->waits().empty());
    world.clock.jump_to(world.clock.now() - jump);
    world.run(0);
    CHECK(world.retention->waits().empty());
    CHECK(world.days("a") == 10);
  }
}

TEST_CASE("retention: after a jump of days it waits for retention_grace, also across restarts",
          "[db]") {
  RetentionWorld world(10 * kDay);
  world.write_days("a", 10);
  world.open();
  world.clock.jump_to(kStart + 2 * kDay);
  world.run(40 * kMinute);
  CHECK(world.days("a") == 10);
  CHECK(world.waits_for("in 20m"));
  world.clock.jump_to(world.clock.now() + kHour);  // while it is closed
  world.open();
  world.run(19 * kMinute);
  CHECK(world.days("a") == 10);
  world.run(kMinute);
  CHECK(world.days("a") == 9);
  CHECK(world.retention->waits().empty());
}

TEST_CASE("retention: a second jump waits again", "[db]") {
  RetentionWorld world(10 * kDay);
  world.write_days("a", 10);
  world.open();
  world.clock.jump_to(kStart + 2 * kDay);
  world.run(50 * kMinute);
  world.clock.jump_to(world.clock.now() + 2 * kDay);
  world.run(50 * kMinute);
  CHECK(world.days("a") == 10);
  world.clock.jump_to(world.clock.now() + 365 * kDay);
  world.run(2 * kHour);
  CHECK(world.days("a") == 10);
}

TEST_CASE("retention: a database whose last commit left no time uses that of its newest rows",
          "[db]") {
  RetentionWorld world(10 * kDay);
  world.write_days("a", 10);
  {
    auto environment = take(Environment::open(world.folder.path(), Environment::Mode::kWrite));
    auto transaction = take(environment->begin_write());
    CHECK(take(transaction.remove(CatalogTable::kMeta, "clock")));
    take(transaction.commit());
  }
  world.clock.jump_to(kStart + 365 * kDay);
  world.open();
  world.run(0);
  CHECK(world.days("a") == 10);
  CHECK(world.waits_for("365d ahead"));
  world.clock.jump_to(kStart + kHour);
  world.open();
  world.run(0);
  CHECK(world.retention->waits().empty());
}

TEST_CASE("retention: a record that is not that of the last commit is not used", "[db]") {
  RetentionWorld world(0);
  world.write_days("a", 1);
  world.open();
  const auto transaction = take(world.environment->begin_read());
  const uint64_t commit_number = world.catalog->commit_number();
  CHECK(take(read_clock(transaction, commit_number)));
  CHECK(!take(read_clock(transaction, commit_number + 1)));
}

TEST_CASE("retention: many days of a measurement at once wait for retention_grace", "[db]") {
  RetentionWorld world(10 * kDay);
  world.write_days("many", 15);  // 4 of 15
  world.write_days("few", 14);   // 3 of 14
  world.open();
  world.run(40 * kMinute);
  CHECK(world.days("many") == 15);
  CHECK(world.days("few") == 11);
  CHECK(world.waits_for("retention waits with 4 days of many: "));
  CHECK(world.waits_for("in 20m"));
  world.open();
  world.run(20 * kMinute - kMinute);
  CHECK(world.days("many") == 15);
  world.run(kMinute);
  CHECK(world.days("many") == 11);
  CHECK(world.retention->waits().empty());
}

TEST_CASE("retention: two days at once do not wait", "[db]") {
  RetentionWorld world(kDay);
  world.write_days("a", 4);
  world.open();
  world.run(0);
  CHECK(world.days("a") == 2);
}

TEST_CASE("retention: another shortening waits its own time, and raising it ends the wait",
          "[db]") {
  RetentionWorld world(20 * kDay);
  world.write_days("a", 40);
  world.open();
  world.run(50 * kMinute);
  world.options.retention = 10 * kDay;
  world.open();
  world.run(50 * kMinute);
  CHECK(world.days("a") == 40);
  world.options.retention = 50 * kDay;
  world.open();
  world.run(2 * kHour);
  CHECK(world.days("a") == 40);
  CHECK(world.retention->waits().empty());
  world.options.retention = 10 * kDay;
  world.open();
  world.run(50 * kMinute);
  CHECK(world.days("a") == 40);
}

TEST_CASE("retention: a confirmation by a process that keeps all rows holds for the next", "[db]") {
  RetentionWorld world(10 * kDay);
  world.write_days("a", 40);
  world.open();
  world.run(kMinute);
  world.options.retention = 0;
  world.open();
  CHECK(take(world.retention->confirm(*world.catalog)) == "deleting old days of a");
  CHECK(world.days("a") == 40);
  world.options.retention = 10 * kDay;
  world.open();
  world.run(0);
  CHECK(world.days("a") == 11);
}

TEST_CASE("retention: a confirmation right after a change of settings is about the new ones",
          "[db]") {
  RetentionWorld world(50 * kDay);
  world.write_days("a", 40);
  world.open();
  world.run(kMinute);
  CHECK(world.retention->waits().empty());
  world.store->options.retention = 10 * kDay;
  CHECK(take(world.retention->confirm(*world.catalog)) == "deleting old days of a");
  CHECK(world.days("a") == 11);
}

TEST_CASE("retention: a dropped file that a reader needs is kept for running time", "[db]") {
  RetentionWorld world(10 * kDay);
  world.write_days("a", 12);
  world.open();
  const auto files = [&] {
    size_t count = 0;
    for (const auto& entry :
         std::filesystem::recursive_directory_iterator(world.folder.path("segments"))) {
      count += entry.is_regular_file() ? 1 : 0;
    }
    return count;
  };
  const auto reader = take(world.environment->begin_read());
  world.run(0);
  CHECK(world.days("a") == 11);
  world.clock.jump_to(world.clock.now() + kHour);
  take(world.retention->unlink_dropped(*world.catalog));
  CHECK(files() == 12);
  world.clock.set(world.clock.now() + kSnapshotMax + 1);
  take(world.retention->unlink_dropped(*world.catalog));
  CHECK(files() == 11);
}

TEST_CASE("clock: a clock that was set back is believed after retention_grace", "[db]") {
  ManualClock clock(kStart);
  ClockGuard guard(clock, kDay, kHour);
  guard.start({1, kStart, 0, 0});
  set_log_sink([](LogLevel, const std::string&) {});
  clock.jump_to(kDay);  // a machine without a battery
  CHECK(guard.observe().ahead() == 0);
  clock.set(clock.now() + 30 * kMinute);
  CHECK(guard.observe().latest() == kStart + 30 * kMinute);
  clock.jump_to(kStart + 31 * kMinute);  // its time arrives
  CHECK(guard.observe().latest() == guard.observe().earliest());
  clock.jump_to(kStart - 300 * kDay);
  guard.observe();
  clock.set(clock.now() + kHour);
  CHECK(guard.observe().latest() == kStart - 300 * kDay + kHour);
  clock.jump_to(kStart);
  CHECK(guard.observe().needs_confirmation());
  set_log_sink(nullptr);
}

TEST_CASE("clock: small corrections are believed", "[db]") {
  ManualClock clock(kStart);
  ClockGuard guard(clock, kDay, kHour);
  guard.start({1, kStart, 0, 0});
  for (const Duration step : {kHour, -kHour, kDay, -kDay}) {
    clock.jump_to(clock.now() + step);
    CHECK(guard.observe().believed == clock.now());
  }
}

TEST_CASE("clock: after a jump, rows with the times of both sides are stored", "[db]") {
  test::TemporaryFolder folder;
  ManualClock clock(kStart);
  DatabaseOptions options;
  options.clock = &clock;
  options.retention = 30 * kDay;
  set_log_sink([](LogLevel, const std::string&) {});
  auto database = take(Database::open(folder.path(), options));
  const auto refused = [&](Timestamp time) {
    WriteRequest request;
    request.batch.rows_of("a").begin_row(time);
    return take(database->write(std::move(request))).rejected.size();
  };
  CHECK(refused(kStart) == 0);
  for (const Duration jump : {365 * kDay, -365 * kDay}) {
    clock.jump_to(kStart + jump);
    CHECK(refused(kStart) == 0);
    CHECK(refused(kStart + jump) == 0);
    CHECK(refused(kStart - 31 * kDay) == (jump > 0 ? 1 : 0));
    CHECK(refused(kStart + 2 * kDay) == (jump > 0 ? 0 : 1));
    clock.jump_to(kStart);
    CHECK(refused(kStart + 2 * kDay) == 1);
  }
  CHECK(database->counters().clock_ahead == 0);
  clock.jump_to(kStart + 365 * kDay);
  CHECK(database->counters().clock_ahead == 365 * kDay);
  set_log_sink(nullptr);
}

TEST_CASE("clock: rows written while it was ahead are sealed although their age is negative",
          "[db]") {
  test::TemporaryFolder folder;
  ManualClock clock(kStart + 365 * kDay);
  DatabaseOptions options;
  options.clock = &clock;
  set_log_sink([](LogLevel, const std::string&) {});
  auto database = take(Database::open(folder.path(), options));
  for (int i = 0; i < 3; ++i) {
    WriteRequest request;
    request.batch.rows_of("a").begin_row(kStart);
    take(database->write(std::move(request)));
    take(database->seal());
  }
  clock.jump_to(kStart);
  clock.set(kStart + 2 * kMinute);
  for (int i = 0; i < 2; ++i) take(database->seal());  // the second runs after due merges
  CHECK(take(database->segment_infos({{"a"}, {}})).size() == 1);
  set_log_sink(nullptr);
}

}  // namespace
}  // namespace tocsin
