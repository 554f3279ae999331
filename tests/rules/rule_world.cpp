#include "rule_world.h"

#include <utility>

#include <catch2/catch.hpp>

namespace tocsin {

RuleEngineOptions RuleWorld::default_options() {
  RuleEngineOptions options;
  options.routes = {{"pager", {}, true}};
  options.delay = 0;
  return options;
}

RuleWorld::RuleWorld(RuleEngineOptions the_options)
    : options(std::move(the_options)), clock(start()) {
  open();
}

RuleWorld::~RuleWorld() {
  engine.reset();
  queries.reset();
  database.reset();
}

void RuleWorld::open() {
  DatabaseOptions db_options;
  db_options.clock = &clock;
  auto opened = Database::open(folder_ / "db", db_options);
  REQUIRE(opened);
  database = *std::move(opened);
  queries = std::make_unique<QueryEngine>(*database);
  engine = std::make_unique<RuleEngine>(*database, *queries, clock, options);
}

void RuleWorld::restart() {
  write_events();
  engine.reset();
  queries.reset();
  database.reset();
  open();
}

void RuleWorld::events(const std::string& service, double from, double to, int count,
                       const std::string& status) {
  RowBatch& rows = pending_.batch.rows_of("audit");
  for (int i = 0; i < count; ++i) {
    rows.begin_row(at(from + (to - from) * i / count));
    rows.set_string(rows.lane("service", ColumnType::kString, ColumnKind::kTag, 0),
                    pending_.batch.copy(service));
    rows.set_string(rows.lane("status", ColumnType::kString, ColumnKind::kTag, 1),
                    pending_.batch.copy(status));
    rows.set_i64(rows.lane("number", ColumnType::kI64, ColumnKind::kField, 2), i);
  }
}

void RuleWorld::write_events() {
  if (pending_.batch.empty()) return;
  pending_.urgent = true;
  const auto report = database->write(std::exchange(pending_, WriteRequest()));
  REQUIRE(report);
  REQUIRE(report->rejected.empty());
}

Timestamp RuleWorld::advance(double minute) {
  clock.set(at(minute));
  write_events();
  return engine->evaluate_due();
}

void RuleWorld::run(double from, double to, double step) {
  for (double minute = from; minute <= to; minute += step) advance(minute);
}

size_t RuleWorld::alert_count(const std::string& where) {
  if (!database->catalog()->find(kAlertsMeasurement)) return 0;
  QueryOptions query;
  query.now = clock.now();
  const auto table = queries->run("from alerts | where " + where, query);
  if (!table) FAIL(table.error().message);
  return table->row_count;
}

std::vector<std::string> RuleWorld::alerts(const std::string& where) {
  if (!database->catalog()->find(kAlertsMeasurement)) return {};
  QueryOptions query;
  query.now = clock.now();
  const auto table = queries->run(
      "from alerts | where " + where + " | keep time, service, state, late, rule", query);
  if (!table) FAIL(table.error().message);
  std::vector<std::string> out;
  for (size_t row = 0; row < table->row_count; ++row) {
    const Value service = table->columns[1].at(row);
    const auto name = service.is_null() ? table->columns[4].at(row) : service;
    const double minute =
        static_cast<double>(table->columns[0].i64[row] - start()) / static_cast<double>(kMinute);
    std::string text = std::get<std::string>(name.data) + ":" + table->columns[2].text[row] + "@" +
                       std::to_string(static_cast<int>(minute));
    if (table->columns[3].boolean[row]) text += " late";
    out.push_back(text);
  }
  return out;
}

std::vector<SmallEntry> RuleWorld::outbox() {
  auto entries = database->list(SmallTable::kOutbox, "");
  REQUIRE(entries);
  return *std::move(entries);
}

RuleStatus RuleWorld::status(const std::string& rule) {
  for (RuleStatus& status : engine->status()) {
    if (status.name == rule) return status;
  }
  FAIL("no rule " + rule);
  return {};
}

}  // namespace tocsin
