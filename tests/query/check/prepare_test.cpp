#include "query/check/prepare.h"

#include <string>

#include <catch2/catch.hpp>

#include "query/base/limits.h"
#include "query/function/functions.h"
#include "query/plan/analyze.h"
#include "tests/query/sample_catalog.h"

using namespace tocsin;

namespace {

std::string plan_of(const std::string& text, const QueryOptions& options = sample_options()) {
  const auto plan = build_plan(text, sample_catalog(), options);
  return plan ? print_plan(*plan) : plan.error().message;
}

// The last line of the plan, without its output columns.
std::string stage_of(const std::string& text) {
  std::string plan = plan_of(text);
  if (plan.ends_with("\n")) plan.pop_back();
  const std::string last = plan.substr(plan.rfind('\n') + 1);
  return last.substr(0, last.find(" -> "));
}

std::string where(const std::string& condition) {
  return stage_of("from audit last 1h | where " + condition);
}

Plan built(const std::string& text, const QueryOptions& options = sample_options()) {
  auto plan = build_plan(text, sample_catalog(), options);
  INFO(text << "\n" << (plan ? "" : plan.error().message));
  REQUIRE(plan);
  return *std::move(plan);
}

QueryOptions rule_options() {
  QueryOptions options = sample_options();
  options.rule_mode = true;
  return options;
}

}  // namespace

TEST_CASE("prepare: a pipeline of all main stages becomes a typed plan", "[query]") {
  CHECK(plan_of("from audit, bpm last 1h\n"
                "| where service =~ \"^pay\" and duration_ms > 100\n"
                "| stats failures = count() where status == \"FAILED\", total = count(),\n"
                "        p95 = p95(duration_ms) by service, transaction\n"
                "| let rate = failures / total\n"
                "| baseline 7d  # a week\n"
                "| where total >= 20 and rate > 2 * baseline(rate)\n"
                "| sort -rate\n"
                "| limit 10\n") ==
        "from audit, bpm -> service string, transaction string, status string, duration_ms f64\n"
        "where service =~ \"^pay\" and duration_ms > 100\n"
        "stats failures = count() where status == \"FAILED\", total = count(), "
        "p95 = quantile(duration_ms, 0.95) by service, transaction -> service string, "
        "transaction string, failures i64, total i64, p95 f64\n"
        "let rate = f64(failures) / f64(total) -> service string, transaction string, "
        "failures i64, total i64, p95 f64, rate f64\n"
        "baseline 1w step 1h min 1 -> service string, transaction string, failures i64, "
        "total i64, p95 f64, rate f64, `baseline(rate)` f64\n"
        "where total >= 20 and rate > 2.0 * `baseline(rate)`\n"
        "sort -rate\n"
        "limit 10\n");
}

TEST_CASE("prepare: a range is absolute, or all time if the query has none", "[query]") {
  const auto range = [](const std::string& text) { return built("from audit " + text).range; };
  CHECK(range("last 1h") == TimeRange{kSampleNow - kHour, kSampleNow});
  CHECK(range("last $baseline_window") == TimeRange{kSampleNow - 7 * kDay, kSampleNow});
  CHECK(range("between now - 1d and now") == TimeRange{kSampleNow - kDay, kSampleNow});
  CHECK(range("between 2026-11-23 and 2026-11-23 + 1h30m") ==
        TimeRange{kSampleNow - 36 * kHour, kSampleNow - 34 * kHour - 30 * kMinute});
  CHECK(range("") == TimeRange{});
  CHECK_FALSE(built("from audit").range_given);
}

TEST_CASE("prepare: a bare date is midnight in the configured zone", "[query]") {
  QueryOptions options = sample_options();
  options.zone = TimeZone::load("Europe/Berlin").value();
  const Plan plan = built("from audit between 2026-11-23 and 2026-11-24", options);
  CHECK(plan.range.end == kSampleNow - 13 * kHour);
}

TEST_CASE("prepare: several measurements form one table", "[query]") {
  const Plan plan = built("from audit, bpm | keep measurement, duration_ms, code, bytes");
  CHECK(plan.source_columns[0] == PlanColumn{"time", ValueType::kTime});
  CHECK(plan.source_columns[1] == PlanColumn{"measurement", ValueType::kString});
  CHECK(plan.output_columns() == std::vector<PlanColumn>{{"measurement", ValueType::kString},
                                                         {"duration_ms", ValueType::kF64},
                                                         {"code", ValueType::kI64},
                                                         {"code", ValueType::kString, false, true},
                                                         {"bytes", ValueType::kU64}});
  CHECK(plan.warnings.empty());
  REQUIRE(plan.source.size() == 2);
  CHECK(plan.source[1].columns == std::vector<uint32_t>{2, 4, 5, 11});
}

TEST_CASE("prepare: the first listed measurement decides the type, another is a sibling",
          "[query]") {
  const PlanColumn text{"code", ValueType::kString};
  const PlanColumn number{"code", ValueType::kI64};
  const auto sibling = [](PlanColumn column) {
    column.sibling = true;
    return column;
  };
  using Columns = std::vector<PlanColumn>;
  CHECK(built("from bpm, audit | keep code").output_columns() == Columns{text, sibling(number)});
  CHECK(built("from audit, bpm | keep code").output_columns() == Columns{number, sibling(text)});
  CHECK(built("from audit | keep code").output_columns() == Columns{number});
  const Columns renamed =
      built("from audit, bpm | let x = code, code = 1 | keep code, x").output_columns();
  REQUIRE(renamed.size() == 3);
  CHECK(renamed[0] == number);
  CHECK(renamed[2].sibling);
  CHECK(renamed[2].name == "x");
}

