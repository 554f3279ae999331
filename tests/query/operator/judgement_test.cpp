// The stages unusual and silence over a database equal the judgement of plainly counted windows.
#include <cmath>
#include <functional>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "query/format/format.h"
#include "query/query.h"
#include "query/usual/silence.h"
#include "query/usual/unusual.h"
#include "tests/support/memory_database.h"

using namespace tocsin;

namespace {

constexpr Duration kJudgedStep = 30 * kMinute;
constexpr Timestamp kJudgedEnd = 1'793'577'600 * kSecond + 9 * kDay + 14 * kHour;  // 2026-11-11
constexpr int64_t kJudgedWindows = 28 * kDay / kJudgedStep + 1;

/// What came in a window.
struct WindowEvents {
  double count = 0, failed = 0, logs = 0;
};
using ServiceWindows = std::vector<WindowEvents>;  // oldest first

/// `pay` has a rhythm and fails more often at the end, `mail` became silent, `batch` runs at night,
/// `old` has events only in the past, `new` only in the last window; `young` began three days ago.
/// Nothing was collected for some hours.
std::map<std::string, ServiceWindows> judged_services() {
  std::mt19937 random(1);
  std::map<std::string, ServiceWindows> services;
  for (int64_t i = 0; i < kJudgedWindows; ++i) {
    const int64_t left = kJudgedWindows - i;  // 1: the last window
    const int64_t hour = (kJudgedEnd - left * kJudgedStep) / kHour % 24;
    const auto add = [&](const char* service, double mean, double failures = 0.1) {
      ServiceWindows& windows = services[service];
      windows.resize(static_cast<size_t>(kJudgedWindows));
      if (i >= 300 && i < 310) return;
      const int count = mean <= 0 ? 0 : std::poisson_distribution<int>(mean)(random);
      WindowEvents& window = windows[static_cast<size_t>(i)];
      for (int k = 0; k < count; ++k) {
        ++window.count;
        window.failed += random() % 1'000 < 1'000 * failures;
        window.logs += static_cast<double>(random() % 64) / 16;
      }
    };
    add("pay", hour >= 8 ? 12 : 3, left <= 4 ? 0.6 : 0.1);
    add("mail", left <= 6 ? 0 : 8);
    add("batch", hour == 2 ? 20 : 0);
    add("old", left > 700 && left < 900 ? 4 : 0);
    add("new", left == 1 ? 5 : 0);
    add("young", left <= 3 * 48 ? 6 : 0);
  }
  return services;
}

MemoryDatabase stored_services(const std::map<std::string, ServiceWindows>& services) {
  MemoryDatabase database;
  for (int64_t day = 0; day <= kJudgedWindows / 48; ++day) {
    std::vector<Timestamp> times;
    MemoryColumns columns = {{"service", {}}, {"ok", {}}, {"log", {}}};
    for (int64_t i = day * 48; i < std::min((day + 1) * 48, kJudgedWindows); ++i) {
      const Timestamp start = kJudgedEnd - (kJudgedWindows - i) * kJudgedStep;
      for (const auto& [service, windows] : services) {
        const WindowEvents& window = windows[static_cast<size_t>(i)];
        for (int k = 0; k < static_cast<int>(window.count); ++k) {
          times.push_back(start + k * kSecond);
          columns[0].second.push_back(Value::of(service));
          columns[1].second.push_back(Value::of(k >= static_cast<int>(window.failed)));
          columns[2].second.push_back(Value::of(window.logs / window.count));
        }
      }
    }
    if (!times.empty()) database.add_segment("audit", times, columns, {.dictionary = true});
  }
  return database;
}

constexpr const char* kJudging =
    "from audit last 30m | stats n = count(), failed = count() where not ok, logs = sum(log) "
    "by service | baseline 28d excluding alerts | ";

QueryOptions judging_options(const char* zone = "UTC") {
  QueryOptions options;
  options.now = kJudgedEnd;
  const auto loaded = TimeZone::load(zone);
  REQUIRE(loaded);
  options.zone = *loaded;
  return options;
}

ResultTable judged_table(const Database& database, const std::string& query,
                         const QueryOptions& options) {
  auto table = QueryEngine(database).run(query, options);
  if (!table) FAIL(table.error().message);
  return *std::move(table);
}

double judged_number(const ResultTable& table, const char* name, size_t row) {
  const ResultColumn& column = table.columns.at(table.find(name));
  if (!column.valid[row]) return std::nan("");
  return column.type == ValueType::kF64 ? column.f64[row] : static_cast<double>(column.i64[row]);
}

bool equal(double a, double b) {
  return std::isnan(a) || std::isnan(b) ? std::isnan(a) && std::isnan(b)
                                        : a == Approx(b).epsilon(1e-6).margin(1e-9);
}

/// The past of each service, counted plainly; `use` judges it.
void each_past(const std::map<std::string, ServiceWindows>& services, const QueryOptions& options,
               double WindowEvents::*value, double WindowEvents::*of,
               const std::function<void(const std::string&, const Past&)>& use) {
  std::vector<Timestamp> starts;
  std::vector<uint64_t> rows(static_cast<size_t>(kJudgedWindows));
  for (int64_t i = 0; i < kJudgedWindows; ++i) {
    starts.push_back(kJudgedEnd - (kJudgedWindows - i) * kJudgedStep);
    for (const auto& [service, windows] : services)
      rows[static_cast<size_t>(i)] += static_cast<uint64_t>(windows[static_cast<size_t>(i)].count);
  }
  const WindowSlots slots(starts, kJudgedStep, options.zone);
  const std::vector<uint8_t> observed = collected_windows(slots, rows);
  for (const auto& [service, windows] : services) {
    std::vector<double> values, ofs;
    std::vector<uint8_t> collected = observed, excluded;
    bool seen = false;
    for (size_t i = 0; i < windows.size(); ++i) {
      values.push_back(windows[i].*value);
      if (of) ofs.push_back(windows[i].*of);
      seen = seen || windows[i].count > 0;
      if (!seen) collected[i] = 0;
      excluded.push_back(0);
      for (const Exclusion& exclusion : options.exclusions) {
        if (exclusion.group.at(0).second != Value::of(service)) continue;
        for (const TimeRange& interval : exclusion.intervals) {
          if (interval.start < starts[i] + kJudgedStep && starts[i] < interval.end)
            excluded.back() = 1;
        }
      }
    }
    use(service, Past(slots, values, ofs, collected, excluded));
  }
}

size_t row_of(const ResultTable& table, const std::string& service) {
  for (size_t row = 0; row < table.row_count; ++row) {
    if (table.columns[0].text[row] == service) return row;
  }
  FAIL("no row of " << service);
  return 0;
}

void check_all(const Database& database, const std::map<std::string, ServiceWindows>& services,
               const QueryOptions& options) {
  const auto check = [&](const std::string& stage, double WindowEvents::*value,
                         double WindowEvents::*of, auto judge) {
    INFO(stage);
    const ResultTable table = judged_table(database, kJudging + stage, options);
    CHECK(table.row_count == services.size());
    each_past(services, options, value, of, [&](const std::string& service, const Past& past) {
      INFO(service);
      const size_t row = row_of(table, service);
      const Judgement expected = judge(past);
      const bool known = expected.basis != Basis::kNone;
      CHECK(equal(judged_number(table, "observed", row), expected.observed));
      CHECK(equal(judged_number(table, "usual", row), expected.usual));
      CHECK(equal(judged_number(table, "surprise", row), expected.surprise));
      CHECK(equal(judged_number(table, "span", row),
                  known ? static_cast<double>(expected.span) : std::nan("")));
      const Value basis = table.columns.at(table.find("basis")).at(row);
      CHECK(basis == (known ? Value::of(name_of(expected.basis)) : Value::null()));
    });
  };
  using W = WindowEvents;
  check("unusual n", &W::count, nullptr, judge_count);
  check("unusual failed of n", &W::failed, &W::count, judge_share);
  check("unusual logs of n", &W::logs, &W::count, judge_mean);

  const ResultTable table = judged_table(database, std::string(kJudging) + "silence n", options);
  CHECK(table.row_count == services.size());
  each_past(
      services, options, &W::count, nullptr, [&](const std::string& service, const Past& past) {
        INFO(service);
        const size_t row = row_of(table, service);
        const Silence expected = judge_silence(past);
        const auto length = [](int64_t windows) {
          return static_cast<double>(windows * kJudgedStep);
        };
        const bool known = expected.usual >= 0;
        CHECK(judged_number(table, "silence", row) == length(expected.windows));
        CHECK(equal(judged_number(table, "usual_silence", row),
                    known ? length(expected.usual) : std::nan("")));
        CHECK(equal(judged_number(table, "missed", row), known ? expected.missed : std::nan("")));
      });
}

}  // namespace

