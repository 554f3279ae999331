// Suggestions at a place in an unfinished query. `^` marks the cursor.
#include "query/complete/complete.h"

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "query/function/functions.h"
#include "tests/query/sample_catalog.h"
#include "tests/support/memory_database.h"

using namespace tocsin;

namespace {

std::vector<std::string> values_of(const std::vector<std::string>&, const std::string& column) {
  if (column == "status") return {"SUCCESS", "FAILED", "TIME\"OUT"};
  return {};
}

Completion complete_at(std::string marked) {
  const size_t cursor = marked.find('^');
  REQUIRE(cursor != std::string::npos);
  marked.erase(cursor, 1);
  return complete(marked, cursor, sample_catalog(), sample_options(), values_of);
}

std::vector<std::string> texts(const std::string& marked) {
  std::vector<std::string> out;
  for (const Suggestion& each : complete_at(marked).suggestions) out.push_back(each.text);
  return out;
}

std::vector<std::string> texts_of(const std::string& marked, SuggestionKind kind) {
  std::vector<std::string> out;
  for (const Suggestion& each : complete_at(marked).suggestions) {
    if (each.kind == kind) out.push_back(each.text);
  }
  return out;
}

using Texts = std::vector<std::string>;

bool offers(const std::string& marked, const std::string& text) {
  const Texts all = texts(marked);
  return std::ranges::find(all, text) != all.end();
}

}  // namespace

TEST_CASE("complete: the source offers measurements and ranges", "[query]") {
  CHECK(texts("^") == Texts{"explain", "from"});
  CHECK(texts("ex^") == Texts{"explain"});
  CHECK(texts("fr^") == Texts{"from"});
  CHECK(texts("explain ^") == Texts{"from"});
  CHECK(texts("explain from b^") == Texts{"bpm"});
  CHECK(texts("from ^") == Texts{"audit", "bpm", "alerts", "*"});
  CHECK(texts("from b^") == Texts{"bpm"});
  CHECK(texts("from audit, ^") == Texts{"audit", "bpm", "alerts"});
  CHECK(texts("from audit ^") == Texts{"last", "between", "|"});
  CHECK(texts("from audit last ^") ==
        Texts{"5m", "15m", "1h", "6h", "1d", "7d", "$baseline_window", "$min_events"});
  CHECK(texts("from audit last 3^") == Texts{"3ms", "3s", "3m", "3h", "3d", "3w"});
  CHECK(offers("from audit between ^", "now - 1h"));
  CHECK(offers("from audit between now - 1h ^", "and"));
}

TEST_CASE("complete: offers every stage, function and aggregate of the registry", "[query]") {
  for (const StageEntry& entry : all_stages()) {
    CHECK(offers("from audit | ^", entry.documentation.name));
  }
  CHECK(texts("from audit last 1h | so^") == Texts{"sort"});
  for (const FunctionEntry& entry : all_functions()) {
    const std::string name = entry.documentation.name;
    if (!name.empty()) CHECK(offers("from audit | where ^", name + (name == "now" ? "()" : "(")));
  }
  for (const AggregateEntry& entry : all_aggregates()) {
    const std::string name = entry.documentation.name;
    CHECK(offers("from audit | stats n = ^",
                 name == "pNN" ? "p95(" : name + (name == "count" ? "()" : "(")));
  }
}

TEST_CASE("complete: offers the columns in scope", "[query]") {
  const auto columns = [](const std::string& marked) {
    return texts_of(marked, SuggestionKind::kColumn);
  };
  CHECK(columns("from bpm | where ^") ==
        Texts{"time", "measurement", "service", "status", "duration_ms", "code"});
  CHECK(columns("from audit | where dur^") == Texts{"duration_ms"});
  CHECK(columns("from audit | where DUR^") == Texts{"duration_ms"});
  CHECK(columns("from audit | stats n = count(), p95(duration_ms) by service | where ^") ==
        Texts{"service", "n", "`p95(duration_ms)`"});
  CHECK(columns("from bpm | keep service | let a = 1, b = a | where ^") ==
        Texts{"service", "a", "b"});
  CHECK(columns("from bpm | keep service | let a = 1, b = ^") == Texts{"service", "a"});
  CHECK(columns("from bpm | stats count() by ^").front() == "time");
  CHECK(offers("from bpm | stats count() by ^", "time(5m)"));
  CHECK(columns("from bpm | sort -^").size() == 6);
  CHECK(columns("from bpm | let ^").empty());
  // Only columns of the type that the function accepts.
  CHECK(columns("from bpm | stats p95(^") == Texts{"duration_ms"});
  CHECK(columns("from bpm | where length(^") == Texts{"measurement", "service", "status", "code"});
  CHECK(columns("from bpm | where hour(^") == Texts{"time"});
  // Invalid stages and unknown columns are skipped.
  CHECK(columns("from bpm | where nonsense( | keep service | sort ^") == Texts{"service"});
  CHECK(columns("from bpm | where nosuch > 1 | keep service | sort ^") == Texts{"service"});
}