TEST_CASE("prepare: a comparison is with the members of its type", "[query]") {
  const auto printed = [](const std::string& condition) {
    const Plan plan = built("from audit, bpm | where " + condition);
    CHECK(plan.warnings.empty());
    return print_stage(plan.stages[0], plan.source_columns);
  };
  CHECK(printed("code == 3") == "where code == 3");
  CHECK(printed("code == \"E1\"") == "where `code (string)` == \"E1\"");
  CHECK(printed("\"E1\" == code") == "where \"E1\" == `code (string)`");
  CHECK(printed("code != 3") == "where code != 3 or exists(`code (string)`)");
  CHECK(printed("code !~ \"E\"") == "where exists(code) or `code (string)` !~ \"E\"");
  CHECK(printed("code in (3, \"E1\")") == "where code in (3) or `code (string)` in (\"E1\")");
  CHECK(printed("code not in (\"E1\")") == "where exists(code) or `code (string)` not in (\"E1\")");
  CHECK(printed("exists(code)") == "where exists(code) or exists(`code (string)`)");
  CHECK(printed("code == status") == "where `code (string)` == status");
  CHECK(printed("code == duration_ms") == "where code == duration_ms");
}

TEST_CASE("prepare: a column with siblings has its first type elsewhere, with a warning",
          "[query]") {
  const auto warnings = [](const std::string& stages) {
    return built("from audit, bpm | " + stages).warnings;
  };
  const auto left_out = [](const std::string& user) {
    return std::vector<std::string>{"`" + user +
                                    "` leaves out the values of `code` that are not i64"};
  };
  CHECK(warnings("stats sum(code) by status") == left_out("sum"));
  CHECK(warnings("let x = code + 1") == left_out("+"));
  CHECK(warnings("let x = coalesce(code, 0)") == left_out("coalesce"));
  CHECK(warnings("stats n = count(code), d = count_distinct(code) by code").empty());
  CHECK(warnings("let x = concat(code, \"!\"), y = to_string(code)").empty());
}

TEST_CASE("prepare: a rule compiles the same whatever types its columns also get", "[query]") {
  QueryOptions options = sample_options();
  options.rule_mode = true;
  Catalog catalog = sample_catalog();
  for (const ColumnType type : {ColumnType::kString, ColumnType::kBool, ColumnType::kF64}) {
    auto& columns = catalog.measurements["audit"].columns;
    columns.push_back({static_cast<ColumnId>(columns.size() + 1), "code", type});
    const auto plan = build_plan(
        "from audit last 1h | where code > 3 and code % 2 == 1 | stats n = count(), m = max(code) "
        "by code, service | baseline 1d | where n > baseline(n) and code > 40 | sort -code | top 3 "
        "by code",
        catalog, options);
    REQUIRE(plan);
    const PlanSummary summary = summarize_plan(*plan);
    CHECK(summary.group_keys == std::vector<std::string>{"code", "service"});
    CHECK(summary.keys_survive);
  }
}

TEST_CASE("prepare: a condition that no row can meet causes a warning", "[query]") {
  const auto check = [](const std::string& condition, const std::string& warning) {
    INFO(condition);
    const auto expected =
        warning.empty() ? std::vector<std::string>{} : std::vector{"no row passes: " + warning};
    CHECK(built("from audit last 1h | where " + condition).warnings == expected);
  };
  check("code > 5 and status == \"OK\" and code < 3",
        "`code < 3` contradicts an earlier condition on `code`");
  check("code >= 5 and 5 >= code", "");
  check("code > 5 and (5 >= code or ok)", "");
  check("code > 5 and (5 >= code or code == 1)",
        "`code == 1` contradicts an earlier condition on `code`");
  check("status == \"OK\" and status == \"FAILED\"",
        "`status == \"FAILED\"` contradicts an earlier condition on `status`");
  check("status == \"OK\" or status == \"FAILED\"", "");
  check("not (code > 5 and code < 3)", "");
  check("bytes < 0", "`bytes < 0` is false for every value of `bytes`, which is a number (u64)");
  check("0 > bytes", "`0 > bytes` is false for every value of `bytes`, which is a number (u64)");
  check("code == 1.5", "`code == 1.5` is false for every value of `code`, which is a number (i64)");
  check("code > 9223372036854775807",
        "`code > 9223372036854775807` is false for every value of `code`, which is a number (i64)");
  check("time < 2026-11-24", "`time < 2026-11-24` is outside the time range of the query");
  check("time >= 2026-11-24T11:30:00Z", "");
  check("1 > 2", "`1 > 2` is false for every row");
  CHECK(built("from audit | stats n = count() where code > 5 and code < 3").warnings.size() == 1);
  CHECK(built("from audit last 1h | let time = time - 1d | where time < 2026-11-24")
            .warnings.empty());
  CHECK(built("from audit last 1h | where time < 2026-11-24 | stats n = count() | baseline 7d "
              "| where n > baseline(n)")
            .warnings.empty());
}

