// Random queries in our language and in SQL: SQLite returns the same results.
#include <array>
#include <memory>

#include <catch2/catch.hpp>
#include <fmt/format.h>
#include <sqlite3.h>

#include "query/query.h"
#include "tests/db/db_support.h"
#include "tests/query/oracle/compare.h"
#include "tests/query/sample_catalog.h"

using namespace tocsin;
using oracle::Random;
using oracle::Row;
using tocsin::testing::take;

namespace {

constexpr std::array kColumns = {"service", "status", "user", "message",
                                 "ms",      "code",   "ok",   "rate"};

/// The measurement `audit` as an in-memory table.
class Sqlite {
 public:
  explicit Sqlite(const std::vector<oracle::Event>& events) {
    sqlite3* database = nullptr;
    REQUIRE(sqlite3_open(":memory:", &database) == SQLITE_OK);
    database_.reset(database);
    std::string columns = "time INTEGER", marks = "?1";
    for (size_t i = 0; i < kColumns.size(); ++i) {
      columns += fmt::format(", {}", kColumns[i]);
      marks += fmt::format(", ?{}", i + 2);
    }
    run("CREATE TABLE audit (" + columns + ")", {});
    for (const oracle::Event& event : events)
      insert(event, "INSERT INTO audit VALUES (" + marks + ")");
  }

  /// Values of SQLite's types: i64, f64, string.
  std::vector<Row> run(const std::string& sql, const std::vector<Value>& bound) {
    sqlite3_stmt* prepared = nullptr;
    INFO(sql);
    if (sqlite3_prepare_v2(database_.get(), sql.c_str(), -1, &prepared, nullptr) != SQLITE_OK) {
      FAIL(sqlite3_errmsg(database_.get()));
    }
    const std::unique_ptr<sqlite3_stmt, decltype(&sqlite3_finalize)> statement(prepared,
                                                                               &sqlite3_finalize);
    for (size_t i = 0; i < bound.size(); ++i) bind(prepared, static_cast<int>(i) + 1, bound[i]);
    std::vector<Row> rows;
    int code = 0;
    while ((code = sqlite3_step(prepared)) == SQLITE_ROW) {
      Row& row = rows.emplace_back();
      for (int i = 0; i < sqlite3_column_count(prepared); ++i) row.push_back(value_of(prepared, i));
    }
    REQUIRE(code == SQLITE_DONE);
    return rows;
  }

 private:
  void insert(const oracle::Event& event, const std::string& sql) {
    std::vector<Value> values = {Value::of(int64_t{event.time})};
    for (const char* name : kColumns) {
      const auto found = event.values.find(name);
      values.push_back(found == event.values.end() ? Value::null() : found->second);
    }
    run(sql, values);
  }

  static void bind(sqlite3_stmt* statement, int place, const Value& value) {
    if (const auto* text = std::get_if<std::string>(&value.data)) {
      sqlite3_bind_text(statement, place, text->data(), static_cast<int>(text->size()),
                        SQLITE_TRANSIENT);
    } else if (const auto* number = std::get_if<double>(&value.data)) {
      sqlite3_bind_double(statement, place, *number);
    } else if (const auto* whole = std::get_if<int64_t>(&value.data)) {
      sqlite3_bind_int64(statement, place, *whole);
    } else if (const auto* boolean = std::get_if<bool>(&value.data)) {
      sqlite3_bind_int64(statement, place, *boolean ? 1 : 0);
    }
  }

  static Value value_of(sqlite3_stmt* statement, int i) {
    switch (sqlite3_column_type(statement, i)) {
      case SQLITE_INTEGER:
        return Value::of(static_cast<int64_t>(sqlite3_column_int64(statement, i)));
      case SQLITE_FLOAT: return Value::of(sqlite3_column_double(statement, i));
      case SQLITE_NULL: return Value::null();
      default: break;
    }
    const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(statement, i));
    return Value::of(std::string(text, static_cast<size_t>(sqlite3_column_bytes(statement, i))));
  }

  std::unique_ptr<sqlite3, decltype(&sqlite3_close)> database_{nullptr, &sqlite3_close};
};

