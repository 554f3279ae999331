// Random batches with commit, seal, reopen, against a naive model: every accepted row comes back.
#include <algorithm>
#include <cmath>
#include <random>

#include <catch2/catch.hpp>

#include "db/limits.h"
#include "tests/db/db_support.h"

namespace tocsin {
namespace {

using namespace testing;

constexpr Timestamp kNow = 1'795'521'600 * kSecond;

/// A value as it was given: its type, and the value in every form that a column may ask for.
struct ModelValue {
  ColumnType type = ColumnType::kI64;
  int64_t i64 = 0;
  uint64_t u64 = 0;
  double f64 = 0;
  std::string text;

  std::string as(ColumnType column) const {
    switch (column) {
      case ColumnType::kI64:
        return "i64:" + std::to_string(type == ColumnType::kU64 ? static_cast<int64_t>(u64) : i64);
      case ColumnType::kU64:
        return "u64:" + std::to_string(type == ColumnType::kI64 ? static_cast<uint64_t>(i64) : u64);
      case ColumnType::kF64:
        if (type == ColumnType::kI64) return "f64:" + double_text(static_cast<double>(i64));
        if (type == ColumnType::kU64) return "f64:" + double_text(static_cast<double>(u64));
        return "f64:" + double_text(f64);
      case ColumnType::kBool:
        return "bool:" + std::to_string(i64);
      case ColumnType::kString:
        return "string:" + text;
    }
    return "";
  }
};

struct ModelRow {
  Timestamp time = 0;
  std::map<std::string, ModelValue> values;
};

class Model {
 public:
  explicit Model(unsigned seed) : random_(seed) {
    options_.clock = &clock_;
    open();
  }

  void run(int steps) {
    for (int i = 0; i < steps; ++i) step();
    check();
    take(database_->seal());
    check();
    open();
    check();
  }

 private:
  void open() {
    database_.reset();
    database_ = take(Database::open(directory_.path(), options_));
  }

  void step() {
    const auto dice = pick(20);
    if (dice == 0) return take(database_->seal());
    if (dice == 1) return open();
    if (dice == 2) return check();
    const bool is_large = pick(25) == 0;
    write(is_large ? 20'000 : 1 + pick(60), pick(4) == 0);
  }

  void write(size_t row_count, bool bulk) {
    WriteRequest request;
    request.bulk = bulk;
    std::vector<ModelRow> rows(row_count);
    RowBatch& batch = request.batch.rows_of("m");
    const Timestamp base = kNow - static_cast<int64_t>(pick(3)) * kDay;
    for (ModelRow& row : rows) {
      row.time = base - static_cast<int64_t>(pick(1000)) * kMinute;
      batch.begin_row(row.time);
      for (size_t column = 0; column < 9; ++column) {
        if (pick(3) == 0) continue;
        const std::string name = "c" + std::to_string(column);
        row.values[name] = make_value(column);
        set(batch, request.batch, name, row.values[name]);
      }
    }
    auto keep = [this, rows = std::move(rows)](Result<WriteReport> report) {
      REQUIRE(report.has_value());
      std::vector<bool> refused(rows.size());
      for (const RejectedRow& row : report->rejected) refused[row.row] = true;
      for (size_t i = 0; i < rows.size(); ++i) {
        if (!refused[i]) rows_.push_back(rows[i]);
      }
    };
    if (bulk) {
      take(database_->submit(std::move(request), keep));
    } else {
      keep(database_->write(std::move(request)));
    }
  }

  ModelValue make_value(size_t column) {
    ModelValue value;
    // Some columns get another type now and then.
    const size_t kind = pick(40) == 0 ? pick(9) : column;
    switch (kind) {
      case 0:
        value.i64 = static_cast<int64_t>(pick(100));
        break;
      case 1:
        value.i64 = static_cast<int64_t>(random_());
        break;
      case 2:
        value.type = ColumnType::kU64;
        value.u64 = random_() >> pick(64);
        break;
      case 3:
        value.type = ColumnType::kF64;
        value.f64 = static_cast<double>(pick(100'000)) / 1000;
        break;
      case 4: {
        value.type = ColumnType::kF64;
        const double odd[] = {NAN, -0.0, INFINITY, -INFINITY, 1e-310, 0.1 + 0.2, 1e308};
        value.f64 = odd[pick(7)];
        break;
      }
      case 5:
        value.type = ColumnType::kBool;
        value.i64 = static_cast<int64_t>(pick(2));
        break;
      case 6:
        value.type = ColumnType::kString;
        value.text = "service-" + std::to_string(pick(7));
        break;
      case 7:
        value.type = ColumnType::kString;
        value.text = pick(5) == 0 ? "" : "id " + std::to_string(random_());
        break;
      default:
        value.type = ColumnType::kString;
        value.text =
            std::string(pick(200) == 0 ? 100'000 : pick(50), static_cast<char>('a' + pick(26)));
    }
    if (value.type == ColumnType::kI64) value.text = std::to_string(value.i64);
    if (value.type == ColumnType::kU64) value.text = std::to_string(value.u64);
    if (value.type == ColumnType::kF64) value.text = "float " + double_text(value.f64);
    if (value.type == ColumnType::kBool) value.text = value.i64 ? "TRUE" : "FALSE";
    return value;
  }

  static void set(RowBatch& rows, Batch& batch, const std::string& name, const ModelValue& value) {
    const size_t lane = rows.lane(name, value.type, ColumnKind::kField, 0);
    const std::string_view text = batch.copy(value.text);
    switch (value.type) {
      case ColumnType::kI64:
        rows.set_i64(lane, value.i64, text);
        break;
      case ColumnType::kU64:
        rows.set_u64(lane, value.u64, text);
        break;
      case ColumnType::kF64:
        rows.set_f64(lane, value.f64, text);
        break;
      case ColumnType::kBool:
        rows.set_bool(lane, value.i64 != 0, text);
        break;
      case ColumnType::kString:
        rows.set_string(lane, text);
        break;
    }
  }

  void check() {
    // Bulk rows become visible with seal() at the latest.
    take(database_->seal());
    auto snapshot = take(database_->snapshot({{"m"}, {}}));
    auto found = take(read_rows(snapshot, "m"));
    const Measurement* measurement = snapshot.catalog->find("m");
    std::vector<RowText> expected;
    for (const ModelRow& row : rows_) {
      RowText& text = expected.emplace_back();
      text.time = row.time;
      for (const auto& [name, value] : row.values) {
        text.values[name] = value.as(measurement->find(name)->type);
      }
    }
    std::sort(found.begin(), found.end());
    std::sort(expected.begin(), expected.end());
    CHECK(found.size() == expected.size());
    CHECK((found == expected));
  }

  size_t pick(size_t below) { return random_() % below; }

  test::TemporaryFolder directory_;
  std::mt19937_64 random_;
  const ManualClock clock_{kNow};
  DatabaseOptions options_;
  std::vector<ModelRow> rows_;
  std::unique_ptr<Database> database_;  // before rows_: its callbacks write to them
};

TEST_CASE("database: every accepted row of random batches comes back as it was", "[db]") {
  for (unsigned seed : {1U, 2U, 3U}) {
    INFO("seed " << seed);
    Model(seed).run(40);
  }
}

}  // namespace
}  // namespace tocsin