TEST_CASE("prepare: a column of another measurement is reported as such", "[query]") {
  Diagnostic diagnostic;
  CHECK_FALSE(
      build_plan("from bpm | where bytes > 1", sample_catalog(), sample_options(), &diagnostic));
  CHECK(diagnostic.message == "no column `bytes` in `bpm`");
  CHECK(diagnostic.hint == "it is a column of `audit`");
  CHECK(built("from bpm last 1h | where bytes > 1", rule_options()).schema_warnings ==
        std::vector<std::string>{
            "no column `bytes` in `bpm` yet: it is null; it is a column of `audit`"});
}

TEST_CASE("prepare: `*` is all measurements except Tocsin's own", "[query]") {
  const Plan plan = built("from * | stats count() by measurement");
  REQUIRE(plan.source.size() == 2);
  CHECK(plan.source[0].name == "audit");
  CHECK(plan.source[1].name == "bpm");
}

TEST_CASE("prepare: a column of nanosecond timestamps has the type time", "[query]") {
  CHECK(stage_of("from alerts | where started_at > now - 1h") == "where started_at > now() - 1h");
}

TEST_CASE("prepare: operators and functions have the documented types", "[query]") {
  const auto type = [](const std::string& expression) {
    return std::string(name_of(
        built("from audit | let x = " + expression + " | keep x").output_columns()[0].type));
  };
  CHECK(type("code + 1") == "i64");
  CHECK(type("code + 1.5") == "f64");
  CHECK(type("code / 2") == "f64");
  CHECK(type("code div 2") == "i64");
  CHECK(type("bytes + bytes") == "u64");
  CHECK(type("bytes - bytes") == "i64");
  CHECK(type("bytes + code") == "i64");
  CHECK(type("-bytes") == "i64");
  CHECK(type("time - time") == "duration");
  CHECK(type("time - 5m") == "time");
  CHECK(type("5m + time") == "time");
  CHECK(type("5m * code") == "duration");
  CHECK(type("code * 5m") == "duration");
  CHECK(type("5m / 2") == "duration");
  CHECK(type("(now - time) / 1h") == "f64");
  CHECK(type("(now - time) div 1h") == "i64");
  CHECK(type("if(ok, code, 2.5)") == "f64");
  CHECK(type("coalesce(bytes, 0)") == "u64");
  CHECK(type("greatest(code, bytes)") == "f64");
  CHECK(type("coalesce(null, user)") == "string");
  CHECK(type("null") == "string");
  CHECK(type("code in (1, 2.5)") == "bool");
}

TEST_CASE("prepare: mixed numbers become f64, and constants are computed", "[query]") {
  CHECK(where("code / 2 > 1") == "where f64(code) / 2.0 > 1");
  CHECK(where("code > 1 + 2 * 3") == "where code > 7");
  CHECK(where("code in (-1, 2 * 3)") == "where code in (-1, 6)");
  CHECK(where("status == concat(\"FAI\", \"LED\")") == "where status == \"FAILED\"");
  CHECK(where("2 * 5m < now - time") == "where 10m < now() - time");
  CHECK(where("code > 1 / 0") == "where code > null");
}

TEST_CASE("prepare: operators have the documented precedence", "[query]") {
  CHECK(where("ok or not ok and code == 1 + 2 * -3 % 2") == "where ok or not ok and code == 1");
  CHECK(where("(ok or ok) and ok") == "where (ok or ok) and ok");
  CHECK(where("not (code == 1)") == "where not code == 1");
  CHECK(where("code - (1 - code) > 0") == "where code - (1 - code) > 0");
}

TEST_CASE("prepare: keywords are columns where they have no meaning", "[query]") {
  Catalog catalog;
  add_measurement(catalog, 1, "last",
                  {{"from", ColumnType::kString},
                   {"min", ColumnType::kI64},
                   {"div", ColumnType::kI64},
                   {"step", ColumnType::kI64},
                   {"by", ColumnType::kString},
                   {"@x", ColumnType::kI64}});
  const auto plan = build_plan(
      "from last last 1h | where div div div == min and from == `by` and `@x` > step "
      "| stats min(min), first = first(from) by `by`, time(1m)",
      catalog, sample_options());
  REQUIRE(plan);
  CHECK(plan->output_columns()[2].name == "min(min)");
}

TEST_CASE("prepare: names of measurements may contain - / and :", "[query]") {
  Catalog catalog;
  add_measurement(catalog, 1, "a-b", {});
  add_measurement(catalog, 2, "c/d:e.f", {});
  add_measurement(catalog, 3, "g h", {});
  const auto plan = build_plan("from a-b,c/d:e.f , `g h`|limit 1", catalog, sample_options());
  REQUIRE(plan);
  CHECK(plan->source.size() == 3);
}

TEST_CASE("prepare: a definition in let may use earlier ones", "[query]") {
  const Plan plan =
      built("from audit | let a = code + 1, b = a * 2, service = upper(service), c = service");
  CHECK(plan.stages.size() == 3);
  const auto& let = std::get<LetStage>(plan.stages[1].operation);
  CHECK(plan.stages[1].columns[let.outputs[0]].name == "b");
  CHECK(plan.stages[1].columns[let.outputs[1]].name == "service");
  CHECK(let.outputs[1] == 2);  // replaced in place
}

