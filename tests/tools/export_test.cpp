// Export and import: the imported rows equal the exported ones, bit for bit.
#include "tools/export/export.h"

#include <algorithm>
#include <cmath>
#include <csignal>
#include <functional>
#include <random>

#include <catch2/catch.hpp>
#include <sys/resource.h>

#include "tests/db/db_support.h"
#include "tests/db/random_history.h"
#include "tests/support/memory_database.h"
#include "tests/support/temporary_folder.h"
#include "tests/tools/random_rows.h"
#include "tools/export/output_file.h"
#include "tools/export/query_rows.h"
#include "tools/export/store_rows.h"
#include "tools/import/import.h"

namespace tocsin {
namespace {

using testing::take;

constexpr ExportFormatOptions kLp{ExportFormat::kLineProtocol, false};
constexpr ExportFormatOptions kTypedJson{ExportFormat::kJson, true};
constexpr ExportFormatOptions kTypedCsv{ExportFormat::kCsv, true};
constexpr ExportFormatOptions kJson{ExportFormat::kJson, false};
constexpr ExportFormatOptions kCsv{ExportFormat::kCsv, false};

std::vector<std::string> names_of(const Database& database) {
  std::vector<std::string> names;
  for (const auto& [name, measurement] : database.catalog()->measurements) names.push_back(name);
  return names;
}

struct Exported {
  Result<ExportReport> report;
  std::string text;
};

Exported export_from(const OpenRows& open, const ExportOptions& options) {
  Exported exported;
  exported.report = export_rows(
      open, options,
      [&](std::string_view piece) -> Status {
        exported.text += piece;
        return {};
      },
      [](uint64_t, uint64_t) {});
  return exported;
}

Exported export_all(const Database& database, const ExportFormatOptions& format,
                    bool lossy = false) {
  return export_from([&] { return open_store_rows(database, names_of(database)); },
                     {format, lossy, nullptr});
}

std::string text_of(const Database& database, const ExportFormatOptions& format) {
  Exported exported = export_all(database, format);
  take(std::move(exported.report));
  return exported.text;
}

ImportProgress import_text(Database& database, const test::TemporaryFolder& folder,
                           const std::string& text, const std::string& format,
                           size_t chunk_bytes = 3000) {
  ImportOptions options;
  options.paths = {folder.write("exported/rows", text)};
  options.reader.format = format;
  options.reader.chunk_bytes = chunk_bytes;
  return take(
      import_files(database, take(plan_import(options)), options, [](const ImportProgress&) {}));
}

std::unique_ptr<Database> open_in(const test::TemporaryFolder& folder, const std::string& name) {
  return take(Database::open(folder / name, import_database_options()));
}

void write(Database& database, Batch batch) {
  WriteRequest request;
  request.batch = std::move(batch);
  const WriteReport report = take(database.write(std::move(request)));
  REQUIRE(report.rejected.empty());
}

std::vector<testing::RowText> sorted_rows(const Database& database, const std::string& name) {
  auto rows = take(testing::read_rows(database, name));
  std::ranges::sort(rows);
  return rows;
}

/// Checks that both have the same measurements with the same rows and columns of the same types.
/// With `kinds`, also the kinds of columns, which some formats cannot represent.
void check_same(const Database& a, const Database& b, bool kinds) {
  for (const auto& [name, measurement] : a.catalog()->measurements) {
    INFO("measurement " << name);
    const auto rows = sorted_rows(a, name);
    const bool same_rows = rows == sorted_rows(b, name);  // too many to print
    CHECK(same_rows);
    if (rows.empty()) continue;
    const auto catalog = b.catalog();
    const Measurement* other = catalog->find(name);
    REQUIRE(other != nullptr);
    for (const Column& column : measurement.columns) {
      INFO("column " << column.name);
      const Column* same = other->find(column.name);
      REQUIRE(same != nullptr);
      CHECK(same->type == column.type);
      if (kinds || column.name == "plain") CHECK(same->kind == column.kind);
    }
    CHECK(other->columns.size() == measurement.columns.size());
  }
}

void check_round_trip(unsigned seed, const ExportFormatOptions& format) {
  INFO("seed " << seed);
  std::mt19937 random(seed);
  const bool line_protocol = format.format == ExportFormat::kLineProtocol;
  const test::TemporaryFolder folder;
  const auto original = open_in(folder, "original");
  test::RandomRowsOptions options;
  options.for_line_protocol = line_protocol;
  for (Batch& batch : test::random_rows(random, options)) write(*original, std::move(batch));
  const std::string text = text_of(*original, format);
  const auto copy = open_in(folder, "copy");
  const ImportProgress done =
      import_text(*copy, folder, text, line_protocol ? "lp" : "auto", 500 + random() % 20'000);
  INFO((done.rejected_examples.empty() ? "" : done.rejected_examples[0]));
  CHECK(done.rejected == 0);
  check_same(*original, *copy, !line_protocol);
  // Exporting the copy writes the same text.
  if (!line_protocol) CHECK(text_of(*copy, format).size() == text.size());
}

/// TOCSIN_LONG=n tries n seeds, TOCSIN_SEED=n starts with seed n.
void for_each_seed(const std::function<void(unsigned)>& check) {
  const unsigned first = testing::first_seed();
  const auto count = static_cast<unsigned>(testing::trial_count(40));
  for (unsigned seed = first; seed != first + count; ++seed) check(seed);
}

TEST_CASE("export: line protocol restores random rows exactly", "[export]") {
  for_each_seed([](unsigned seed) { check_round_trip(seed, kLp); });
}

TEST_CASE("export: typed JSON lines restore random rows exactly", "[export]") {
  for_each_seed([](unsigned seed) { check_round_trip(seed, kTypedJson); });
}

TEST_CASE("export: typed CSV restores random rows exactly", "[export]") {
  for_each_seed([](unsigned seed) { check_round_trip(seed, kTypedCsv); });
}

Batch lines(const std::string& text) {
  Batch batch;
  LineErrors errors;
  parse_line_protocol(batch.keep(text), {}, batch, errors);
  REQUIRE(errors.empty());
  return batch;
}

void write_one(Database& database, const std::string& measurement, const std::string& column,
               double value, Timestamp time) {
  Batch batch;
  RowBatch& rows = batch.rows_of(measurement);
  rows.begin_row(time);
  rows.set_f64(rows.lane(column, ColumnType::kF64, ColumnKind::kField, 0), value);
  write(database, std::move(batch));
}

/// The rows of a query as line protocol, or the error message.
std::string query_text(const Database& database, const QueryRowsOptions& options) {
  DatabaseOptions reading;
  reading.read_only = true;
  const auto open = [&] {
    return open_query_rows([&] { return Database::open(database.directory(), reading); }, options);
  };
  Exported exported = export_from(open, {});
  return exported.report ? exported.text : exported.report.error().message;
}

TEST_CASE("export: overlapping segments are merged, and each is released after its last row",
          "[export]") {
  const auto whole = [](std::vector<int64_t> numbers) {
    std::vector<Value> values;
    for (const int64_t number : numbers) values.push_back(Value::of(number));
    return values;
  };
  MemoryDatabase database;
  const uint64_t first = database.add_segment("m", {1, 3, 5}, {{"n", whole({1, 2, 5})}});
  database.add_segment("m", {3, 3, 9}, {{"n", whole({3, 4, 7})}});
  database.add_segment("a", {5, 7}, {{"n", whole({6, 0})}});
  database.add_segment("empty", {}, {});
  const auto source = take(open_store_rows(database, {"m", "a", "empty", "none"}));
  std::weak_ptr<const Segment> weak;
  for (const auto& segment : take(database.snapshot({{"m"}, {}})).segments) {
    if (segment->info().id == first) weak = segment;
  }
  database.remove_segment(first);
  std::string numbers;
  ExportRow row;
  while (take(source->next(row))) {
    numbers += std::to_string(row.cells.at(0).i64()) + (weak.expired() ? "." : " ");
  }
  CHECK(numbers == "1 2 3 4 5 6.0.7.");
  CHECK(source->done() == source->total());
  CHECK(source->measurements().size() == 2);
}

TEST_CASE("export: each format writes the expected text", "[export]") {
  const test::TemporaryFolder folder;
  const auto database = open_in(folder, "data");
  write(*database, lines("b,t=x\\ y i=-5i,u=7u,f=2,b=f,s=\"a\n\\\"b\" 2000000001\na _=t 1\n"));
  CHECK(text_of(*database, kLp) ==
        "a _=t 1\nb,t=x\\ y i=-5i,u=7u,f=2,b=false,s=\"a\n\\\"b\" 2000000001\n");
  CHECK(text_of(*database, kJson) ==
        "{\"measurement\":\"a\",\"time\":\"1970-01-01T00:00:00.000000001Z\"}\n"
        "{\"measurement\":\"b\",\"time\":\"1970-01-01T00:00:02.000000001Z\",\"t\":\"x "
        "y\",\"i\":-5,\"u\":7,"
        "\"f\":2.0,\"b\":false,\"s\":\"a\\n\\\"b\"}\n");
  CHECK(text_of(*database, kTypedCsv) ==
        "#measurement,time,string tag,i64 field,u64 field,f64 field,bool field,string field\r\n"
        "measurement,time,t,i,u,f,b,s\r\n"
        "a,1970-01-01T00:00:00.000000001Z,,,,,,\r\n"
        "b,1970-01-01T00:00:02.000000001Z,x y,-5,7,2,false,\"a\n\"\"b\"\r\n");
}

TEST_CASE("export: a typed file marks exactly the columns with values that are not text",
          "[export]") {
  const test::TemporaryFolder folder;
  const auto database = open_in(folder, "data");
  write(*database, lines("a,t=x s=\"base64:\",z=\"\xff\" 1\nb s=\"\",z=\"y\" 2\na z=\"\" 3\n"));
  const std::string csv = text_of(*database, kTypedCsv);
  CHECK(csv ==
        "#measurement,time,string tag,string field,string field base64\r\n"
        "measurement,time,t,s,z\r\n"
        "a,1970-01-01T00:00:00.000000001Z,x,base64:,/w==\r\n"
        "b,1970-01-01T00:00:00.000000002Z,,\"\",eQ==\r\n"
        "a,1970-01-01T00:00:00.000000003Z,,,\"\"\r\n");
  const std::string json = text_of(*database, kTypedJson);
  CHECK(json ==
        "{\"tocsin_columns\":{\"a\":{\"t\":\"string tag\",\"s\":\"string field\","
        "\"z\":\"string field base64\"},"
        "\"b\":{\"s\":\"string field\",\"z\":\"string field\"}}}\n"
        "{\"measurement\":\"a\",\"time\":\"1970-01-01T00:00:00.000000001Z\",\"t\":\"x\","
        "\"s\":\"base64:\",\"z\":\"/w==\"}\n"
        "{\"measurement\":\"b\",\"time\":\"1970-01-01T00:00:00.000000002Z\",\"s\":\"\","
        "\"z\":\"y\"}\n"
        "{\"measurement\":\"a\",\"time\":\"1970-01-01T00:00:00.000000003Z\",\"z\":\"\"}\n");
  for (const auto& [format, text] : {std::pair("csv", csv), std::pair("json", json)}) {
    const auto again = open_in(folder, std::string("again-") + format);
    import_text(*again, folder, text, format);
    CHECK(text_of(*again, kTypedCsv) == csv);
  }
}

TEST_CASE("export: bytes written after the columns were marked are a loss", "[export]") {
  const test::TemporaryFolder folder;
  const auto before = open_in(folder, "before");
  const auto after = open_in(folder, "after");
  write(*before, lines("m s=\"a\" 1\n"));
  write(*after, lines("m s=\"a\" 1\nm s=\"\xff\" 2\n"));
  int times = 0;
  const auto open = [&] { return open_store_rows(times++ == 0 ? *before : *after, {"m"}); };
  const Exported exported = export_from(open, {kTypedCsv, false, nullptr});
  REQUIRE_FALSE(exported.report);
  CHECK(exported.report.error().message ==
        "this format cannot represent 1 texts that are not valid UTF-8, written with U+FFFD (the "
        "first: `s` of `m` at 1970-01-01T00:00:00.000000002Z); --lossy skips them");
}

TEST_CASE("export: plain CSV has one column per name, typed CSV one per name and type",
          "[export]") {
  const test::TemporaryFolder folder;
  const auto database = open_in(folder, "data");
  write(*database, lines("a x=1i 1\nb x=\"\" 2\n"));
  CHECK(text_of(*database, kCsv) ==
        "measurement,time,x\r\na,1970-01-01T00:00:00.000000001Z,1\r\n"
        "b,1970-01-01T00:00:00.000000002Z,\"\"\r\n");
  CHECK(text_of(*database, kTypedCsv) ==
        "#measurement,time,i64 field,string field\r\nmeasurement,time,x,x\r\n"
        "a,1970-01-01T00:00:00.000000001Z,1,\r\nb,1970-01-01T00:00:00.000000002Z,,\"\"\r\n");
}

TEST_CASE(
    "export: values that line protocol cannot represent are counted and stop it, unless lossy",
    "[export]") {
  const test::TemporaryFolder folder;
  const auto database = open_in(folder, "data");
  write(*database, lines("a x=1 1000000000\n"));
  write_one(*database, "a", "x", NAN, 2 * kSecond);
  write_one(*database, "a", "x", INFINITY, 3 * kSecond);
  write_one(*database, "a", "two\nlines", 1, 4 * kSecond);
  write_one(*database, "#a", "x", 1, 5 * kSecond);
  const Exported stopped = export_all(*database, kLp);
  REQUIRE(!stopped.report);
  CHECK(
      stopped.report.error().message ==
      "line protocol cannot represent 2 values that are NaN or infinite (the first: `x` of `a` at "
      "1970-01-01T00:00:02Z); 1 values in columns whose names line protocol cannot represent "
      "(the first: `two\nlines` of `a` at 1970-01-01T00:00:04Z); 1 rows of measurements whose "
      "names line protocol cannot represent (the first: `#a` at 1970-01-01T00:00:05Z); --lossy "
      "skips them, and --format json --typed or csv --typed can represent them");
  CHECK(stopped.text.empty());
  const Exported lossy = export_all(*database, kLp, true);
  REQUIRE(lossy.report);
  CHECK(lossy.report->losses.total() == 4);
  CHECK(lossy.text == "a x=1 1000000000\na _=t 2000000000\na _=t 3000000000\na _=t 4000000000\n");
  const Exported plain = export_all(*database, kCsv);
  REQUIRE(plain.report);  // succeeds, and reports the losses
  CHECK(plain.report->losses.text() ==
        "2 values that are NaN or infinite, written as null (the first: `x` of `a` at "
        "1970-01-01T00:00:02Z)");
}

TEST_CASE("export: a row that is too long to be imported is a loss", "[export]") {
  const test::TemporaryFolder folder;
  const auto database = open_in(folder, "data");
  const std::string quotes(1 << 20, '"');  // twice as long in every format
  Batch batch;
  RowBatch& rows = batch.rows_of("m");
  for (int columns = 1; columns <= 2; ++columns) {
    rows.begin_row(columns);
    for (int i = 0; i < columns; ++i) {
      rows.set_string(
          rows.lane("c" + std::to_string(i), ColumnType::kString, ColumnKind::kField, 0), quotes);
    }
  }
  write(*database, std::move(batch));
  for (const ExportFormatOptions& format : {kLp, kTypedJson, kTypedCsv}) {
    const Exported stopped = export_all(*database, format);
    REQUIRE(!stopped.report);
    CHECK(stopped.report.error().message.find("1 rows of more than 4 MiB") != std::string::npos);
    const Exported lossy = export_all(*database, format, true);
    REQUIRE(lossy.report);
    const auto copy = open_in(folder, "copy" + std::to_string(static_cast<int>(format.format)));
    CHECK(import_text(*copy, folder, lossy.text, "auto").events == 1);
  }
}

TEST_CASE("export: the rows of a query keep their types, tags and order, slice by slice",
          "[export]") {
  const test::TemporaryFolder folder;
  const auto database = open_in(folder, "data");
  std::string text;
  for (int i = 0; i < 3000; ++i) {
    text += "m,t=a n=" + std::to_string(i) + "i,s=\"" + std::string(200, 'x') + "\" " +
            std::to_string(i * kMinute) + "\n";
  }
  write(*database, lines(text));
  REQUIRE(database->seal());
  QueryRowsOptions options;
  options.text = "from m";
  CHECK(query_text(*database, options) == text);
  options.slice_bytes_max = 200'000;
  CHECK(query_text(*database, options) == text);
  options.text = "from m | where n >= 2999 | let k = n * 2 | drop s";
  CHECK(query_text(*database, options) == "m,t=a n=2999i,k=5998i 179940000000000\n");
  options.text = "from m | limit 1 | keep time, n";
  CHECK(query_text(*database, options).find("name one with --measurement") != std::string::npos);
  options.measurement = "other";
  CHECK(query_text(*database, options) == "other n=0i 0\n");
  options.text = "from m | stats n = count() by time(1d)";
  CHECK(query_text(*database, options) ==
        "other n=1440i 0\nother n=1440i 86400000000000\nother n=120i 172800000000000\n");
  options.text = "from m | keep time";
  options.query.memory_bytes_max = 1;  // even a single instant is too much
  options.slice_bytes_max = 1;
  CHECK(query_text(*database, options).find("needs more than 1 MiB of memory") !=
        std::string::npos);
}

TEST_CASE("export: a query merges the columns of several measurements", "[export]") {
  const test::TemporaryFolder folder;
  const auto database = open_in(folder, "data");
  write(*database, lines("a,t=x n=1i 1\nb n=2.5,t=\"y\" 2\n"));
  QueryRowsOptions options;
  options.text = "from *";
  CHECK(query_text(*database, options) == "a,t=x n=1 1\nb t=\"y\",n=2.5 2\n");
  options.text = "from a, b | where n > 100";
  CHECK(query_text(*database, options).empty());
}

// Name, type and kind of each column, in order.
std::vector<std::string> columns_of(const Database& database, const std::string& measurement) {
  std::vector<std::string> out;
  const auto catalog = database.catalog();
  for (const Column& column : catalog->find(measurement)->columns) {
    out.push_back(column.name + ' ' + name_of(column.type) + ' ' + name_of(column.kind));
  }
  return out;
}

// `level` and `id` have values of several types, of which not the first is the earliest.
void write_siblings(Database& database) {
  Batch batch(ConflictPolicy::kKeepInRest);
  RowBatch& rows = batch.rows_of("app");
  const auto lane = [&](const char* name, ColumnType type, ColumnKind kind = ColumnKind::kField) {
    return rows.lane(name, type, kind, 0);
  };
  rows.begin_row(50);
  rows.set_i64(lane("level", ColumnType::kI64), 30);
  rows.set_i64(lane("id", ColumnType::kI64), (int64_t{1} << 53) + 1);
  rows.begin_row(40);
  rows.set_string(lane("level", ColumnType::kString, ColumnKind::kTag), "err,or\n");
  rows.set_f64(lane("id", ColumnType::kF64), 0.5);
  rows.begin_row(30);
  rows.set_bool(lane("level", ColumnType::kBool), true);
  rows.set_u64(lane("id", ColumnType::kU64), UINT64_MAX);
  rows.begin_row(20);
  rows.set_string(lane("level#string", ColumnType::kString), "a name like a key");
  rows.set_string(lane("id", ColumnType::kString), std::string_view("\0", 1));
  rows.begin_row(10);
  rows.set_f64(lane("id", ColumnType::kF64), 2);
  write(database, std::move(batch));
}

TEST_CASE("export: typed files restore columns with values of several types", "[export]") {
  const test::TemporaryFolder folder;
  const auto original = open_in(folder, "original");
  write_siblings(*original);
  CHECK(columns_of(*original, "app").size() == 8);
  for (const ExportFormatOptions& format : {kTypedJson, kTypedCsv}) {
    const std::string text = text_of(*original, format);
    INFO(text);
    // A few bytes at a time, so that every row is written alone.
    const std::string name = format.format == ExportFormat::kCsv ? "csv" : "json";
    const auto copy = open_in(folder, name);
    const ImportProgress done = import_text(*copy, folder, text, "auto", 300);
    INFO((done.rejected_examples.empty() ? "" : done.rejected_examples[0]));
    CHECK(done.rejected == 0);
    CHECK(sorted_rows(*copy, "app") == sorted_rows(*original, "app"));
    auto restored = columns_of(*copy, "app");
    auto expected = columns_of(*original, "app");
    for (auto* columns : {&restored, &expected}) std::ranges::sort(*columns);
    CHECK(restored == expected);
    const auto catalog = copy->catalog();
    CHECK(catalog->find("app")->find("level")->type == ColumnType::kI64);
    CHECK(catalog->find("app")->find("id")->type == ColumnType::kI64);
    CHECK(text_of(*copy, format).size() == text.size());
  }
}

TEST_CASE("export: the rows of a query keep values of several types", "[export]") {
  const test::TemporaryFolder folder;
  {
    const auto original = open_in(folder, "original");
    write_siblings(*original);
    write(*original, lines("other level=\"x\" 60\nother level=\"y\" 5"));
  }
  DatabaseOptions reading;
  reading.read_only = true;
  QueryRowsOptions query;
  query.text = "from app, other | drop id, `level#string`";
  const auto open = [&] {
    return open_query_rows([&] { return Database::open(folder / "original", reading); }, query);
  };
  Exported exported = export_from(open, {kTypedJson, false, nullptr});
  take(std::move(exported.report));
  const auto copy = open_in(folder, "copy");
  CHECK(import_text(*copy, folder, exported.text, "auto").rejected == 0);
  const auto catalog = copy->catalog();
  CHECK(catalog->find("app")->find("level")->type == ColumnType::kI64);
  CHECK(catalog->find("other")->find("level")->type == ColumnType::kString);
  CHECK(sorted_rows(*copy, "app")[3].values.at("level") == "string:err,or\n");
  CHECK(sorted_rows(*copy, "other")[1].values.at("level") == "string:x");
}

TEST_CASE("export: a query that replaces a column replaces the values of all its types",
          "[export]") {
  const test::TemporaryFolder folder;
  write_siblings(*open_in(folder, "original"));
  DatabaseOptions reading;
  reading.read_only = true;
  QueryRowsOptions query;
  query.text = "from app | let level = 1 | sort -time | limit 2 | drop id, `level#string`";
  const auto open = [&] {
    return open_query_rows([&] { return Database::open(folder / "original", reading); }, query);
  };
  Exported exported = export_from(open, {kTypedJson, false, nullptr});
  take(std::move(exported.report));
  CHECK(exported.text ==
        "{\"tocsin_columns\":{\"app\":{\"level\":\"i64 field\"}}}\n"
        "{\"measurement\":\"app\",\"time\":\"1970-01-01T00:00:00.000000050Z\",\"level\":1}\n"
        "{\"measurement\":\"app\",\"time\":\"1970-01-01T00:00:00.000000040Z\",\"level\":1}\n");
}

TEST_CASE("export: line protocol holds the first type of a column only", "[export]") {
  const test::TemporaryFolder folder;
  const auto original = open_in(folder, "original");
  write_siblings(*original);
  const Exported exported = export_all(*original, kLp);
  REQUIRE_FALSE(exported.report);
  CHECK(exported.report.error().message.starts_with(
      "line protocol cannot represent 6 values that are not of the first type of their column"));
}

TEST_CASE("import: line protocol keeps values of several types", "[export]") {
  const test::TemporaryFolder folder;
  const auto database = open_in(folder, "data");
  CHECK(import_text(*database, folder, "app level=30i 1\napp level=\"error\" 2\n", "lp").rejected ==
        0);
  CHECK(sorted_rows(*database, "app")[1].values.at("level") == "string:error");
}

TEST_CASE("export: reaching the file size limit is reported as a full disk", "[export]") {
  const test::TemporaryFolder folder;
  auto file = take(OutputFile::open(folder.path("out")));
  std::signal(SIGXFSZ, SIG_IGN);
  rlimit before{};
  REQUIRE(getrlimit(RLIMIT_FSIZE, &before) == 0);
  const rlimit tight{4096, before.rlim_max};
  REQUIRE(setrlimit(RLIMIT_FSIZE, &tight) == 0);
  const Status status = file->write(std::string(8192, 'x'));
  REQUIRE(setrlimit(RLIMIT_FSIZE, &before) == 0);
  REQUIRE_FALSE(status);
  CHECK(status.error().code == ErrorCode::kDiskFull);
}

TEST_CASE("export: an empty database exports only the header", "[export]") {
  const test::TemporaryFolder folder;
  const auto database = open_in(folder, "data");
  CHECK(text_of(*database, kLp).empty());
  CHECK(text_of(*database, kJson).empty());
  CHECK(text_of(*database, kCsv) == "measurement,time\r\n");
  CHECK(text_of(*database, kTypedCsv) == "#measurement,time\r\nmeasurement,time\r\n");
  for (const ExportFormatOptions& format : {kTypedJson, kTypedCsv}) {
    CHECK(import_text(*database, folder, text_of(*database, format), "auto").rejected == 0);
  }
}

}  // namespace
}  // namespace tocsin