TEST_CASE("judgement: equals that of plainly counted windows, in every zone", "[query]") {
  const auto services = judged_services();
  const MemoryDatabase database = stored_services(services);
  for (const char* zone : {"UTC", "Europe/Berlin", "Asia/Kathmandu"}) {  // Berlin: set back
    INFO(zone);
    check_all(database, services, judging_options(zone));
  }
}

TEST_CASE("judgement: finds what is unusual, and says when too little is known", "[query]") {
  const MemoryDatabase database = stored_services(judged_services());
  const QueryOptions options = judging_options();
  const ResultTable shares =
      judged_table(database, std::string(kJudging) + "unusual failed of n", options);
  CHECK(judged_number(shares, "surprise", row_of(shares, "pay")) > 6);
  CHECK(judged_number(shares, "observed", row_of(shares, "pay")) > 0.4);
  CHECK(judged_number(shares, "usual", row_of(shares, "pay")) < 0.2);
  CHECK(std::isnan(judged_number(shares, "usual", row_of(shares, "new"))));
  const ResultTable silent = judged_table(database, std::string(kJudging) + "silence n", options);
  const size_t mail = row_of(silent, "mail");
  CHECK(judged_number(silent, "silence", mail) == 6.0 * kJudgedStep);
  CHECK(judged_number(silent, "silence", mail) > judged_number(silent, "usual_silence", mail));
  const size_t batch = row_of(silent, "batch");
  CHECK(judged_number(silent, "silence", batch) < judged_number(silent, "usual_silence", batch));
  CHECK(std::isnan(judged_number(silent, "usual_silence", row_of(silent, "new"))));
}