TEST_CASE("prepare: an unnamed result is named as printed", "[query]") {
  const Plan plan = built(
      "from audit last 1h | stats p99.9( duration_ms ), count() where code==1, count(), "
      "p95(`duration_ms`) | sort -`p95(duration_ms)`");
  CHECK(plan.output_columns()[0].name == "p99.9(duration_ms)");
  CHECK(plan.output_columns()[1].name == "count() where code == 1");
  CHECK(std::get<StatsStage>(plan.stages[0].operation).aggregates[0].quantile == 0.999);
}

TEST_CASE("prepare: stages keep their arguments", "[query]") {
  const std::string series = "from audit last 1d | stats n = count(), m = mean(code) by time(5m), ";
  CHECK(stage_of(series + "service | fill") ==
        "fill time every 5m by (service) with (null, null, 0, null)");
  CHECK(stage_of(series + "service | fill 0") ==
        "fill time every 5m by (service) with (null, null, 0, 0.0)");
  CHECK(stage_of(series + "service | detect n season 1h") ==
        "detect n every 5m season 1h by (service)");
  CHECK(stage_of(series + "service | detect n sensitivity high") ==
        "detect n every 5m sensitivity high by (service)");
  CHECK(stage_of(series + "service | changepoint m") == "changepoint m every 5m by (service)");
  CHECK(stage_of(series + "service | forecast m horizon 1d season 1h") ==
        "forecast m every 5m horizon 1d season 1h by (service)");
  CHECK(stage_of("from audit | top 3 by code, -bytes") == "top 3 by code, -bytes");
  CHECK(stage_of("from audit | distinct service") == "distinct service");
  CHECK(stage_of("from bpm | drop time, measurement") == "keep service, status, duration_ms, code");
  CHECK(stage_of("from audit | limit $min_events") == "limit 20");
}

TEST_CASE("prepare: baseline columns are collected from all later stages", "[query]") {
  const Plan plan = built(
      "from audit last 1h | stats n = count() by service "
      "| baseline $baseline_window step 1d min 3 excluding alerts of Spike "
      "| where n > baseline(n, p95) and baseline(n, windows) > 3 | sort -`baseline(n)` "
      "| keep service, n, `baseline(n, stddev)`");
  const auto& baseline = std::get<BaselineStage>(plan.stages[1].operation);
  CHECK(baseline.depth == 7 * kDay);
  CHECK(baseline.step == kDay);
  CHECK(baseline.min_windows == 3);
  CHECK(baseline.excluding_alerts);
  CHECK(baseline.excluding_rule == "Spike");
  CHECK(baseline.key_columns == std::vector<uint32_t>{0});
  REQUIRE(baseline.columns.size() == 4);
  CHECK(baseline.columns[0].name == "baseline(n, p95)");
  CHECK(baseline.columns[1].statistic == BaselineStatistic::kWindows);
  CHECK(plan.stages[1].columns[3].type == ValueType::kI64);
}

TEST_CASE("prepare: unusual and silence make the baseline before them judge a column", "[query]") {
  const std::string stats =
      "from audit last 15m | stats n = count(), bad = count() where ok, ms = sum(duration_ms), "
      "b = sum(bytes) by service | ";
  const auto judged = [&](const std::string& stages) {
    const std::string stage = stage_of(stats + "baseline 28d | " + stages);
    const std::string start = "baseline 4w step 15m min 1";
    return stage.starts_with(start) ? stage.substr(start.size()) : stage;
  };
  CHECK(judged("unusual n") == " unusual n");
  CHECK(judged("unusual ms") == " unusual ms");
  CHECK(judged("silence n | unusual bad of n") == " silence n unusual bad of n");

  const auto columns_of = [&](const std::string& stages) {
    std::string out;
    const Plan plan = built(stats + "baseline 28d step 15m | " + stages);
    for (size_t i = 5; i < plan.stages[1].columns.size(); ++i) {
      const PlanColumn& column = plan.stages[1].columns[i];
      out += column.name + " " + std::string(name_of(column.type)) + " ";
    }
    return out;
  };
  CHECK(columns_of("unusual n") ==
        "observed f64 usual f64 surprise f64 span duration basis string ");
  CHECK(columns_of("silence n") == "silence duration usual_silence duration missed f64 ");
  CHECK(columns_of("unusual n | silence n | where surprise > 6 and n > baseline(n)") ==
        "baseline(n) f64 observed f64 usual f64 surprise f64 span duration basis string "
        "silence duration usual_silence duration missed f64 ");

  // A part of a count is a share; a sum of floats divided by a count is a mean.
  const auto kind_of = [&](const std::string& stage) {
    const Plan plan = built(stats + "baseline 28d | " + stage);
    return std::get<BaselineStage>(plan.stages[1].operation).judgements.at(0).kind;
  };
  CHECK(kind_of("unusual n") == JudgementKind::kCount);
  CHECK(kind_of("unusual bad of n") == JudgementKind::kShare);
  CHECK(kind_of("unusual b of n") == JudgementKind::kShare);  // u64
  CHECK(kind_of("unusual ms of n") == JudgementKind::kMean);
  CHECK(kind_of("silence n") == JudgementKind::kSilence);

  // A judgement uses the baseline, so that nothing warns of an unused one.
  for (const char* stage : {"unusual n", "silence n", "unusual n | where n == 0"})
    CHECK(built(stats + "baseline 28d | " + stage).warnings.empty());
  CHECK(
      built("from audit last 1d | stats n = count() | baseline 28d | silence n").warnings.empty());
}

