#include "net/parse/event_lag.h"

#include <algorithm>
#include <string>
#include <vector>

#include <catch2/catch.hpp>
#include <fmt/format.h>

#include "db/schema/own_columns.h"
#include "net/parse/line_protocol.h"

using namespace tocsin;

namespace {

constexpr Timestamp kArrival = 20'000 * kDay + 2 * kMinute;

std::vector<std::string> lags_of_lines(const std::string& lines) {
  Batch batch;
  LineErrors errors;
  ParseOptions options;
  options.now = kArrival;
  parse_line_protocol(batch.keep(lines), options, batch, errors);
  REQUIRE(errors.empty());
  std::vector<std::string> out;
  for (const HostLag& each : lags_of(batch, kArrival)) {
    out.push_back(fmt::format("{}/{} {} {} {}", each.service, each.host, each.lag.min / kSecond,
                              each.lag.max / kSecond, each.lag.events));
  }
  std::ranges::sort(out);
  return out;
}

std::string line(const std::string& tags, Duration lag) {
  return fmt::format("m{} n=1i {}\n", tags, kArrival - lag);
}

/// `service/host min max events peers`, with the start of the interval in minutes since kArrival's.
std::vector<std::string> rows_of_log(const LagLog& log, Timestamp now, bool at_end = false) {
  Batch batch;
  log.add_rows(now, at_end, batch);
  std::vector<std::string> out;
  if (batch.empty()) return out;
  const RowBatch& rows = batch.rows_of(kEventLagMeasurement);
  for (uint32_t row = 0; row < rows.row_count(); ++row) {
    const auto value = [&](const char* name) -> std::string {
      for (const Lane& lane : rows.lanes()) {
        const auto found = std::ranges::find(lane.rows, row);
        if (lane.name != name || found == lane.rows.end()) continue;
        const auto i = static_cast<size_t>(found - lane.rows.begin());
        return lane.type == ColumnType::kString ? std::string(lane.text_of(i))
                                                : std::to_string(lane.i64[i]);
      }
      return "-";
    };
    out.push_back(fmt::format("{} {}/{} {} {} {} {}", (rows.times()[row] - 20'000 * kDay) / kMinute,
                              value("service"), value("host"), value("lag_min_ms"),
                              value("lag_max_ms"), value("events"), value("peers_lag_min_ms")));
  }
  return out;
}

HostLag host_lag(const std::string& service, const std::string& host, Duration lag) {
  HostLag out{service, host, {}};
  out.lag.add(lag);
  return out;
}

using Lines = std::vector<std::string>;

}  // namespace

TEST_CASE("event lag: the smallest and largest of each service and host", "[parse]") {
  const std::string a = ",service=pay,host=a", b = ",service=pay,host=b", none = ",service=pay";
  CHECK(lags_of_lines(line(a, 5 * kSecond) + line(b, -kMinute) + line(a, kSecond) +
                      line(none, 3 * kSecond) + line(a, 9 * kSecond)) ==
        Lines{"pay/ 3 3 1", "pay/a 1 9 3", "pay/b -60 -60 1"});
  // Measurements of the same service are separate here; the log joins them.
  CHECK(lags_of_lines(line(a, kSecond) + "x" + line(a, 2 * kSecond)).size() == 2);
}

TEST_CASE("event lag: events that say nothing about a clock are left out", "[parse]") {
  CHECK(lags_of_lines(line(",host=a", kSecond)).empty());            // no service
  CHECK(lags_of_lines("m,service=pay,host=a n=1i\n").empty());       // no time
  CHECK(lags_of_lines(line(",service=pay", kLagMax + 1)).empty());   // history
  CHECK(lags_of_lines(line(",service=pay", -kLagMax - 1)).empty());  // a wrong unit
  CHECK(lags_of_lines("m,service=pay n=1i 1\nm,service=pay n=1i -9000000000000000000\n").empty());
  CHECK(lags_of_lines(line(",service=pay", kLagMax)).size() == 1);
}

TEST_CASE("event lag: very many hosts in one batch share a row", "[parse]") {
  std::string lines;
  for (int i = 0; i < 20'000; ++i)
    lines += line(fmt::format(",service=s{},host=h{}", i % 7, i), kSecond);
  const auto lags = lags_of_lines(lines);
  CHECK(lags.size() <= kLagHostsMax + 1);
  CHECK(lags.front() == fmt::format("/ 1 1 {}", 20'000 - kLagHostsMax));
}

TEST_CASE("event lag: a row for each interval that is over", "[parse]") {
  LagLog log;
  const Timestamp next = kArrival + kLagInterval;
  log.add({host_lag("pay", "a", kSecond)}, kArrival);
  log.add({host_lag("pay", "a", 3 * kSecond)}, kArrival + kMinute);
  CHECK(rows_of_log(log, kArrival + kMinute).empty());
  log.add({host_lag("pay", "a", -kSecond)}, next);
  CHECK(rows_of_log(log, next) == Lines{"0 pay/a 1000 3000 2 -"});
  CHECK(rows_of_log(log, next, true) == Lines{"0 pay/a 1000 3000 2 -", "5 pay/a -1000 -1000 1 -"});
  log.forget(next, false);
  CHECK(rows_of_log(log, next, true) == Lines{"5 pay/a -1000 -1000 1 -"});
  // The clock was set back: what it counted before is not kept until that time comes again.
  CHECK(rows_of_log(log, kArrival) == Lines{"5 pay/a -1000 -1000 1 -"});
  log.forget(next, true);
  CHECK(rows_of_log(log, next, true).empty());
}

TEST_CASE("event lag: peers are the other hosts, not other services of the host", "[parse]") {
  LagLog log;
  log.add({host_lag("pay", "a", 60 * kSecond), host_lag("mail", "a", 61 * kSecond),
           host_lag("pay", "b", 2 * kSecond), host_lag("web", "c", 4 * kSecond)},
          kArrival);
  CHECK(rows_of_log(log, kArrival, true) ==
        Lines{"0 mail/a 61000 61000 1 2000", "0 pay/a 60000 60000 1 2000",
              "0 pay/b 2000 2000 1 60000", "0 web/c 4000 4000 1 60000"});
}

TEST_CASE("event lag: memory is bounded in hosts and intervals", "[parse]") {
  LagLog log;
  for (size_t i = 0; i < kLagHostsMax + 5; ++i)
    log.add({host_lag("pay", "h" + std::to_string(i), kSecond)}, kArrival);
  log.add({host_lag("pay", "h0", 2 * kSecond), host_lag("", "", 9 * kSecond)}, kArrival);
  const auto rows = rows_of_log(log, kArrival, true);
  CHECK(rows.size() == kLagHostsMax + 1);
  CHECK(rows.back() == "0 -/(other hosts) 1000 9000 6 -");
  for (int i = 0; i < 100; ++i)
    log.add({host_lag("pay", "a", kSecond)}, kArrival + i * kLagInterval);
  CHECK(rows_of_log(log, kArrival, true).size() == 12);
}

TEST_CASE("event lag: queries know the columns that are written", "[parse]") {
  LagLog log;
  log.add({host_lag("pay", "a", 1), host_lag("pay", "b", 1)}, kArrival);
  Batch batch;
  log.add_rows(kArrival, true, batch);
  std::vector<OwnColumn> written;
  for (const Lane& lane : batch.rows_of(kEventLagMeasurement).lanes())
    written.push_back({lane.name.c_str(), lane.type, lane.kind});
  CHECK(std::ranges::is_permutation(written, own_columns(kEventLagMeasurement)));
}