/// The same query or part in both languages.
struct Pair {
  std::string ours, sql;
};

class PairGenerator {
 public:
  explicit PairGenerator(Random& random) : random_(random) {}

  Pair next() { return chance(75) ? groups() : rows(); }

 private:
  size_t pick(size_t count) { return random_() % count; }
  bool chance(unsigned percent) { return random_() % 100 < percent; }

  Pair operand() {
    switch (pick(6)) {
      case 0: return {"code", "code"};
      case 1: return {"(ms * 2 + 1)", "(ms * 2 + 1)"};
      case 2: return {"abs(ms)", "abs(ms)"};
      case 3: return {"length(message)", "length(message)"};
      case 4: return {"coalesce(ms, rate)", "coalesce(ms, rate)"};
      default: return {"ms", "ms"};
    }
  }

  // A comparison with null is false, even if negated.
  static Pair leaf(const std::string& ours, const std::string& sql) {
    return {ours, "ifnull(" + sql + ", 0)"};
  }

  Pair condition(int depth) {
    if (depth > 0 && chance(50)) {
      const Pair a = condition(depth - 1), b = condition(depth - 1);
      switch (pick(3)) {
        case 0: return {"(" + a.ours + " and " + b.ours + ")", "(" + a.sql + " AND " + b.sql + ")"};
        case 1: return {"(" + a.ours + " or " + b.ours + ")", "(" + a.sql + " OR " + b.sql + ")"};
        default: return {"not (" + a.ours + ")", "NOT (" + a.sql + ")"};
      }
    }
    static const std::array<std::pair<const char*, const char*>, 6> kOperators = {
        {{"==", "="}, {"!=", "<>"}, {"<", "<"}, {"<=", "<="}, {">", ">"}, {">=", ">="}}};
    const auto [ours, sql] = kOperators[pick(kOperators.size())];
    switch (pick(8)) {
      case 0: return leaf("ok", "ok");
      case 1: return {"exists(user)", "(user IS NOT NULL)"};
      case 2: return leaf("status in (\"OK\", \"FAILED\")", "(status IN ('OK', 'FAILED'))");
      case 3: return leaf("status not in (\"OK\")", "(status NOT IN ('OK'))");
      case 4: return leaf("message contains \"ms\"", "(instr(message, 'ms') > 0)");
      case 5:
        return leaf(fmt::format("service {} \"pay\"", ours),
                    fmt::format("(service {} 'pay')", sql));
      case 6: {
        const Pair a = operand(), b = operand();
        return leaf(a.ours + " " + ours + " " + b.ours,
                    "(" + a.sql + " " + sql + " " + b.sql + ")");
      }
      default: {
        const Pair a = operand();
        const double number = static_cast<double>(pick(2000)) / 4 - 50;
        return leaf(fmt::format("{} {} {}", a.ours, ours, number),
                    fmt::format("({} {} {})", a.sql, sql, number));
      }
    }
  }

  Pair aggregate() {
    Pair out;
    switch (pick(8)) {
      case 0: out = {"count(ms)", "count(ms)"}; break;
      case 1: out = {"sum(ms)", "total(ms)"}; break;
      case 2: out = {"mean(ms)", "avg(ms)"}; break;
      case 3: out = {"min(user)", "min(user)"}; break;
      case 4: out = {"max(code)", "max(code)"}; break;
      case 5: out = {"count_distinct(user)", "count(DISTINCT user)"}; break;
      case 6: out = {"sum(length(service))", "ifnull(sum(length(service)), 0)"}; break;
      default: out = {"count()", "count(*)"}; break;
    }
    if (!chance(40)) return out;
    const Pair where = condition(1);
    // In SQLite, FILTER directly follows the call.
    const bool wrapped = out.sql.starts_with("ifnull(");
    const std::string filter = " FILTER (WHERE " + where.sql + ")";
    out.sql = wrapped ? "ifnull(sum(length(service))" + filter + ", 0)" : out.sql + filter;
    out.ours += " where " + where.ours;
    return out;
  }

