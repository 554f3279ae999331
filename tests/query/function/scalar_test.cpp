#include "query/function/scalar.h"

#include <cmath>
#include <limits>
#include <string>

#include <catch2/catch.hpp>

#include "db/base/message_template.h"
#include "query/check/prepare.h"
#include "tests/query/sample_catalog.h"

using namespace tocsin;

namespace {

// A row of `audit` in which only `user` is null.
std::vector<Value> sample_row(const Plan& plan) {
  std::vector<Value> row;
  for (const PlanColumn& column : plan.source_columns) {
    if (column.name == "time") row.push_back(Value::time(kSampleNow));
    if (column.name == "measurement") row.push_back(Value::of("audit"));
    if (column.name == "service") row.push_back(Value::of("pay"));
    if (column.name == "transaction") row.push_back(Value::of("Überweisung"));
    if (column.name == "status") row.push_back(Value::of("OK"));
    if (column.name == "duration_ms") row.push_back(Value::of(2.5));
    if (column.name == "user") row.push_back(Value::null());
    if (column.name == "message") row.push_back(Value::of("user=42 took 15 ms"));
    if (column.name == "code") row.push_back(Value::of(int64_t{7}));
    if (column.name == "ok") row.push_back(Value::of(true));
    if (column.name == "bytes") row.push_back(Value::of(uint64_t{3}));
  }
  return row;
}

// The value of an expression, printed as a user would see it.
std::string value(const std::string& expression, const std::string& zone = "UTC") {
  QueryOptions options = sample_options();
  options.zone = TimeZone::load(zone).value();
  const auto plan = build_plan("from audit | let x = " + expression, sample_catalog(), options);
  if (!plan) return plan.error().message;
  ScalarContext context(kSampleNow, options.zone);
  const auto& let = std::get<LetStage>(plan->stages[0].operation);
  const Value result =
      evaluate_expression(let.definitions[0].expression, sample_row(*plan), context);
  if (result.is_null()) return "null";
  CHECK(result.type == let.definitions[0].expression.type);
  const Value text =
      evaluate_function(Function::kToString, ValueType::kString, std::span(&result, 1), context);
  return std::get<std::string>(text.data);
}

}  // namespace

TEST_CASE("scalar: arithmetic is exact or null", "[query]") {
  CHECK(value("code + bytes") == "10");
  CHECK(value("code / 2") == "3.5");
  CHECK(value("-code div 2") == "-3");
  CHECK(value("-code % 2") == "-1");
  CHECK(value("code / 0") == "null");
  CHECK(value("code div 0") == "null");
  CHECK(value("code % 0") == "null");
  CHECK(value("9223372036854775807 + code") == "null");
  CHECK(value("9223372036854775808 + bytes") == "9223372036854775811");
  CHECK(value("bytes - 9223372036854775808") == "-9223372036854775805");
  CHECK(value("-9223372036854775808 div -bytes * 3") == "9223372036854775806");
  CHECK(value("1e308 * 10") == "null");
  CHECK(value("sqrt(-duration_ms)") == "null");
  CHECK(value("ln(0 * code)") == "null");
}

TEST_CASE("scalar: arithmetic with times and durations has the right type", "[query]") {
  CHECK(value("time - 1h") == "2026-11-24T11:00:00Z");
  CHECK(value("time - 2026-11-24") == "12h");
  CHECK(value("5m * code") == "35m");
  CHECK(value("code * 5m") == "35m");
  CHECK(value("1s * duration_ms") == "2s500ms");
  CHECK(value("1s / bytes") == "333ms333us333ns");
  CHECK(value("(time - 2026-11-24) / 1h") == "12");
  CHECK(value("(time - 2026-11-24) div 5h") == "2");
  CHECK(value("(time - 2026-11-24) % 5h") == "2h");
  CHECK(value("100000d * code") == "null");
  CHECK(value("now() - time") == "0s");
}

TEST_CASE("scalar: comparisons of mixed numbers are mathematically exact", "[query]") {
  const auto order = [](const Value& a, const Value& b) {
    CHECK(compare_values(a, b) == -compare_values(b, a));
    return compare_values(a, b);
  };
  const int64_t odd = (int64_t{1} << 53) + 1;
  CHECK(order(Value::of(odd), Value::of(0x1p53)) == 1);
  CHECK(order(Value::of(INT64_MAX), Value::of(0x1p63)) == -1);
  CHECK(order(Value::of(UINT64_MAX), Value::of(0x1p64)) == -1);
  CHECK(order(Value::of(INT64_MIN), Value::of(-0x1p63)) == 0);
  CHECK(order(Value::of(int64_t{-1}), Value::of(UINT64_MAX)) == -1);
  CHECK(order(Value::of(int64_t{2}), Value::of(2.5)) == -1);
  CHECK(order(Value::of(int64_t{-2}), Value::of(-2.5)) == 1);
  CHECK(order(Value::of(uint64_t{0}), Value::of(-0.5)) == 1);
  CHECK(order(Value::of(uint64_t{0}), Value::of(-0.0)) == 0);
}

TEST_CASE("scalar: functions of null are null, comparisons with null are false even if negated",
          "[query]") {
  CHECK(value("length(user)") == "null");
  CHECK(value("concat(service, user)") == "null");
  CHECK(value("user == \"a\"") == "false");
  CHECK(value("user != \"a\"") == "false");
  CHECK(value("user in (\"a\")") == "false");
  CHECK(value("user not in (\"a\")") == "false");
  CHECK(value("user =~ \"a\"") == "false");
  CHECK(value("user !~ \"a\"") == "false");
  CHECK(value("user contains \"a\"") == "false");
  CHECK(value("not user == \"a\"") == "true");
  CHECK(value("exists(user)") == "false");
  CHECK(value("coalesce(user, service)") == "pay");
  CHECK(value("least(user, service)") == "null");
  CHECK(value("if(user == \"a\", 1, 2)") == "2");
  CHECK(value("if(null, 1, user)").find("must have the same type") != std::string::npos);
  CHECK(value("starts_with(user, \"a\")") == "null");
  CHECK(value("ok and starts_with(user, \"a\")") == "false");
}

