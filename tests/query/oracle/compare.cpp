#include "tests/query/oracle/compare.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include <fmt/format.h>

#include "tests/db/db_support.h"
#include "tests/query/sample_catalog.h"

namespace tocsin::oracle {
namespace {

constexpr double kTolerance = 1e-9;

std::string shown(const Value& value) {
  if (value.is_null()) return "null";
  return std::visit(
      [](const auto& data) -> std::string {
        if constexpr (std::is_same_v<std::decay_t<decltype(data)>, std::monostate>) {
          return "null";
        } else {
          return fmt::format("{}", data);
        }
      },
      value.data);
}

std::string shown(const Row& row) {
  std::string out;
  for (const Value& value : row) out += (out.empty() ? "" : " | ") + shown(value);
  return out;
}

bool same(const Value& a, const Value& b) {
  if (a.is_null() || b.is_null()) return a.is_null() && b.is_null();
  if (a.type != b.type) return false;
  if (a.type == ValueType::kF64) {
    const double x = std::get<double>(a.data), y = std::get<double>(b.data);
    return std::fabs(x - y) <= kTolerance * std::max({1.0, std::fabs(x), std::fabs(y)});
  }
  if (a.type == ValueType::kDuration) {  // both are rounded to whole nanoseconds
    const auto x = static_cast<double>(std::get<int64_t>(a.data));
    const auto y = static_cast<double>(std::get<int64_t>(b.data));
    return std::fabs(x - y) <= std::max(1.0, kTolerance * std::max(std::fabs(x), std::fabs(y)));
  }
  return a.data == b.data;
}

bool same(const Row& a, const Row& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](const Value& x, const Value& y) { return same(x, y); });
}

// Sorts by floats last, because they may differ slightly.
void order_rows(std::vector<Row>& rows) {
  std::ranges::sort(rows, [](const Row& a, const Row& b) {
    for (const bool floats : {false, true}) {
      for (size_t i = 0; i < a.size(); ++i) {
        const bool is_float = a[i].type == ValueType::kF64 || b[i].type == ValueType::kF64;
        if (is_float != floats) continue;
        if (const int c = compare(a[i], b[i]); c != 0) return c < 0;
      }
    }
    return false;
  });
}

}  // namespace

std::vector<Row> rows_of(const ResultTable& table) {
  std::vector<Row> rows(table.row_count);
  for (size_t row = 0; row < rows.size(); ++row) {
    for (const ResultColumn& column : table.columns) rows[row].push_back(column.at(row));
  }
  return rows;
}

std::string difference(std::vector<Row> expected, std::vector<Row> found, bool ordered) {
  if (expected.size() != found.size()) {
    return fmt::format("{} rows, expected {}", found.size(), expected.size());
  }
  if (!ordered) {
    order_rows(expected);
    order_rows(found);
  }
  for (size_t i = 0; i < expected.size(); ++i) {
    if (same(expected[i], found[i])) continue;
    return fmt::format("row {}:\n  expected {}\n  found    {}", i, shown(expected[i]),
                       shown(found[i]));
  }
  return "";
}

World::World(Random& random, size_t event_count, bool ties)
    : clock(kSampleNow), data(random_data(random, event_count, ties, kSampleNow)) {
  DatabaseOptions options;
  options.clock = &clock;
  database = tocsin::testing::take(Database::open(folder.path(), options));
  store(data, *database, random);
}

}  // namespace tocsin::oracle