TEST_CASE("prepare: novel compares groups with a whole", "[query]") {
  const std::string stats =
      "from audit last 15m | stats n = count() by service, status | baseline 14d | ";
  const std::string start = "baseline 2w step 15m min 1";
  CHECK(stage_of(stats + "novel n by service") == start + " novel n by (service)");
  CHECK(stage_of(stats + "novel n") == start + " novel n by ()");
  CHECK(stage_of(stats + "unusual n | novel n by status") ==
        start + " unusual n novel n by (status)");
  const Plan plan = built(stats + "novel n by service | where kind == \"new\"");
  std::string columns;
  for (size_t i = 3; i < plan.stages[1].columns.size(); ++i) {
    const PlanColumn& column = plan.stages[1].columns[i];
    columns += column.name + " " + std::string(name_of(column.type)) + " ";
  }
  CHECK(columns == "share f64 before_share f64 first time kind string usual_new f64 ");
  CHECK(plan.warnings.empty());
}

TEST_CASE("prepare: in a rule, judgements accept columns that do not exist yet before stats only",
          "[query]") {
  const auto message = [](const std::string& query) {
    const auto plan = build_plan(query, sample_catalog(), rule_options());
    return plan ? std::string() : plan.error().message;
  };
  CHECK(message("from audit last 15m | stats n = sum(nosuch) by service | baseline 28d "
                "| unusual n") == "");
  CHECK(message("from nosuch last 15m | stats n = sum(x), m = max(y) by z | baseline 28d "
                "| unusual n of m | silence m") == "");
  CHECK(message("from audit last 15m | stats n = count() by service | baseline 28d "
                "| unusual nosuch")
            .find("no column `nosuch`") != std::string::npos);
}

TEST_CASE("prepare: stages that accept names accept a baseline by its printed name", "[query]") {
  const std::string start = "from audit last 1h | stats n = count() by service | baseline 7d | ";
  for (const char* stage : {"sort `baseline(n)`", "top 3 by `baseline(n)`", "keep `baseline(n)`",
                            "distinct `baseline(n)`"}) {
    INFO(stage);
    CHECK(built(start + stage).warnings.empty());
  }
}

TEST_CASE("prepare: an unused baseline causes a warning", "[query]") {
  const auto warns = [](const std::string& query) {
    INFO(query);
    const auto warnings = built("from audit last 1h | " + query).warnings;
    CHECK(warnings.size() <= 1);
    return !warnings.empty() && warnings[0].starts_with("the baseline is not used");
  };
  CHECK(warns("stats n = count() by service | baseline 7d"));
  CHECK(warns("stats n = count() by service | baseline 7d | where n > 100"));
  CHECK(warns("stats n = count() by service | baseline 7d | where service == \"a\" and n > 1"));
  CHECK(warns("stats n = count() | baseline 7d | where n == 0"));
  // A baseline also adds the groups that have no rows in the range.
  CHECK_FALSE(warns("stats n = count() by service | baseline 7d | where n == 0"));
  CHECK_FALSE(
      warns("stats n = count() by service | baseline 7d | where n < 5 and service != \"a\""));
  CHECK_FALSE(warns("stats n = sum(duration_ms) by service | baseline 7d | where not n > 0"));
  CHECK_FALSE(warns("stats n = count() by service | baseline 7d | where n > baseline(n)"));
}

TEST_CASE("prepare: a condition on silence without a baseline causes a warning", "[query]") {
  const auto warns = [](const std::string& query) {
    INFO(query);
    for (const bool rule : {false, true}) {
      const auto plan =
          built("from audit last 1h | " + query, rule ? rule_options() : sample_options());
      const bool found = plan.warnings.size() == 1 &&
                         plan.warnings[0].find("a group has at least one row") != std::string::npos;
      CHECK(plan.warnings.size() == (found ? 1 : 0));
      if (rule) return found;
    }
    return false;
  };
  CHECK(warns("stats n = count() by service | where n == 0"));
  CHECK(warns("stats n = count() by service | where n < 1"));
  CHECK(warns("stats n = count(), m = max(code) by service | where n <= 0 and m > 3"));
  CHECK(warns("stats n = count() by service | let m = n | where m == 0"));
  CHECK(warns("stats n = count() by service | let silent = n == 0 | where silent"));
  CHECK(warns("stats n = count() by service | let silent = n == 0 | where silent and n < 5"));
  CHECK(warns("stats n = count() by service | let silent = if(n == 0, 1, 0) | where silent == 1"));
  CHECK(warns("stats n = count() by service, code | stats m = max(code) by n | where n == 0"));
  CHECK_FALSE(warns("stats n = count() by service | let silent = n == 0 | where silent or n > 5"));
  CHECK_FALSE(warns("stats n = count() by service | let silent = n == 0 | where not silent"));
  CHECK_FALSE(
      warns("stats n = count() by service | let silent = n == 0 | baseline 7d | where silent"));
  CHECK_FALSE(warns("stats n = count() by time(5m) | let silent = n == 0 | fill | where silent"));
  CHECK_FALSE(warns("stats n = count() by service | where n == 1"));
  CHECK_FALSE(warns("stats n = count() | where n == 0"));
  CHECK_FALSE(warns("stats n = count() where ok by service | where n == 0"));
  CHECK_FALSE(warns("stats n = count(code) by service | where n == 0"));
  CHECK_FALSE(warns("stats n = count() by service | baseline 7d | where n == 0"));
  CHECK_FALSE(warns("stats n = count() by time(5m) | fill | where n == 0"));
}

