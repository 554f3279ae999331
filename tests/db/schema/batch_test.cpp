#include "db/schema/batch.h"

#include <catch2/catch.hpp>

namespace tocsin {
namespace {

TEST_CASE("batch: lanes are distinguished by name, type and kind", "[db]") {
  RowBatch rows("audit");
  rows.begin_row(1);
  size_t a = rows.lane("host", ColumnType::kString, ColumnKind::kTag, 0);
  size_t b = rows.lane("host", ColumnType::kString, ColumnKind::kField, 1);
  size_t c = rows.lane("host", ColumnType::kI64, ColumnKind::kField, 2);
  CHECK(a == 0);
  CHECK(b == 1);
  CHECK(c == 2);
  CHECK(rows.lane("host", ColumnType::kI64, ColumnKind::kField, 0) == c);
  CHECK(rows.lane("host", ColumnType::kString, ColumnKind::kTag, 99) == a);
}

TEST_CASE("batch: the second of two values in one row replaces the first", "[db]") {
  RowBatch rows("audit");
  rows.begin_row(1);
  size_t lane = rows.lane("x", ColumnType::kI64, ColumnKind::kField, 0);
  rows.set_i64(lane, 1, "1");
  CHECK(rows.replaced() == nullptr);
  rows.set_i64(lane, 2, "2");
  REQUIRE(rows.replaced() != nullptr);
  CHECK(*rows.replaced() == "x");
  REQUIRE(rows.lanes()[lane].rows.size() == 1);
  CHECK(rows.lanes()[lane].i64 == std::vector<int64_t>{2});
  CHECK(rows.lanes()[lane].text == std::vector<std::string_view>{"2"});
  rows.begin_row(2);
  CHECK(rows.replaced() == nullptr);
}

TEST_CASE("batch: an abandoned row leaves no trace", "[db]") {
  RowBatch rows("audit");
  rows.begin_row(1, "first");
  size_t lane = rows.lane("x", ColumnType::kF64, ColumnKind::kField, 0);
  rows.set_f64(lane, 0.5);
  rows.begin_row(2, "second");
  rows.set_f64(lane, 1.5);
  rows.set_bool(rows.lane("y", ColumnType::kBool, ColumnKind::kField, 1), true);
  rows.abandon_row();
  CHECK(rows.row_count() == 1);
  CHECK(rows.lines().size() == 1);
  CHECK(rows.lanes()[0].f64 == std::vector<double>{0.5});
  CHECK(rows.lanes()[1].rows.empty());
}

TEST_CASE("batch: copies and kept buffers stay valid when the batch is moved", "[db]") {
  Batch batch;
  std::string_view copied = batch.copy("copied");
  std::string_view kept = batch.keep("kept");
  std::string_view large = batch.copy(std::string(100'000, 'x'));
  batch.rows_of("audit").begin_row(1);
  Batch moved = std::move(batch);
  CHECK(copied == "copied");
  CHECK(kept == "kept");
  CHECK(large.size() == 100'000);
  moved.rows_of("bpm").begin_row(2);
  moved.rows_of("audit").begin_row(3);
  CHECK(moved.row_count() == 3);
  CHECK(moved.measurements().size() == 2);
  CHECK(moved.byte_size() > 100'000);
  batch.rows_of("audit").begin_row(4);
  CHECK(batch.row_count() == 1);
}

}  // namespace
}  // namespace tocsin