TEST_CASE("judgement: excluded windows are not usual", "[query]") {
  const auto services = judged_services();
  const MemoryDatabase database = stored_services(services);
  QueryOptions options = judging_options();
  options.exclusions = {
      {{{"service", Value::of("pay")}},
       {{kJudgedEnd - 3 * kDay, kJudgedEnd - 2 * kDay + 1}, {kJudgedEnd - kHour, kJudgedEnd}}},
      {{{"service", Value::of("batch")}}, {{kJudgedEnd - 9 * kDay, kJudgedEnd - 8 * kDay}}},
      {{{"service", Value::of("nobody")}}, {{0, kJudgedEnd}}}};
  check_all(database, services, options);
}

TEST_CASE("judgement: several judgements and statistics of one baseline do not mix", "[query]") {
  const MemoryDatabase database = stored_services(judged_services());
  const QueryOptions options = judging_options();
  const auto csv = [&](const std::string& stages) {
    return format_result(judged_table(database, kJudging + stages, options), ResultFormat::kCsv);
  };
  const std::string keep_n = " | keep service, observed, usual, surprise, span, basis";
  const std::string keep_silence = " | keep service, silence, usual_silence, missed";
  const std::string all =
      "silence n | unusual n | let b = baseline(failed, median), "
      "w = baseline(logs, windows)";
  CHECK(csv(all + keep_n) == csv("unusual n" + keep_n));
  CHECK(csv(all + keep_silence) == csv("silence n" + keep_silence));
  CHECK(csv(all + " | keep service, b, w") ==
        csv("let b = baseline(failed, median), w = baseline(logs, windows) | keep service, b, w"));
}

