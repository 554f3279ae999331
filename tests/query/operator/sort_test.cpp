// The order of sorted rows equals that of a plain stable sort.
#include <algorithm>
#include <numeric>
#include <random>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "query/operator/operators.h"
#include "tests/support/seed.h"

using namespace tocsin;

namespace {

// Texts with long common starts, zero bytes at the end, high bytes, and many equal ones.
std::string random_text(std::mt19937& random) {
  static const std::string starts[] = {"", "tx-", std::string(20, 'p'),
                                       "\xff\xff\xff\xff\xff\xff\xff\xff"};
  std::string text = starts[random() % 4];
  if (random() % 3 == 0) text += std::to_string(random() % 50);
  if (random() % 4 == 0) text += std::string(random() % 12, '\0');
  return text;
}

Value random_value(ValueType type, std::mt19937& random) {
  if (random() % 8 == 0) return Value::null();
  const auto small = static_cast<int64_t>(random() % 7) - 3;
  switch (type) {
    case ValueType::kBool: return Value::of(small > 0);
    case ValueType::kU64:
      return Value::of(small == 0 ? UINT64_MAX : static_cast<uint64_t>(small + 3));
    case ValueType::kF64: return Value::of(small == 0 ? -0.0 : static_cast<double>(small) / 2);
    case ValueType::kString: return Value::of(random_text(random));
    default: return {type, small == 3 ? INT64_MAX : small == -3 ? INT64_MIN : small};
  }
}

Table random_table(size_t row_count, std::mt19937& random) {
  Table table;
  auto arena = std::make_shared<StringArena>();
  for (const ValueType type : {ValueType::kI64, ValueType::kU64, ValueType::kF64, ValueType::kBool,
                               ValueType::kString, ValueType::kString}) {
    TableColumn& column = table.columns.emplace_back(type);
    for (size_t row = 0; row < row_count; ++row) column.append(random_value(type, random), *arena);
  }
  table.row_count = row_count;
  table.arenas.push_back(std::move(arena));
  return table;
}

std::vector<uint32_t> plain_order(const Table& table, const std::vector<SortKey>& keys) {
  std::vector<uint32_t> rows(table.row_count);
  std::iota(rows.begin(), rows.end(), 0u);
  std::ranges::stable_sort(rows, TableOrder(table, keys));
  return rows;
}

}  // namespace

TEST_CASE("sort: equals a plain stable sort, with and without a limit", "[query]") {
  const unsigned seed = test::seed_of_run();
  CAPTURE(seed);
  std::mt19937 random(seed);
  const Plan plan;
  const QueryOptions options;
  for (int trial = 0; trial < 60; ++trial) {
    const Table table = random_table(trial % 3 == 0 ? random() % 20 : random() % 3'000, random);
    std::vector<SortKey> keys;
    for (size_t k = 0; k < 1 + random() % 3; ++k) {
      keys.push_back({static_cast<uint32_t>(random() % 6), random() % 2 == 0});
    }
    CAPTURE(trial, table.row_count, keys.front().column, keys.front().descending);
    Execution execution(plan, options);
    const std::vector<uint32_t> expected = plain_order(table, keys);
    CHECK(sorted_rows(execution, table, keys, std::nullopt) == expected);
    const size_t limit = random() % (table.row_count + 2);
    const std::vector<uint32_t> first(
        expected.begin(),
        expected.begin() + static_cast<ptrdiff_t>(std::min(limit, expected.size())));
    CHECK(sorted_rows(execution, table, keys, limit) == first);
  }
}

TEST_CASE("sort: many rows are merged from pieces", "[query]") {
  std::mt19937 random(7);
  const Table table = random_table(300'000, random);
  const Plan plan;
  const QueryOptions options;
  Execution execution(plan, options);
  for (const uint32_t column : {0u, 4u}) {
    const std::vector<SortKey> keys = {{column, true}, {5, false}};
    CHECK(sorted_rows(execution, table, keys, std::nullopt) == plain_order(table, keys));
  }
}

TEST_CASE("sort: counts its memory, and can be cancelled", "[query]") {
  std::mt19937 random(7);
  const Table table = random_table(100'000, random);
  const std::vector<SortKey> keys = {{4, false}};
  const Plan plan;
  QueryOptions options;
  options.memory_bytes_max = kMiB;
  Execution little(plan, options);
  CHECK(sorted_rows(little, table, keys, std::nullopt).error().code == ErrorCode::kLimit);
  const std::atomic<bool> cancelled = true;
  options = {};
  options.cancelled = &cancelled;
  Execution stopped(plan, options);
  CHECK(sorted_rows(stopped, table, keys, std::nullopt).error().code == ErrorCode::kCancelled);
}
