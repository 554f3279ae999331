// Merging rows into the stored schema: conflicts, renames, limits.
#include "db/write/schema_merge.h"

#include <map>
#include <set>

#include <catch2/catch.hpp>

#include "db/limits.h"
#include "db/schema/reject_log.h"
#include "tests/db/db_support.h"

namespace tocsin {
namespace {

using namespace testing;

using Values = std::map<std::string, std::string>;
using TypesByName = std::vector<std::pair<std::string, ColumnType>>;  // in order of addition

/// A database with a fixed clock, and short calls that build rows.
class MergeFixture {
 public:
  MergeFixture() : clock_(kNoon) {
    DatabaseOptions options;
    options.clock = &clock_;
    database_ = take(Database::open(directory_.path(), options));
  }

  Database& database() { return *database_; }
  ManualClock& clock() { return clock_; }

  /// Starts the next row of the next write.
  MergeFixture& row(std::string_view measurement = "m", Timestamp time = kNoon) {
    rows_ = &batch_.rows_of(measurement);
    rows_->begin_row(time, "the line");
    return *this;
  }
  MergeFixture& i64(std::string_view name, int64_t value) {
    rows_->set_i64(rows_->lane(name, ColumnType::kI64, ColumnKind::kField, 0), value);
    return *this;
  }
  MergeFixture& u64(std::string_view name, uint64_t value) {
    rows_->set_u64(rows_->lane(name, ColumnType::kU64, ColumnKind::kField, 0), value);
    return *this;
  }
  MergeFixture& f64(std::string_view name, double value, std::string_view text = {}) {
    rows_->set_f64(rows_->lane(name, ColumnType::kF64, ColumnKind::kField, 0), value, text);
    return *this;
  }
  MergeFixture& boolean(std::string_view name, bool value) {
    rows_->set_bool(rows_->lane(name, ColumnType::kBool, ColumnKind::kField, 0), value);
    return *this;
  }
  MergeFixture& text(std::string_view name, std::string_view value,
                     ColumnKind kind = ColumnKind::kField) {
    rows_->set_string(rows_->lane(name, ColumnType::kString, kind, 0), batch_.copy(value));
    return *this;
  }

  WriteReport write(ConflictPolicy policy = ConflictPolicy::kRejectRow, bool reserved = false) {
    WriteRequest request;
    request.batch = Batch(policy);
    copy_into(request.batch);
    request.allow_reserved = reserved;
    request.source = "test";
    batch_ = Batch();
    return take(database_->write(std::move(request)));
  }
  WriteReport write(Batch batch) {
    WriteRequest request;
    request.batch = std::move(batch);
    return take(database_->write(std::move(request)));
  }

  TypesByName types(std::string_view measurement = "m") {
    TypesByName types;
    const auto catalog = database_->catalog();
    for (const Column& column : catalog->find(measurement)->columns) {
      types.emplace_back(column.name, column.type);
    }
    return types;
  }

  ColumnType type_of(std::string_view column, std::string_view measurement = "m") {
    const auto catalog = database_->catalog();
    const Column* found = catalog->find(measurement)->find(column);
    REQUIRE(found != nullptr);
    return found->type;
  }
  std::vector<RowText> rows(const std::string& measurement = "m") {
    return take(read_rows(*database_, measurement));
  }

 private:
  /// Copies the rows, because the policy of a Batch is fixed when it is constructed.
  void copy_into(Batch& target) {
    for (const RowBatch& source : batch_.measurements()) {
      RowBatch& rows = target.rows_of(source.measurement());
      for (size_t row = 0; row < source.row_count(); ++row) {
        rows.begin_row(source.times()[row], source.lines()[row]);
        for (const Lane& lane : source.lanes()) copy_value(lane, row, rows, target);
      }
    }
  }
  static void copy_value(const Lane& lane, size_t row, RowBatch& rows, Batch& target) {
    for (size_t k = 0; k < lane.rows.size(); ++k) {
      if (lane.rows[k] != row) continue;
      const size_t to = rows.lane(lane.name, lane.type, lane.kind, 0);
      const std::string_view text = target.copy(lane.text_of(k));
      switch (lane.type) {
        case ColumnType::kI64: rows.set_i64(to, lane.i64[k], text); break;
        case ColumnType::kU64: rows.set_u64(to, lane.u64[k], text); break;
        case ColumnType::kF64: rows.set_f64(to, lane.f64[k], text); break;
        case ColumnType::kBool: rows.set_bool(to, lane.i64[k] != 0, text); break;
        case ColumnType::kString: rows.set_string(to, text); break;
      }
    }
  }