TEST_CASE("complete: offers values, operators and keywords that fit the place", "[query]") {
  CHECK(texts("from audit | where status == ^") ==
        Texts{"\"SUCCESS\"", "\"FAILED\"", "\"TIME\\\"OUT\"", "$baseline_window", "$min_events"});
  CHECK(texts("from audit | where status != \"F^") == Texts{"\"FAILED\""});
  CHECK(texts("from audit | where status in (\"SUCCESS\", f^").empty());
  CHECK(texts("from audit | where status not in (\"SUCCESS\", \"f^") == Texts{"\"FAILED\""});
  CHECK(texts("from audit | where message contains \"x^").empty());
  CHECK(texts("from audit | where ok == ^").front() == "true");
  CHECK(texts("from audit, bpm | where measurement == \"^") == Texts{"\"audit\"", "\"bpm\""});
  CHECK(texts("from audit | where service ^") ==
        Texts{"==", "!=", "=~", "!~", "contains", "icontains", "in (", "not in (", "|"});
  CHECK(texts("from audit | where status == \"X\" ^") == Texts{"and", "or", "|"});
  CHECK(offers("from audit | where code ^", ">="));
  CHECK(texts("from audit | stats count() ^") == Texts{"where", "by", "|"});
  CHECK(texts("from audit | stats count() by time(^").front() == "1m");
  CHECK(texts("from audit | stats n = count() | baseline 7d m^") == Texts{"min"});
  CHECK(offers("from audit | stats n = count() | baseline 7d | where n > ^", "baseline("));
  CHECK_FALSE(offers("from audit last 1h | stats n = count() | where n > ^", "baseline("));
  CHECK(
      texts("from audit last 1h | stats n = count() by service | baseline 7d | where baseline(^") ==
      Texts{"n"});
  CHECK(
      offers("from audit last 1h | stats n = count() | baseline 7d | where baseline(n, ^", "p95"));
  const std::string usual = "from audit last 1h | stats n = count() by service | baseline 28d | ";
  CHECK(texts(usual + "un^") == Texts{"unusual"});
  CHECK(texts(usual + "silence ^") == Texts{"service", "n"});
  CHECK(texts(usual + "unusual n ^") == Texts{"of", "|"});
  CHECK(offers(usual + "unusual n | where ^", "surprise"));
  CHECK(texts(usual + "novel n ^") == Texts{"by", "|"});
  CHECK(offers(usual + "novel n by ^", "service"));
  CHECK(texts("from audit | where $min^") == Texts{"$min_events"});
  CHECK(texts("from audit # fr^").empty());
  CHECK(texts("from audit | where status =^").empty());
}

TEST_CASE("complete: a suggestion replaces the word at the cursor", "[query]") {
  const auto range = [](const std::string& marked) {
    const Completion found = complete_at(marked);
    return std::pair(found.start, found.end);
  };
  CHECK(range("from au^") == std::pair<size_t, size_t>(5, 7));
  CHECK(range("from au^dit last") == std::pair<size_t, size_t>(5, 10));
  CHECK(range("from ^") == std::pair<size_t, size_t>(5, 5));
  CHECK(range("from audit | where status == \"F^\" and") == std::pair<size_t, size_t>(29, 32));
  CHECK(complete("from", 99, sample_catalog(), sample_options(), {}).end == 4);
}

TEST_CASE("complete: accepts any text and any cursor", "[query]") {
  const uint32_t seed = std::random_device()();
  INFO("seed " << seed);
  std::mt19937 random(seed);
  const Texts pieces = {"from",  " ",     "audit", "|",        "where", "(",   ")",  ",",
                        "\"",    "`",     "in",    "not",      "==",    "let", "a",  "=",
                        "stats", "count", "by",    "baseline", "$",     "#",   "\n", "r\"",
                        "\\",    "\xC3",  "5",     "time",     "last"};
  for (int i = 0; i < 3000; ++i) {
    std::string text = "from audit ";
    for (size_t n = random() % 12; n > 0; --n) text += pieces[random() % pieces.size()] + " ";
    const size_t cursor = random() % (text.size() + 1);
    INFO(text);
    const Completion found = complete(text, cursor, sample_catalog(), sample_options(), values_of);
    CHECK(found.start <= cursor);
    CHECK(found.end >= cursor);
    CHECK(found.end <= text.size());
  }
}

TEST_CASE("complete: values come from the newest segments, most frequent first", "[query]") {
  MemoryDatabase database;
  const auto add = [&](Timestamp time, std::vector<Value> values) {
    const std::vector<Timestamp> times(values.size(), time);
    database.add_segment("audit", times, {{"service", std::move(values)}});
  };
  add(1 * kHour, {Value::of("ancient")});
  add(2 * kHour, {Value::of("old")});
  add(3 * kHour, {Value::of("pay"), Value::of("pay"), Value::null()});
  add(4 * kHour, {Value::of("mail"), Value::of("pay")});
  add(5 * kHour, {Value::of("web"), Value::of("mail"), Value::of("web"), Value::of("web")});
  CHECK(recent_values(database, {"audit"}, "service") == Texts{"pay", "web", "mail", "old"});
  CHECK(recent_values(database, {"audit"}, "nosuch").empty());
  CHECK(recent_values(database, {"nosuch"}, "service").empty());

  database.add_segment("audit", {6 * kHour, 6 * kHour},
                       {{"service", {Value::of("raw"), Value::null()}}}, {.dictionary = false});
  CHECK(recent_values(database, {"audit"}, "service") == Texts{"pay", "web", "mail", "raw"});

  std::vector<Value> many;
  for (int i = 0; i < 1'001; ++i) many.push_back(Value::of("user" + std::to_string(i)));
  add(7 * kHour, many);
  CHECK(recent_values(database, {"audit"}, "service").empty());
}