TEST_CASE("prepare: a baseline of 0 does not mean never seen", "[query]") {
  const auto warns = [](const std::string& condition) {
    INFO(condition);
    const auto warnings =
        built(
            "from audit last 1h | stats n = count(), f = count() where ok by service "
            "| baseline 7d | where " +
            condition)
            .warnings;
    CHECK(warnings.size() <= 1);
    return !warnings.empty() &&
           warnings[0].find("write `baseline(n, windows) == 0`") != std::string::npos;
  };
  CHECK(warns("baseline(n, max) == 0"));
  CHECK(warns("baseline(n) == 0"));
  CHECK(warns("n > 5 and baseline(n, max) <= 0"));
  CHECK(warns("baseline(n, max) < 1"));
  CHECK_FALSE(warns("baseline(n) < 1"));
  CHECK_FALSE(warns("baseline(n, max) <= 1"));
  CHECK_FALSE(warns("baseline(n, windows) == 0"));
  CHECK_FALSE(warns("baseline(n, median) == 0"));
  CHECK_FALSE(warns("baseline(f, max) == 0"));
  CHECK_FALSE(warns("baseline(n, max) < 3"));
}

TEST_CASE("prepare: a negative comparison warns of measurements without the column", "[query]") {
  const auto warnings = [](const std::string& query) {
    return built("from " + query + " | keep service").warnings;
  };
  CHECK(
      warnings("audit, bpm | where user != \"u1\"") ==
      std::vector<std::string>{"`user != \"u1\"` is false for all rows of `bpm`, without a column "
                               "`user`; to include them, write `not user == \"u1\"`"});
  CHECK(warnings("audit, bpm, alerts | where user not in (\"a\", \"b\") or ok").size() == 1);
  CHECK(warnings("audit, bpm | where user !~ \"^u\" and ok").size() == 1);
  CHECK(warnings("audit, bpm | stats n = count() where user != \"u1\" by service").size() == 1);
  for (const char* condition : {"user != service", "\"u1\" != user", "lower(user) != \"u1\"",
                                "concat(user, \"-\") != \"u1-\"", "if(user != \"u1\", ok, true)"}) {
    INFO(condition);
    CHECK(warnings(std::string("audit, bpm | where ") + condition).size() == 1);
  }
  CHECK(warnings("audit, bpm | where bytes != 5") ==
        std::vector<std::string>{"`bytes != 5` is false for all rows of `bpm`, without a column "
                                 "`bytes`; to include them, write `not bytes == 5`"});
  CHECK(warnings("audit, bpm, alerts | where code != \"E1\"").size() == 1);
  CHECK(warnings("audit, bpm | where not user == \"u1\"").empty());
  CHECK(warnings("audit, bpm | where coalesce(user, \"-\") != \"u1\"").empty());
  CHECK(warnings("audit, bpm | where user == \"u1\"").empty());
  CHECK(warnings("audit, bpm | where status != \"OK\"").empty());
  CHECK(warnings("audit | where user != \"u1\"").empty());
  CHECK(warnings("audit, bpm | let user = coalesce(user, \"-\") | where user != \"u1\"").empty());
}

TEST_CASE("prepare: a let does not hide that a measurement lacks a column", "[query]") {
  const auto warnings = [](const std::string& stages) {
    return built("from audit, bpm | " + stages + " | keep service").warnings;
  };
  CHECK(warnings("let z = user | where z not in (\"u1\")") ==
        std::vector<std::string>{
            "`z not in (\"u1\")` is false for all rows of `bpm`, without a column `user`; to "
            "include them, write `not z in (\"u1\")`"});
  CHECK(warnings("let z = lower(user) | let y = z | where y != \"u1\"").size() == 1);
  CHECK(warnings("let other = user != \"u1\" | where other") ==
        std::vector<std::string>{
            "`user != \"u1\"` is false for all rows of `bpm`, without a column `user`; to include "
            "them, write `not user == \"u1\"`"});
  CHECK(warnings("let other = user != \"u1\" | let o = other | where ok and o").size() == 1);
  CHECK(warnings("let n = if(user != \"u1\", 1, 0)").size() == 1);
  CHECK(
      built("from audit, bpm | stats n = count() by user | where user != \"u1\"").warnings.size() ==
      1);
  CHECK(built("from audit, bpm, alerts | let z = code | where z != \"E1\"").warnings.size() == 1);
  CHECK(warnings("let other = user != \"u1\"").empty());
  CHECK(warnings("let other = user != \"u1\" | where not other").empty());
  CHECK(warnings("let z = coalesce(user, \"-\") | where z != \"u1\"").empty());
}