  test::TemporaryFolder directory_;
  ManualClock clock_;
  std::unique_ptr<Database> database_;
  Batch batch_;
  RowBatch* rows_ = nullptr;
};

TEST_CASE("schema merge: a float widens an integer column, and integers become floats", "[db]") {
  MergeFixture f;
  f.row().i64("x", 1).write();
  CHECK(f.type_of("x") == ColumnType::kI64);
  CHECK(f.row().f64("x", 0.5).row().i64("x", 2).write().rejected.empty());
  CHECK(f.type_of("x") == ColumnType::kF64);
  auto rows = f.rows();
  REQUIRE(rows.size() == 3);
  CHECK(rows[0].values["x"] == "f64:" + double_text(1));
  CHECK(rows[1].values["x"] == "f64:" + double_text(0.5));
  CHECK(rows[2].values["x"] == "f64:" + double_text(2));
  take(f.database().seal());
  CHECK(f.rows() == rows);
}

TEST_CASE(
    "schema merge: a float does not widen a column with an integer that is not exact as a double",
    "[db]") {
  MergeFixture f;
  f.row().i64("x", (int64_t{1} << 53) + 1).write();
  const WriteReport report = f.row().f64("x", 0.5).write();
  REQUIRE(report.rejected.size() == 1);
  CHECK(report.rejected[0].reason ==
        "field type conflict: column `x` of `m` is i64, got f64 `0.5`");
  CHECK(f.type_of("x") == ColumnType::kI64);
  // 2^53 itself is exact.
  f.row().i64("y", int64_t{1} << 53).write();
  CHECK(f.row().f64("y", 0.5).write().rejected.empty());
}

TEST_CASE("schema merge: the order within a batch counts as if rows came one by one", "[db]") {
  MergeFixture f;
  CHECK(f.row().i64("x", INT64_MAX).row().f64("x", 0.5).write().rejected.size() == 1);
  CHECK(f.row().f64("y", 0.5).row().i64("y", INT64_MAX).write().rejected.empty());
  CHECK(f.type_of("y") == ColumnType::kF64);
  CHECK(f.row().text("z", "s").row().i64("z", 5).write().rejected.empty());
  CHECK(f.type_of("z") == ColumnType::kString);
}

TEST_CASE("schema merge: u64 and i64 columns accept each other's values where they fit", "[db]") {
  MergeFixture f;
  f.row().i64("i", -1).u64("u", UINT64_MAX).write();
  CHECK(f.row().u64("i", 7).i64("u", 7).write().rejected.empty());
  CHECK(f.row().u64("i", UINT64_MAX).write().rejected.size() == 1);
  CHECK(f.row().i64("u", -1).write().rejected.size() == 1);
  CHECK(f.rows()[1].values["i"] == "i64:7");
  CHECK(f.rows()[1].values["u"] == "u64:7");
}

TEST_CASE("schema merge: a string column stores any scalar as it was written", "[db]") {
  MergeFixture f;
  f.row().text("s", "x").write();
  f.row().f64("s", 1.5, "1.50").row().f64("s", 1.5).row().boolean("s", true).row().i64("s", -3);
  CHECK(f.write().rejected.empty());
  auto rows = f.rows();
  CHECK(rows[1].values["s"] == "string:1.50");
  CHECK(rows[2].values["s"] == "string:1.5");
  CHECK(rows[3].values["s"] == "string:true");
  CHECK(rows[4].values["s"] == "string:-3");
}

TEST_CASE("schema merge: JSON lines keep a row with a conflict and put its value into a sibling",
          "[db]") {
  MergeFixture f;
  f.row().i64("x", 1).boolean("b", true).write();
  const WriteReport report =
      f.row().text("x", "a \"b\"").f64("b", 2.5).i64("y", 3).write(ConflictPolicy::kKeepInRest);
  CHECK(report.rejected.empty());
  CHECK(report.rows_written == 1);
  CHECK(report.warnings ==
        std::vector<std::string>{
            "column `x` of `m` is i64; from now on it also has values of type string",
            "column `b` of `m` is bool; from now on it also has values of type f64"});
  CHECK(f.types() == TypesByName{{"x", ColumnType::kI64},
                                 {"b", ColumnType::kBool},
                                 {"x", ColumnType::kString},
                                 {"b", ColumnType::kF64},
                                 {"y", ColumnType::kI64}});
  auto rows = f.rows();
  CHECK(rows[1].values["x"] == "string:a \"b\"");
  CHECK(rows[1].values["b"] == "f64:" + double_text(2.5));
  CHECK(rows[1].values["y"] == "i64:3");
  CHECK(f.row().text("x", "s").write(ConflictPolicy::kKeepInRest).warnings.empty());
  CHECK(f.rows()[2].values["x"] == "string:s");
  CHECK(f.types().size() == 5);
  take(f.database().seal());
  CHECK(f.rows()[1].values["x"] == "string:a \"b\"");
}

TEST_CASE("schema merge: line protocol refuses a value that only a sibling would fit", "[db]") {
  MergeFixture f;
  f.row().i64("x", 1).row().text("x", "s").write(ConflictPolicy::kKeepInRest);
  CHECK(f.types().size() == 2);
  CHECK(f.row().text("x", "t").write().rejected.size() == 1);
}

TEST_CASE("schema merge: integers of a column and of its sibling stay exact", "[db]") {
  MergeFixture f;
  const auto keep = ConflictPolicy::kKeepInRest;
  f.row().i64("i", -1).u64("u", UINT64_MAX).boolean("b", true).write();
  f.row().u64("i", UINT64_MAX).i64("u", -1).u64("b", UINT64_MAX).write(keep);
  f.row().u64("i", 7).i64("u", 7).i64("b", 7).write(keep);
  f.row().f64("i", 0.5).f64("u", 0.5).i64("b", -7).write(keep);
  auto rows = f.rows();
  const std::string max = "u64:18446744073709551615";
  CHECK(rows[1].values == Values{{"i", max}, {"u", "i64:-1"}, {"b", max}});
  CHECK(rows[2].values == Values{{"i", "i64:7"}, {"u", "u64:7"}, {"b", "u64:7"}});
  const std::string half = "f64:" + double_text(0.5);
  CHECK(rows[3].values == Values{{"i", half}, {"u", half}, {"b", "i64:-7"}});
  CHECK(f.types().size() == 9);
}

TEST_CASE("schema merge: a row keeps one value of a name, and the others in _rest", "[db]") {
  MergeFixture f;
  f.row().i64("x", 1).text("x", "s").boolean("x", true).write(ConflictPolicy::kKeepInRest);
  f.row().text("x", "s").text("_rest", "mine").write(ConflictPolicy::kKeepInRest);
  f.row().i64("x", 1).text("x", "s").text("_rest", "mine").write(ConflictPolicy::kKeepInRest);
  auto rows = f.rows();
  CHECK(rows[0].values == Values{{"x", "i64:1"}, {"_rest", R"(string:{"x":"s","x":true})"}});
  CHECK(rows[1].values == Values{{"x", "string:s"}, {"_rest", "string:mine"}});
  CHECK(rows[2].values == Values{{"x", "i64:1"}, {"_rest", R"(string:{"x":"s","_rest":"mine"})"}});
}

TEST_CASE("schema merge: a long text for a sibling refuses its row", "[db]") {
  MergeFixture f;
  f.row().i64("x", 1).write();
  const std::string long_text(kStringBytesMax + 1, 'x');
  const WriteReport report = f.row().text("x", long_text).write(ConflictPolicy::kKeepInRest);
  REQUIRE(report.rejected.size() == 1);
  CHECK(report.rejected[0].reason.starts_with("the value of column `x` has 1048577 bytes"));
}

TEST_CASE("schema merge: declared lanes make columns of exactly their types", "[db]") {
  MergeFixture f;
  const auto write = [&](bool two_values) {
    Batch batch(ConflictPolicy::kKeepInRest);
    RowBatch& rows = batch.rows_of("m");
    rows.begin_row(kNoon);
    const size_t number = rows.declare("x", ColumnType::kI64, ColumnKind::kField, 0);
    if (two_values) rows.set_i64(number, 1);
    rows.set_f64(rows.declare("x", ColumnType::kF64, ColumnKind::kField, 1), 0.5);
    rows.begin_row(kNoon + 1);
    rows.set_string(rows.declare("x", ColumnType::kString, ColumnKind::kTag, 2), "tag");
    f.write(std::move(batch));
  };
  write(false);
  CHECK(f.types() ==
        TypesByName{{"x", ColumnType::kI64}, {"x", ColumnType::kF64}, {"x", ColumnType::kString}});
  CHECK(f.rows()[0].values == Values{{"x", "f64:" + double_text(0.5)}});
  write(true);
  CHECK(f.types().size() == 4);
  const auto rows = f.rows();
  const bool found = std::ranges::any_of(rows, [](const RowText& row) {
    return row.values == Values{{"x", "i64:1"}, {"_rest", R"(string:{"x":0.5})"}};
  });
  CHECK(found);
  // The column cannot become f64, since it has a sibling of that type.
  f.row().f64("x", 2.5).write(ConflictPolicy::kKeepInRest);
  CHECK(f.type_of("x") == ColumnType::kI64);
  CHECK(f.types().size() == 4);
}

TEST_CASE("schema merge: a refused row does not decide a new column's type", "[db]") {
  MergeFixture f;
  f.row().i64("x", 1).write();
  CHECK(
      f.row().i64("new", 1).text("x", "conflict").row().text("new", "s").write().rejected.size() ==
      1);
  CHECK(f.type_of("new") == ColumnType::kString);
}

TEST_CASE("schema merge: a field named like a tag of its row is renamed", "[db]") {
  MergeFixture f;
  f.row().text("host", "a", ColumnKind::kTag).text("host", "b").row().text("host", "c").write();
  auto rows = f.rows();
  CHECK(rows[0].values["host"] == "string:a");
  CHECK(rows[0].values["host_field"] == "string:b");
  CHECK(rows[1].values["host"] == "string:c");
  CHECK(rows[1].values.count("host_field") == 0);
  CHECK(f.database().catalog()->find("m")->find("host")->kind == ColumnKind::kTag);
}

TEST_CASE("schema merge: a renamed field whose new name is taken goes into `_rest`", "[db]") {
  for (const bool real_first : {false, true}) {
    MergeFixture f;
    const auto tagged = [&]() -> MergeFixture& { return f.row().text("x", "1", ColumnKind::kTag); };
    if (real_first) tagged().i64("x_field", 3).i64("x", 2);
    if (!real_first) tagged().i64("x", 2).i64("x_field", 3);
    tagged().i64("x", 4);
    tagged().i64("x_field", 5);
    f.row().i64("time", 6).text("time_field", "t");
    const WriteReport report = f.write();
    CHECK(report.rejected.empty());
    CHECK(report.warnings.size() == 2);
    const auto rows = f.rows();
    REQUIRE(rows.size() == 4);
    CHECK(rows[0].values ==
          Values{{"x", "string:1"}, {"x_field", "i64:3"}, {"_rest", "string:{\"x\":2}"}});
    CHECK(rows[1].values == Values{{"x", "string:1"}, {"x_field", "i64:4"}});
    CHECK(rows[2].values == Values{{"x", "string:1"}, {"x_field", "i64:5"}});
    CHECK(rows[3].values == Values{{"time_field", "string:t"}, {"_rest", "string:{\"time\":6}"}});
  }
}

TEST_CASE("schema merge: columns called time and measurement are renamed", "[db]") {
  MergeFixture f;
  f.row().i64("time", 5).text("measurement", "x", ColumnKind::kTag).write();
  CHECK(f.rows()[0].values == std::map<std::string, std::string>{{"measurement_field", "string:x"},
                                                                 {"time_field", "i64:5"}});
}

TEST_CASE("schema merge: times too far ahead or before the retention are refused", "[db]") {
  MergeFixture f;
  f.row("m", kNoon + kDay).row("m", kNoon + kDay + 1).row("m", kTimeMin).row("m", kTimeMax);
  const WriteReport report = f.write();
  CHECK(report.rows_written == 2);
  REQUIRE(report.rejected.size() == 2);
  CHECK(report.rejected[0].row == 1);
  CHECK(report.rejected[0].reason.find("ahead of the clock") != std::string::npos);
  CHECK(f.rows().size() == 2);
  take(f.database().seal());
  CHECK(f.rows().front().time == kTimeMin);
}

TEST_CASE("schema merge: reserved measurements are refused unless allowed", "[db]") {
  MergeFixture f;
  const WriteReport refused = f.row("alerts").i64("x", 1).write();
  REQUIRE(refused.rejected.size() == 1);
  CHECK(refused.rejected[0].reason == "measurement `alerts` is reserved for tocsin itself");
  CHECK(f.row("alerts").i64("x", 1).write(ConflictPolicy::kRejectRow, true).rejected.empty());
  CHECK(f.rows("alerts").size() == 1);
}

TEST_CASE("schema merge: names and strings are accepted at their limit and refused beyond",
          "[db]") {
  MergeFixture f;
  CHECK(f.row(std::string(kNameBytesMax, 'm')).i64("x", 1).write().rejected.empty());
  CHECK(f.row(std::string(kNameBytesMax + 1, 'm')).i64("x", 1).write().rejected.size() == 1);
  CHECK(f.row("").i64("x", 1).write().rejected.size() == 1);
  const std::string name(kNameBytesMax, 'c');
  CHECK(f.row().i64(name, 1).write().rejected.empty());
  CHECK(f.row().i64(name + "c", 1).write().rejected.size() == 1);
  CHECK(f.row().i64(name + "c", 1).write(ConflictPolicy::kKeepInRest).rejected.empty());
  CHECK(f.row().text("s", std::string(kStringBytesMax, 'x')).write().rejected.empty());
  CHECK(f.row().text("s", std::string(kStringBytesMax + 1, 'x')).write().rejected.size() == 1);
  CHECK(f.rows().back().values["s"].size() == kStringBytesMax + 7);
}

TEST_CASE("schema merge: keys beyond the column limit go into _rest", "[db]") {
  MergeFixture f;
  f.row();
  for (size_t i = 0; i < kColumnCountMax; ++i) f.i64("c" + std::to_string(i), 1);
  f.write();
  CHECK(f.database().catalog()->find("m")->columns.size() == kColumnCountMax);
  const WriteReport report = f.row().i64("one_more", 2).i64("c0", 3).write();
  CHECK(report.rejected.empty());
  CHECK(report.warnings.size() == 1);
  auto row = f.rows()[1];
  CHECK(row.values["_rest"] == R"(string:{"one_more":2})");
  CHECK(row.values["c0"] == "i64:3");
  // There is no room for a sibling either.
  CHECK(f.row().text("c0", "s").write(ConflictPolicy::kKeepInRest).rejected.empty());
  CHECK(f.rows()[2].values == Values{{"_rest", R"(string:{"c0":"s"})"}});
}

TEST_CASE("schema merge: refused rows and lines are kept in `rejected`, bounded per source",
          "[db]") {
  MergeFixture f;
  f.row().i64("x", 1).write();
  f.row().text("x", "conflict").write();
  auto rows = f.rows("rejected");
  REQUIRE(rows.size() == 1);
  CHECK(rows[0].time == kNoon);
  CHECK(rows[0].values["source"] == "string:test");
  CHECK(rows[0].values["line"] == "string:the line");
  CHECK(rows[0].values["count"] == "i64:1");
  CHECK(rows[0].values["reason"].find("field type conflict") != std::string::npos);

  WriteRequest flood;
  flood.source = "flood";
  for (size_t i = 0; i < 100; ++i) {
    flood.rejected.push_back({"bad line", std::string(kRejectedLineBytesMax + 1, 'x')});
  }
  take(f.database().write(std::move(flood)));
  const size_t kept = kRejectedMinuteBytesMax / (kRejectedLineBytesMax + 8 + kRejectedRowBytes);
  CHECK(f.rows("rejected").size() == 1 + kept);
  const RowText last = f.rows("rejected").back();
  CHECK(last.values.at("line").size() == 7 + kRejectedLineBytesMax);
  CHECK(last.values.at("cut") == "bool:1");
  CHECK(f.database().counters().rows_rejected == 1 + 100);

  // Lines that the sender only counted.
  WriteRequest counted_lines;
  counted_lines.source = "flood";
  counted_lines.rejected.push_back({"bad line", "", 2});
  counted_lines.rejected.push_back({"worse line", "", 70});
  take(f.database().write(std::move(counted_lines)));
  CHECK(f.rows("rejected").size() == 1 + kept);
  CHECK(f.database().counters().rows_rejected == 1 + 172);

  // The first line of the next minute writes the counts of the omitted lines.
  f.clock().set(kNoon + kMinute);
  WriteRequest next;
  next.source = "flood";
  next.rejected.push_back({"bad line", "y"});
  take(f.database().write(std::move(next)));
  size_t counted = 0;
  for (const RowText& row : f.rows("rejected")) {
    if (row.values.count("line") != 0) continue;
    const bool worse = row.values.at("reason") == "string:worse line";
    CHECK(row.values.at("count") == "i64:" + std::to_string(worse ? 70 : 100 - kept + 2));
    ++counted;
  }
  CHECK(counted == 2);
}

TEST_CASE("schema merge: `rejected` records where a line came in, and an id that never repeats",
          "[db]") {
  MergeFixture f;
  WriteRequest request;
  request.source = "file";
  request.origin = {"/logs/a.csv", "csv",           "",      "audit", "service,host", "when",
                    "s",           "Europe/Berlin", "when,n"};
  request.rejected.push_back({"bad line", "a"});
  request.rejected.push_back({"bad line", "b", 0, true});
  take(f.database().write(std::move(request)));
  WriteRequest second;
  second.rejected.push_back({"bad line", "c"});
  take(f.database().write(std::move(second)));
  const auto rows = f.rows("rejected");
  REQUIRE(rows.size() == 3);
  const std::map<std::string, std::string> expected = {
      {"path", "string:/logs/a.csv"},        {"format", "string:csv"},
      {"tag_keys", "string:service,host"},   {"default_measurement", "string:audit"},
      {"time_keys", "string:when"},          {"time_layout", "string:s"},
      {"time_zone", "string:Europe/Berlin"}, {"header", "string:when,n"}};
  for (const auto& [name, value] : expected) CHECK(rows[0].values.at(name) == value);
  CHECK(rows[0].values.count("precision") == 0);
  CHECK(rows[0].values.at("cut") == "bool:0");
  CHECK(rows[1].values.at("cut") == "bool:1");
  std::set<std::string> ids;
  for (const RowText& row : rows) ids.insert(row.values.at("id"));
  CHECK(ids.size() == 3);
}

TEST_CASE("schema merge: all of `rejected` is bounded, also after the database is reopened",
          "[db]") {
  RejectLog log;
  WriteRequest request;
  request.source = "s";
  Batch out;
  log.set_stored_bytes(kRejectedBytesMax - 100);
  log.add({request, "r", "x"}, kNoon, out);
  log.add({request, "r", "x"}, kNoon, out);
  CHECK(out.row_count() == 1);
  log.set_stored_bytes(0);
  log.add({request, "r", "x"}, kNoon, out);
  CHECK(out.row_count() == 2);
  log.flush(kNoon, true, out);
  CHECK(out.row_count() == 3);  // the count
}

TEST_CASE("schema merge: a retried line is recorded with its row, unless the row is refused",
          "[db]") {
  MergeFixture f;
  f.row().i64("x", 1).write();
  WriteRequest request;
  request.source = "retry";
  RowBatch& rows = request.batch.rows_of("m");
  const std::string_view good = request.batch.copy("good"), bad = request.batch.copy("bad");
  rows.begin_row(kNoon, good);
  rows.set_i64(rows.lane("x", ColumnType::kI64, ColumnKind::kField, 0), 2);
  rows.begin_row(kNoon, bad);
  rows.set_string(rows.lane("x", ColumnType::kString, ColumnKind::kField, 0), "text");
  request.retried = {{7, "tcp", "reason", good}, {8, "tcp", "reason", bad}};
  CHECK(take(f.database().write(std::move(request))).rejected.size() == 1);
  CHECK(f.rows().size() == 2);
  const auto recorded = f.rows("rejected");
  REQUIRE(recorded.size() == 1);
  CHECK(recorded[0].values.at("retried") == "i64:7");
  CHECK(recorded[0].values.at("count") == "i64:0");
  CHECK(recorded[0].values.at("source") == "string:tcp");
  CHECK(f.database().counters().rows_rejected == 0);
}

}  // namespace
}  // namespace tocsin