TEST_CASE("judgement: threads and remembered windows do not change it", "[query]") {
  const MemoryDatabase database = stored_services(judged_services());
  const QueryEngine engine(database);
  const std::string query = std::string(kJudging) + "silence n | unusual failed of n";
  std::optional<std::string> first;
  for (const unsigned threads : {1u, 3u}) {
    for (const bool remember : {false, true, true}) {
      QueryOptions options = judging_options();
      options.threads = threads;
      options.remember = remember;
      const auto table = engine.run(query, options);
      REQUIRE(table);
      const std::string csv = format_result(*table, ResultFormat::kCsv);
      if (!first) first = csv;
      CHECK(csv == *first);
      if (remember && threads == 3) CHECK(table->statistics.windows_remembered > 1'000);
    }
  }
}

TEST_CASE("judgement: a query without groups has one row", "[query]") {
  const MemoryDatabase database = stored_services(judged_services());
  const auto row = [&](const std::string& query) {
    const ResultTable table = judged_table(database, query, judging_options());
    CHECK(table.row_count == 1);
    return table;
  };
  const ResultTable all =
      row("from audit last 30m | stats n = count() | baseline 28d | unusual n | silence n");
  CHECK(judged_number(all, "usual", 0) > 5);
  CHECK(judged_number(all, "silence", 0) == 0);
  const ResultTable none =
      row("from audit last 30m | where service == \"x\" | stats n = count() | baseline 28d | "
          "silence n");
  CHECK(judged_number(none, "silence", 0) == 28.0 * kDay + kJudgedStep);
  CHECK(std::isnan(judged_number(none, "usual_silence", 0)));
}

TEST_CASE("judgement: groups of values of several types are judged apart", "[query]") {
  MemoryDatabase database;
  for (const bool number : {true, false}) {
    std::vector<Timestamp> times;
    std::vector<Value> levels;
    for (int64_t hour = 1; hour <= 30 * 24; ++hour) {
      if (!number && hour <= 24) continue;  // texts became silent a day ago
      times.push_back(kJudgedEnd - hour * kHour);
      levels.push_back(number ? Value::of(int64_t{30}) : Value::of("30"));
    }
    database.add_segment(number ? "a" : "b", times, {{"level", levels}});
  }
  const ResultTable table = judged_table(
      database,
      "from a, b last 1h | stats n = count() by level | baseline 28d | silence n | keep silence",
      judging_options());
  REQUIRE(table.row_count == 2);
  CHECK(table.columns[0].i64 == std::vector<int64_t>{0, 24 * kHour});
}

TEST_CASE("judgement: many groups need no more memory than the limit", "[query]") {
  constexpr int kGroups = 1'000;
  MemoryDatabase database;
  for (const int64_t day : {28, 14, 0}) {
    std::vector<Timestamp> times;
    std::vector<Value> groups;
    for (int i = 0; i < kGroups; ++i) {
      times.push_back(kJudgedEnd - day * kDay - kMinute);
      groups.push_back(Value::of(int64_t{i}));
    }
    database.add_segment("t", times, {{"g", groups}});
  }
  QueryOptions options = judging_options();
  const auto answer = [&](size_t memory_bytes) {
    options.memory_bytes_max = memory_bytes;
    return QueryEngine(database).run(
        "from t last 30m | stats n = count() by g | baseline 28d | silence n "
        "| stats groups = count(), silence = max(silence)",
        options);
  };
  const auto result = answer(256 * kMiB);
  REQUIRE(result);
  CHECK(result->columns[0].i64[0] == kGroups);
  CHECK(result->columns[1].i64[0] == 0);
  const auto refused = answer(8 * kMiB);  // the series need 10 MiB
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == ErrorCode::kLimit);
}

TEST_CASE("judgement: can be cancelled and ends at the time limit", "[query]") {
  const MemoryDatabase database = stored_services(judged_services());
  QueryOptions options = judging_options();
  options.timeout = 1;
  const auto late = QueryEngine(database).run(std::string(kJudging) + "unusual n", options);
  REQUIRE_FALSE(late);
}