TEST_CASE("prepare: a constant in the wrong case for lower() or upper() causes a warning",
          "[query]") {
  const auto warnings = [](const std::string& stages, const QueryOptions& options) {
    return built("from audit last 1h | " + stages, options).warnings;
  };
  const auto check = [&](const std::string& stages, size_t count) {
    INFO(stages);
    CHECK(warnings(stages, sample_options()).size() == count);
  };
  CHECK(warnings("where lower(message) contains \"Hello\"", sample_options()) ==
        std::vector<std::string>{"`lower(message)` has no letters A to Z, so it never contains "
                                 "\"Hello\"; write \"hello\""});
  CHECK(warnings("where upper(status) != \"Ok\"", sample_options()) ==
        std::vector<std::string>{
            "`upper(status)` has no letters a to z, so it never equals \"Ok\"; write \"OK\""});
  // The column is not stored yet.
  CHECK(
      warnings("where lower(text) contains \"Hello\" | stats n = count()", rule_options()).size() ==
      1);
  check("where lower(message) == \"Hello\"", 1);
  check("where \"Hello\" == lower(message)", 1);
  check("where lower(message) in (\"a\", \"B\", \"c\", \"D\")", 2);
  check("where lower(message) not in (\"A\")", 1);
  check("where starts_with(lower(message), \"Hel\") or ends_with(upper(message), \"lo\")", 2);
  check("where lower(message) =~ \"^Hello .+World$\"", 1);
  check("let m = lower(message) | let l = m | where l == \"Hello\"", 1);
  check("let l = lower(status) | stats n = count() by l | where l == \"OK\"", 1);
  check("stats n = count() where lower(status) == \"OK\"", 1);
  check("where lower(message) == \"hello \\u{C4}1\"", 0);
  check("where lower(message) icontains \"Hello\" or upper(message) contains \"HELLO\"", 0);
  check("where lower(message) =~ r\"(?i)Hello|\\D[A-Z]?\"", 0);
  check("where \"Hello\" contains lower(message) or lower(message) == status", 0);
  check("where lower(message) < \"Hello\"", 0);
}

TEST_CASE("prepare: count of a value that is never null", "[query]") {
  const auto check_fault = [](const std::string& aggregate, const std::string& hint) {
    INFO(aggregate);
    // Also if the columns are not stored yet.
    for (const char* measurement : {"audit", "bpm"}) {
      Diagnostic found;
      const std::string text =
          "from " + std::string(measurement) + " last 1h | stats n = " + aggregate;
      CHECK_FALSE(build_plan(text, sample_catalog(), rule_options(), &found));
      CHECK(found.message ==
            "`count` counts the values that are not null, and this `if` is never null");
      CHECK(found.hint == hint);
    }
  };
  check_fault("count(if(bytes == 1, 1, 0))", "write `count() where bytes == 1`");
  check_fault("count(if(ok, if(bytes > 1, -1, $min_events), 0))", "write `count() where ok`");
  const auto warnings = [](const std::string& stages) {
    INFO(stages);
    return built("from bpm last 1h | " + stages, rule_options()).warnings;
  };
  CHECK(warnings("stats n = count(coalesce(bytes, 0))") ==
        std::vector<std::string>{
            "`count(coalesce(bytes, 0))` counts all rows, because `coalesce(bytes, 0)` is never "
            "null; write `count()`, or `count() where …` to count the rows for which a condition "
            "holds"});
  CHECK(warnings("let f = if(bytes == 1, 1, 0) | stats n = count(f)").size() == 1);
  CHECK(warnings("let f = if(bytes == 1, 1, 0) | let g = f | stats n = count(g)").size() == 1);
  CHECK(warnings("let f = ok | stats n = count(f), m = count(status), o = count(1)").empty());
  CHECK(warnings("stats n = count(if(bytes == 1, bytes, 0)), m = count(if(ok, 1, null))").empty());
  CHECK(warnings("let f = if(ok, 1, 0) | stats n = sum(f), m = mean(if(ok, 1, 0))").empty());
}

TEST_CASE("prepare: count of a boolean column warns, a condition is an error", "[query]") {
  CHECK(built("from audit | stats n = count(ok)").warnings ==
        std::vector<std::string>{"`count(ok)` counts the rows in which `ok` is true or false; to "
                                 "count those in which it is true, write `count() where ok`"});
  CHECK(built("from audit | stats n = count_distinct(ok)").warnings.empty());
  CHECK(built("from audit | let bad = status == \"F\" | stats n = count(bad)").warnings.size() ==
        1);
}

TEST_CASE("prepare: a rule warns about missing columns and reads them as null", "[query]") {
  const Plan plan = built(
      "from audit, nosuch last 1h | where host == \"a\" or code > 1 "
      "| stats n = count(), s = sum(load), l = last(load), c = count(load) by host, service "
      "| let x = l * 2, y = n + 1 | baseline 7d | where y > baseline(y) and x > baseline(x)",
      rule_options());
  CHECK(plan.schema_warnings ==
        std::vector<std::string>{"there is no measurement `nosuch` yet",
                                 "no column `host` in `audit` yet: it is null",
                                 "no column `load` in `audit` yet: it is null"});
  CHECK(plan.warnings.empty());
  CHECK(plan.source.size() == 1);
  const std::string printed = print_plan(plan);
  INFO(printed);
  CHECK(printed.find("where false or code > 1\n") != std::string::npos);
  CHECK(printed.find("s = sum(null), l = last(null), c = count(null) by host, service") !=
        std::string::npos);
  CHECK(plan.stages[1].columns[0].always_null);
  CHECK(plan.output_columns().back() == PlanColumn{"baseline(x)", ValueType::kString, true});
}