  Pair groups() {
    static const std::array<Pair, 4> kKeys = {{{"service", "service"},
                                               {"status", "status"},
                                               {"code", "code"},
                                               {"time(6h)", "(time - time % 21600000000000)"}}};
    const Pair where = condition(2);
    Pair out{"from audit | where " + where.ours + " | stats n = count()", ""};
    std::string selected, grouped;
    std::string aggregates = ", count(*) AS n";
    for (size_t i = 1 + pick(3); i > 0; --i) {
      const Pair one = aggregate();
      out.ours += fmt::format(", a{} = {}", i, one.ours);
      aggregates += ", " + one.sql;
    }
    const size_t first = pick(kKeys.size());
    for (size_t i = 0; i < pick(3); ++i) {
      const Pair& key = kKeys[(first + i) % kKeys.size()];
      out.ours += (grouped.empty() ? " by " : ", ") + key.ours;
      selected += (selected.empty() ? "" : ", ") + key.sql;
      grouped += fmt::format("{}{}", grouped.empty() ? "" : ", ", i + 1);
    }
    out.sql = "SELECT " + (selected.empty() ? aggregates.substr(2) : selected + aggregates) +
              " FROM audit WHERE " + where.sql;
    if (!grouped.empty()) {
      out.sql += " GROUP BY " + grouped;
      if (chance(40)) {
        out.ours += " | where n > 2";
        out.sql += " HAVING n > 2";
      }
      std::string order;
      for (const char c : grouped)
        order += std::isdigit(c) ? std::string(1, c) + " NULLS LAST" : std::string(1, c);
      const bool by_count = chance(40);
      if (by_count) out.ours += " | sort -n";
      out.sql += " ORDER BY " + std::string(by_count ? "n DESC, " : "") + order;
    }
    if (chance(40)) {
      out.ours += " | limit 5";
      out.sql += " LIMIT 5";
    }
    return out;
  }

  Pair rows() {
    const Pair where = condition(2), computed = operand();
    const bool newest = chance(50);
    return {"from audit | where " + where.ours + (newest ? " | sort -time" : "") +
                " | let x = " + computed.ours + " | keep time, service, ms, x | limit 20",
            "SELECT time, service, ms, " + computed.sql + " FROM audit WHERE " + where.sql +
                " ORDER BY time" + (newest ? " DESC" : "") + " LIMIT 20"};
  }

  Random& random_;
};

// Booleans, times and unsigned integers are integers in SQLite; a float without a fraction may be
// returned as one.
Row as_sqlite(const Row& row) {
  Row out;
  for (const Value& value : row) {
    if (value.type == ValueType::kTime) {
      out.push_back(Value::of(std::get<int64_t>(value.data)));
    } else {
      out.push_back(value);
    }
  }
  return out;
}

void match_types(const Row& ours, Row& theirs) {
  for (size_t i = 0; i < theirs.size() && i < ours.size(); ++i) {
    const auto* whole = std::get_if<int64_t>(&theirs[i].data);
    if (whole && ours[i].type == ValueType::kF64)
      theirs[i] = Value::of(static_cast<double>(*whole));
  }
}

}  // namespace

TEST_CASE("oracle: queries that SQL can express return the same as SQLite", "[query]") {
  const uint32_t seed = oracle::seed_of_run();
  Random random(seed);
  const oracle::World world(random, 2'000, false);
  Sqlite sqlite(world.data.at("audit"));
  const QueryEngine engine(*world.database);
  PairGenerator generator(random);
  QueryOptions options;
  options.now = kSampleNow;
  for (int i = oracle::long_tests() ? 5'000 : 300; i > 0; --i) {
    const Pair pair = generator.next();
    INFO("TOCSIN_SEED=" << seed << "\n" << pair.ours << "\n" << pair.sql);
    const ResultTable table = take(engine.run(pair.ours, options));
    std::vector<Row> found = oracle::rows_of(table);
    std::vector<Row> expected = sqlite.run(pair.sql, {});
    for (size_t row = 0; row < found.size(); ++row) {
      found[row] = as_sqlite(found[row]);
      if (row < expected.size()) match_types(found[row], expected[row]);
    }
    const std::string wrong = oracle::difference(expected, found, true);
    CHECK(wrong == std::string());
    if (!wrong.empty()) return;
  }
}