TEST_CASE("scalar: number functions round exactly and return null out of range", "[query]") {
  CHECK(value("round(2.5)") == "3");
  CHECK(value("round(-2.5)") == "-3");
  CHECK(value("round(12.345, 2)") == "12.35");
  CHECK(value("round(1250.0, -2)") == "1300");
  CHECK(value("round(1e300, 5) == 1e300") == "true");
  CHECK(value("round(8575703490466864.0, 2) == 8575703490466864.0") == "true");
  CHECK(value("round(-8575703490466865.0, 1) == -8575703490466865.0") == "true");
  CHECK(value("round(1e300, -2) == 1e300") == "true");
  CHECK(value("round(1e300, -19) == 1e300") == "true");
  CHECK(value("round(1.6e300, -300) == 2e300") == "true");
  CHECK(value("round(1.7e308, -308)") == "null");
  CHECK(value("round(12345.5, -19)") == "0");
  CHECK(value("round(12345.5, -400)") == "0");
  CHECK(value("round(code * 50, -2)") == "400");
  CHECK(value("round(-code * 50, -2)") == "-400");
  CHECK(value("round(9223372036854775807, -1)") == "null");
  CHECK(value("floor(-duration_ms)") == "-3");
  CHECK(value("ceil(duration_ms)") == "3");
  CHECK(value("abs(-code)") == "7");
  CHECK(value("abs(1m - 2m)") == "1m");
  CHECK(value("pow(2, 10)") == "1024");
  CHECK(value("log2(8)") == "3");
  CHECK(value("log10(1000)") == "3");
  CHECK(value("greatest(code, duration_ms)") == "7");
  CHECK(value("to_number(\" 1.5 \")") == "1.5");
  CHECK(value("to_number(\"1.5x\")") == "null");
  CHECK(value("to_number(\"inf\")") == "null");
}

TEST_CASE("scalar: string functions count code points", "[query]") {
  CHECK(value("length(transaction)") == "11");
  CHECK(value("upper(transaction)") == "ÜBERWEISUNG");
  CHECK(value("lower(\"ABCÄ\")") == "abcÄ");
  CHECK(value("trim(\" \\t a b\\n\")") == "a b");
  CHECK(value("substring(transaction, 1, 4)") == "berw");
  CHECK(value("substring(transaction, -4)") == "sung");
  CHECK(value("substring(transaction, -99, 1)") == "Ü");
  CHECK(value("substring(transaction, 99)") == "");
  CHECK(value("substring(transaction, 0, -1)") == "");
  CHECK(value("replace(\"a.b.c\", \".\", \"--\")") == "a--b--c");
  CHECK(value("replace(\"abc\", \"\", \"x\")") == "abc");
  CHECK(value("ends_with(service, \"ay\")") == "true");
  CHECK(value("extract(message, r\"user=(\\d+)\")") == "42");
  CHECK(value("extract(message, r\"\\d+ ms\")") == "15 ms");
  CHECK(value("extract(message, r\"(x)|took\")") == "null");
  CHECK(value("extract(message, \"nothing\")") == "null");
  CHECK(value("message =~ r\"\\d+ ms$\"") == "true");
  CHECK(value("message !~ \"^took\"") == "true");
  CHECK(value("message contains \"TOOK\"") == "false");
  CHECK(value("concat(service, \"/\", code, \"/\", 1.5, \"/\", ok)") == "pay/7/1.5/true");
}

TEST_CASE("scalar: calendar functions use the configured zone", "[query]") {
  CHECK(value("hour(time)") == "12");
  CHECK(value("hour(time)", "Europe/Berlin") == "13");
  CHECK(value("weekday(time)") == "2");
  CHECK(value("weekday(2026-11-29)") == "7");
  CHECK(value("weekday(1969-12-31)") == "3");
  CHECK(value("day(2024-02-29)") == "29");
  CHECK(value("day(1969-12-31)") == "31");
  CHECK(value("bucket(time, 5h)") == "2026-11-24T11:00:00Z");
  CHECK(value("to_seconds(90m)") == "5400");
  CHECK(value("to_time(\"2026-11-24\")", "Europe/Berlin") == "2026-11-23T23:00:00Z");
  CHECK(value("to_time(\"soon\")") == "null");
}

TEST_CASE("template: variable parts are masked, and masking again changes nothing", "[query]") {
  const auto check = [](const std::string& text, const std::string& expected) {
    CHECK(message_template(text) == expected);
    CHECK(message_template(expected) == expected);
  };
  check("user 42 logged in", "user <*> logged in");
  check("10.0.0.1:8080 took 15ms", "<*> took <*>");
  check("id 3f2a91bc-dead-beef-0000-123456789abc done", "id <*> done");
  check("2026-11-24T10:04:05.123Z start", "<*> start");
  check("deadbeefcafe gone, facade stays", "<*> gone, facade stays");
  check("balance=-12.50 EUR", "balance=-<*> EUR");
  check("pay-eu-1 down", "pay-eu-<*> down");
  check("", "");
  check("no numbers: none", "no numbers: none");
}