TEST_CASE("prepare: a rule is accepted with an empty catalog", "[query]") {
  const auto plan = build_plan(
      "from audit last 5m | where status == \"FAILED\" and duration_ms > 5 and not ok "
      "| stats n = count(), p95 = p95(duration_ms) by service | where p95 > 30000",
      Catalog(), rule_options());
  REQUIRE(plan);
  CHECK(plan->source.empty());
  CHECK(plan->schema_warnings == std::vector<std::string>{"there is no measurement `audit` yet"});
}

TEST_CASE("prepare: alerts can be queried before the first one", "[query]") {
  const auto plan = build_plan("from alerts last 1d | where severity == \"HIGH\" | keep time, rule",
                               Catalog(), QueryOptions());
  REQUIRE(plan);
  CHECK(plan->source.empty());
  CHECK(plan->schema_warnings == std::vector<std::string>{"there is no measurement `alerts` yet"});
  CHECK_FALSE(build_plan("from alert", Catalog(), QueryOptions()));
}

TEST_CASE("prepare: a misspelt name after stats is an error in a rule too", "[query]") {
  const auto plan = build_plan("from audit last 1h | stats n = count() | where m > 1",
                               sample_catalog(), rule_options());
  CHECK_FALSE(plan);
}

TEST_CASE("analyze: the summary has the group keys and whether they reach the result", "[query]") {
  const auto summary = [](const std::string& text) {
    return summarize_plan(built("from audit last 1h | " + text));
  };
  const PlanSummary kept = summary(
      "stats n = count() by service, user | let r = n * 2 | baseline 7d | keep r, user, service");
  CHECK(kept.group_keys == std::vector<std::string>{"service", "user"});
  CHECK(kept.group_columns == std::vector<uint32_t>{2, 1});
  CHECK(kept.keys_survive);
  CHECK(kept.has_baseline);
  CHECK_FALSE(summary("stats n = count() by service | keep n").keys_survive);
  CHECK_FALSE(summary("stats n = count() by service | let service = 1").keys_survive);
  CHECK_FALSE(summary("where ok").has_stats);
  CHECK(summary("stats n = count()").keys_survive);
  CHECK(summary("stats n = count() by time(5m)").buckets_time);
}

TEST_CASE("analyze: only columns that affect the result are used", "[query]") {
  const Plan plan = built("from audit | let x = code, y = bytes | keep x, service");
  const auto used = used_source_columns(plan);
  std::string names;
  for (size_t i = 0; i < used.size(); ++i) {
    if (used[i]) names += plan.source_columns[i].name + " ";
  }
  CHECK(names == "service code bytes ");
}

TEST_CASE("registry: every example is valid", "[query]") {
  for (const StageEntry& stage : all_stages()) built(stage.documentation.example);
  for (const FunctionEntry& function : all_functions()) {
    built(std::string("from audit | let x = ") + function.documentation.example);
  }
  for (const AggregateEntry& aggregate : all_aggregates()) {
    built(std::string("from audit | stats ") + aggregate.documentation.example + " by service");
  }
}

TEST_CASE("limits: exceeding one is an error that names it", "[query]") {
  const auto repeated = [](const std::string& text, size_t count) {
    std::string out;
    for (size_t i = 0; i < count; ++i) out += text;
    return out;
  };
  const auto deep = [&](size_t depth) {
    return where(repeated("(", depth) + "ok" + repeated(")", depth));
  };
  CHECK(deep(kNestingMax) == "where ok");
  CHECK(plan_of("from audit | where " + repeated("(", kNestingMax + 1) + "ok")
            .starts_with("1:120: parentheses are nested more than 100 deep"));
  CHECK(where("ok" + repeated(" or ok", kExpressionDepthMax - 1)).starts_with("where ok or ok"));
  CHECK(plan_of("from audit | where ok" + repeated(" or ok", kExpressionDepthMax))
            .find("more than 500 operators") != std::string::npos);
  CHECK(plan_of("from audit | where " + repeated("not ", 5000) + "ok")
            .find("more than 500 operators") != std::string::npos);
  CHECK(plan_of("from audit " + repeated("| limit 1 ", kStageCountMax + 1))
            .find("at most 100 stages") != std::string::npos);
  CHECK(plan_of("from audit " + repeated(" ", kQueryBytesMax)).find("at most 64 KiB") !=
        std::string::npos);
  CHECK(plan_of("from audit | keep a" + repeated(", a", kListCountMax))
            .find("at most 1000 entries") != std::string::npos);
  CHECK(plan_of("from audit | where user =~ \"" + repeated("a", kPatternBytesMax + 1) + "\"")
            .find("at most 4096 bytes") != std::string::npos);
  CHECK(plan_of("from audit | where user =~ r\"((a{100}){100}){100}\"")
            .find("this pattern is not valid") != std::string::npos);
  CHECK(plan_of("from audit last 1s | stats n = count() | baseline 52w | where n > baseline(n)")
            .find("this makes 31449600 windows") != std::string::npos);
}
