// Labels, sweeps and comparisons of backtests.
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "tests/support/temporary_folder.h"
#include "tools/backtest/compare.h"
#include "tools/backtest/labels.h"
#include "tools/backtest/sweep.h"

namespace tocsin::backtesting {
namespace {

constexpr Timestamp kStart = 20'000 * kDay;
constexpr TimeRange kRange{kStart, kStart + 7 * kDay};

BacktestFiring firing(const std::string& rule, const std::string& service, int from, int to,
                      Severity severity = Severity::kHigh) {
  BacktestFiring out;
  out.start.rule = rule;
  out.start.type = "SLOW";
  out.start.service = service;
  out.start.labels = {{"service", service}};
  out.start.time = kStart + from * kMinute;
  out.start.window_from = kStart + (from - 5) * kMinute;
  out.end = to == 0 ? 0 : kStart + to * kMinute;
  out.severity = severity;
  return out;
}

BacktestReport report_of(std::vector<BacktestFiring> firings) {
  BacktestReport out;
  out.firings = std::move(firings);
  return out;
}

}  // namespace

TEST_CASE("backtest: reads labels and names the line that is wrong", "[backtest]") {
  const test::TemporaryFolder folder;
  const std::string path = folder.write(
      "labels.jsonl",
      R"({"kind":"SLOW","service":"pay","start":"2026-01-01T00:00:00Z","end":"2026-01-01T01:00:00Z"}

{"quiet":true,"service":"web","start":"2026-01-01T00:00:00Z","end":"2026-01-01T01:00:00Z"}
{"kind":"SLOW","service":"pay","start":"2026-01-01T00:00:00Z","end":"2026-01-01T01:00:00Z","counts":false,"reason":"optional","permanent":true}
)");
  const auto labels = read_labels(path);
  REQUIRE(labels);
  REQUIRE(labels->size() == 3);
  CHECK((*labels)[0].duty == generate::Duty::kRequired);
  CHECK((*labels)[0].range.end - (*labels)[0].range.start == kHour);
  CHECK((*labels)[1].duty == generate::Duty::kQuiet);
  CHECK((*labels)[2].duty == generate::Duty::kOptional);
  CHECK((*labels)[2].permanent);

  for (const char* line : {"{", "[]", R"({"kind":"SLOW"})", R"({"start":"2026-01-01T00:00:00Z"})",
                           R"({"start":"2026-01-01T00:00:00Z","end":"2026-01-02T00:00:00Z"})",
                           R"({"kind":3,"start":"x","end":"y"})"}) {
    const auto wrong = read_labels(folder.write("wrong.jsonl", std::string("\n") + line + "\n"));
    INFO(line);
    REQUIRE_FALSE(wrong);
    CHECK(wrong.error().message.find("wrong.jsonl:2") != std::string::npos);
  }
}

TEST_CASE("backtest: figures by kind", "[backtest]") {
  generate::Label found, missed;
  found.kind = missed.kind = "SLOW";
  found.service = missed.service = "pay";
  found.range = {kStart + 100 * kMinute, kStart + 160 * kMinute};
  missed.range = {kStart + 900 * kMinute, kStart + 960 * kMinute};
  const BacktestReport report =
      report_of({firing("Slow", "pay", 110, 170), firing("Slow", "web", 300, 310)});
  const auto figures = figures_of_all({found, missed}, report, kRange, 10 * kSecond);
  CHECK(figures.recall().value() == Approx(0.5));
  CHECK(figures.precision().value() == Approx(0.5));
  CHECK(f1_of(figures) == Approx(0.5));
  CHECK(figures.delay(0.5) == 10 * kMinute + 10 * kSecond);
  CHECK(figures_text({found, missed}, report, kRange, 10 * kSecond).find("10m10s") !=
        std::string::npos);
  CHECK(f1_of({}) == 0);
}

TEST_CASE("backtest: sweeps", "[backtest]") {
  const auto sweep = parse_sweep("$limit=0.1:0.5:0.1");
  REQUIRE(sweep);
  CHECK(sweep->name == "limit");
  CHECK(sweep->values == std::vector<double>{0.1, 0.2, 0.3, 0.4, 0.5});
  CHECK(parse_sweep("n=5:5:1")->values == std::vector<double>{5});
  CHECK(parse_sweep("n=-2:2:2")->values == std::vector<double>{-2, 0, 2});
  for (const char* wrong : {"", "n", "=1:2:1", "n=1:2", "n=2:1:1", "n=1:2:0", "n=1:2:-1", "n=a:2:1",
                            "n=1:2:1x", "n=1:1e9:1", "n=nan:2:1", "n=1:inf:1"}) {
    INFO(wrong);
    CHECK_FALSE(parse_sweep(wrong));
  }

  SweepTable table("limit", true);
  detection::KindFigures good, bad;
  good.counted = good.found = good.right = 1;
  bad.counted = 1;
  table.add("1", report_of({}), kRange, bad);
  table.add("2", report_of({firing("Slow", "pay", 1, 2)}), kRange, good);
  const std::string text = table.text();
  CHECK(text.find("best", text.find("1.000")) != std::string::npos);
  CHECK(SweepTable("limit", false).text().find("F1") == std::string::npos);
}

TEST_CASE("backtest: a comparison lists what only one side raised", "[backtest]") {
  const std::string text =
      comparison(report_of({firing("New", "pay", 100, 120), firing("New", "web", 200, 0),
                            firing("New", "web", 10, 20, Severity::kLow)}),
                 report_of({firing("Old", "pay", 110, 130, Severity::kCritical),
                            firing("Old", "db", 5, 6), firing("Old", "web", 300, 310)}),
                 kRange);
  CHECK(text.find("HIGH, was CRITICAL") != std::string::npos);
  CHECK(text.find("only new: 1; only in the files of --against: 1; in both: 2, 1 of them with "
                  "another severity") != std::string::npos);
  CHECK(comparison(report_of({}), report_of({}), kRange).find("only new: 0") == 0);
}

}  // namespace tocsin::backtesting
