// Bulk import: chunks of whole lines, every row durable, every rejected line counted.
#include "tools/import/import.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <random>

#include <catch2/catch.hpp>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include "net/parse/framer.h"
#include "tests/support/temporary_folder.h"
#include "tools/export/export.h"
#include "tools/export/store_rows.h"
#include "tools/import/progress_line.h"
#include "tools/terminal/text.h"

namespace tocsin {
namespace {

// Files without times are planned, too.
Result<ImportPlan> plan_of(const std::vector<std::string>& paths, ChunkReaderOptions reader = {}) {
  ImportOptions options;
  options.paths = paths;
  options.reader = std::move(reader);
  options.time_now = true;
  return plan_import(options);
}

std::vector<Chunk> chunks_of(const std::string& path, const ChunkReaderOptions& options = {}) {
  std::vector<Chunk> chunks;
  auto plan = plan_of({path}, options);
  REQUIRE(plan);
  ChunkReader reader(std::move(plan->files), options);
  while (true) {
    auto chunk = reader.next();
    REQUIRE(chunk);
    if (!*chunk) return chunks;
    chunks.push_back(std::move(**chunk));
  }
}

Result<ImportProgress> import_all(Database& database, const ImportOptions& options) {
  TOCSIN_TRY(ImportPlan plan, plan_import(options));
  return import_files(database, std::move(plan), options, [](const ImportProgress&) {});
}

size_t stored_rows(const Database& database, const std::string& measurement) {
  const auto snapshot = database.snapshot({{measurement}, {}});
  REQUIRE(snapshot);
  size_t count = 0;
  for (const auto& segment : snapshot->segments) count += segment->info().row_count;
  return count;
}

std::string json_lines(int count) {
  std::string text;
  for (int i = 0; i < count; ++i) {
    text += R"({"log_timestamp":"2026-11-20T10:00:00.)" + std::to_string(100000 + i) +
            R"(Z","service":"pay","id":)" + std::to_string(i) + "}\n";
  }
  return text;
}

std::string gzip(const std::string& text) {
  std::string packed(compressBound(text.size()) + 64, '\0');
  z_stream stream{};
  REQUIRE(deflateInit2(&stream, 6, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY) == Z_OK);
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_out = static_cast<uInt>(packed.size());
  REQUIRE(deflate(&stream, Z_FINISH) == Z_STREAM_END);
  packed.resize(packed.size() - stream.avail_out);
  deflateEnd(&stream);
  return packed;
}

struct Imported {
  ImportProgress report;
  std::string exported;  // all rows except those of `rejected`, as line protocol
};

Imported import_text(const std::string& text, size_t chunk_bytes, unsigned parser_count) {
  test::TemporaryFolder folder;
  const auto database = Database::open(folder / "data", import_database_options());
  REQUIRE(database);
  ImportOptions options;
  folder.write("logs/a.lp", text);
  std::filesystem::current_path(
      folder / "logs");  // a relative path, so that results do not depend on the directory
  options.paths = {"a.lp"};
  options.reader.chunk_bytes = chunk_bytes;
  options.parser_count = parser_count;
  const auto report = import_all(**database, options);
  REQUIRE(report);
  Imported imported{*report, ""};
  std::vector<std::string> names;
  for (const auto& [name, measurement] : (*database)->catalog()->measurements) {
    if (name != "rejected") names.push_back(name);
  }
  REQUIRE(export_rows([&] { return open_store_rows(**database, names); },
                      {{ExportFormat::kLineProtocol, false}, true, nullptr},
                      [&](std::string_view piece) -> Status {
                        imported.exported += piece;
                        return {};
                      },
                      [](uint64_t, uint64_t) {}));
  return imported;
}

}  // namespace

TEST_CASE("chunk reader: chunks end with whole lines and know their line numbers", "[import]") {
  test::TemporaryFolder folder;
  const std::string text = json_lines(1000);
  const std::string path = folder.write("audit/a.json", text + "{\"last\":1}");
  const auto chunks = chunks_of(path, {"auto", "", 1000});
  CHECK(chunks.size() > 10);
  std::string joined;
  uint64_t line = 1;
  for (const Chunk& chunk : chunks) {
    CHECK(chunk.measurement == "audit");
    CHECK(chunk.format == InputFormat::kJson);
    CHECK(chunk.first_line == line);
    line += static_cast<uint64_t>(std::count(chunk.lines.begin(), chunk.lines.end(), '\n'));
    joined += chunk.lines;
  }
  CHECK(joined == text + "{\"last\":1}");
}

TEST_CASE("chunk reader: the format is detected from the first line, unless it is given",
          "[import]") {
  test::TemporaryFolder folder;
  const auto format_of = [&](const std::string& text, const std::string& format = "auto") {
    return chunks_of(folder.write("x/file", text), {format, "", 1000}).front().format;
  };
  CHECK(format_of("audit n=1i\n") == InputFormat::kLineProtocol);
  CHECK(format_of("# comment\naudit n=1i\n") == InputFormat::kLineProtocol);
  CHECK(format_of("\n  {\"n\":1}\n") == InputFormat::kJson);
  CHECK(format_of("{\"n\":1}\n", "lp") == InputFormat::kLineProtocol);
  CHECK(format_of("time,service\n1,pay\n") == InputFormat::kCsv);
  CHECK(format_of("#measurement,time\nmeasurement,time\n") == InputFormat::kCsv);
  CHECK(format_of("audit,service=pay n=1i\n", "csv") == InputFormat::kCsv);
  CHECK(format_of("{\"tocsin_columns\":{}}\n") == InputFormat::kTypedJson);
  CHECK(chunks_of(folder.write("x/one.csv", "time\n1\n")).front().format == InputFormat::kCsv);
}

TEST_CASE("chunk reader: a byte order mark before the first line is dropped", "[import]") {
  test::TemporaryFolder folder;
  const auto chunk_of = [&](const std::string& name, const std::string& text) {
    auto chunks = chunks_of(folder.write("x/" + name, "\xEF\xBB\xBF" + text));
    return std::move(chunks.front());
  };
  CHECK(chunk_of("file", "{\"n\":1}\n").format == InputFormat::kJson);
  CHECK(chunk_of("file", "{\"n\":1}\n").lines == "{\"n\":1}\n");
  CHECK(chunk_of("a.csv", "time,n\n1,2\n").header->csv.columns.front().name == "time");
}

TEST_CASE("chunk reader: a line that is too long is cut into pieces, which the parser rejects",
          "[import]") {
  test::TemporaryFolder folder;
  const std::string path = folder.write("a.lp", "audit n=1i\n" + std::string(9 << 20, 'x') + "\n");
  size_t bytes = 0;
  for (const Chunk& chunk : chunks_of(path, {"lp", "", 100})) {
    CHECK(chunk.lines.size() <= 4 * kLineBytesMax);
    bytes += chunk.lines.size();
  }
  CHECK(bytes == 11 + (9 << 20) + 1);
}

TEST_CASE("chunk reader: a header is removed from the first chunk and passed with all chunks",
          "[import]") {
  test::TemporaryFolder folder;
  std::string rows;
  for (int i = 0; i < 300; ++i) rows += "\"two\nlines\"," + std::to_string(i) + "\n";
  const std::string path = folder.write("orders/a.csv", "\n\r\nmessage,n\n" + rows);
  std::string joined;
  uint64_t line = 4;
  for (const Chunk& chunk : chunks_of(path, {"auto", "", 50})) {
    REQUIRE(chunk.header);
    CHECK(chunk.header->csv.columns.size() == 2);
    CHECK(chunk.first_line == line);
    CHECK(chunk.measurement == "orders");
    line += static_cast<uint64_t>(std::count(chunk.lines.begin(), chunk.lines.end(), '\n'));
    joined += chunk.lines;
  }
  CHECK(joined == rows);
  CHECK(chunks_of(folder.write("orders/blank.csv", "\n\n \n"), {"auto", "", 2}).empty());
  const auto wrong = folder.write("orders/wrong", "{\"tocsin_columns\":1}\n");
  auto plan = plan_of({wrong});
  REQUIRE(plan);
  ChunkReader reader(std::move(plan->files), {});
  const auto chunk = reader.next();
  REQUIRE(!chunk);
  CHECK(chunk.error().message.starts_with(wrong));
}

TEST_CASE("plan: a directory is replaced by its log files, and the others are named", "[import]") {
  test::TemporaryFolder folder;
  folder.write("logs/b/2.json", "{}");
  folder.write("logs/a/1.json", "{}");
  folder.write("logs/a/1.log.2", "{}");
  folder.write("logs/a/2.log-20261102", "{}");
  folder.write("logs/a/1.labels", "no log");
  folder.write("logs/a/other", "no log");
  folder.write("logs/b/table.csv", "PAR1....");
  const auto plan = plan_of({folder / "logs"});
  REQUIRE(plan);
  std::vector<std::string> paths;
  for (const PlannedFile& file : plan->files) paths.push_back(file.path);
  CHECK(paths == std::vector<std::string>{folder / "logs/a/1.json", folder / "logs/a/1.log.2",
                                          folder / "logs/a/2.log-20261102",
                                          folder / "logs/b/2.json"});
  CHECK(total_bytes(plan->files) == 8);
  REQUIRE(plan->notes.size() == 2);
  std::string notes = plan->notes[0] + "\n" + plan->notes[1];
  for (const char* part : {"a/1.labels", "a/other", "does not end in", "b/table.csv", "Parquet"}) {
    CAPTURE(notes, part);
    CHECK(notes.find(part) != std::string::npos);
  }
  const auto missing = plan_of({folder / "other"});
  REQUIRE(!missing);
  CHECK(missing.error().message.find("other") != std::string::npos);
}

TEST_CASE("plan: a file that cannot be read is refused with what to do", "[import]") {
  test::TemporaryFolder folder;
  const auto error_of = [&](const std::string& text) {
    const auto plan = plan_of({folder.write("logs/file", text)});
    return plan ? "" : plan.error().message;
  };
  CHECK(error_of("PAR1\x15").find("is a Parquet file: convert it") != std::string::npos);
  CHECK(error_of(std::string(257, 'x') + "ustar").find("tar -xf") != std::string::npos);
  CHECK(error_of("2026-11-02T08:15:04Z,edge,200\n").find("--no-header") != std::string::npos);
  CHECK(error_of("\x1f\x8bgarbage").find("the gzip data is damaged") != std::string::npos);
  std::string packed = "n";
  for (int i = 0; i < 4; ++i) packed = gzip(packed);
  CHECK(error_of(packed).find("compressed more than 3 times") != std::string::npos);
}

TEST_CASE("plan: a file in which no row has a time is refused, unless the current time is accepted",
          "[import]") {
  test::TemporaryFolder folder;
  const auto error_of = [&](const std::string& text, bool time_now = false) {
    ImportOptions options;
    options.paths = {folder.write("logs/good.json", json_lines(1)),
                     folder.write("logs/file", text)};
    options.time_now = time_now;
    const auto plan = plan_import(options);
    return plan ? "" : plan.error().message;
  };
  const std::string keyless = R"({"created":"2026-11-02T08:15:04Z","n":1})";
  CHECK(error_of(keyless).find("`created`, `n`; name the one with the time: --time KEY") !=
        std::string::npos);
  CHECK(error_of(keyless).find("--time now") != std::string::npos);
  CHECK(error_of("audit n=1i\naudit n=2i\n").find("any of its 2 rows") != std::string::npos);
  CHECK(error_of("hello world again\n").find("plain text") != std::string::npos);
  CHECK(error_of("service,n\npay,1\n").find("`n`, `service`") != std::string::npos);
  for (const std::string& text : {keyless, std::string("audit n=1i\n"), std::string("a b c\n")}) {
    CHECK(error_of(text, true).empty());
  }
  CHECK(error_of("audit n=1i\naudit n=2i 1764000000000000000\n").empty());
  CHECK(error_of("").empty());
  CHECK(error_of("{\"broken\":\n").empty());
}

TEST_CASE("plan: what a file exported counts as a time, however old", "[import]") {
  test::TemporaryFolder folder;
  const auto is_accepted = [&](const std::string& name, const std::string& text) {
    ImportOptions options;
    options.paths = {folder.write("logs/" + name, text)};
    return plan_import(options).has_value();
  };
  CHECK(is_accepted("a.lp", "m n=1i -9223372036854775808\n"));
  CHECK(is_accepted("a.lp", "m n=1i 0\n"));
  CHECK(is_accepted("file", "m n=1i 1\n"));
  CHECK(is_accepted("a.csv", "#measurement,time,i64 field\nmeasurement,time,n\nm,1,1\n"));
  CHECK(!is_accepted("a.json", "{\"time\":1,\"n\":1}\n"));
}

TEST_CASE("plan: timestamps of line protocol that look like another unit are named", "[import]") {
  test::TemporaryFolder folder;
  const auto notes_of = [&](const std::string& text) {
    const auto plan = plan_of({folder.write("logs/a.lp", text)});
    REQUIRE(plan);
    return plan->notes.size();
  };
  CHECK(notes_of("m n=1i 1764000000\n") == 1);
  CHECK(notes_of("m n=1i 1764000000000\nm n=2i 1764000000001\n") == 1);
  CHECK(notes_of("m n=1i 1764000000000000\n") == 1);
  CHECK(notes_of("m n=1i 1764000000000000000\n") == 0);
  CHECK(notes_of("m n=1i 1764000000\nm n=2i 1764000000000000000\n") == 0);
  CHECK(notes_of("m n=1i 1\n") == 0);
  CHECK(notes_of("m n=1i -1764000000\n") == 0);
}

TEST_CASE("plan: only whole lines of the first 64 KiB are evidence, and any event of an array",
          "[import]") {
  test::TemporaryFolder folder;
  const auto is_accepted = [&](const std::string& name, const std::string& text) {
    ImportOptions options;
    options.paths = {folder.write("logs/" + name, text)};
    return plan_import(options).has_value();
  };
  const std::string values(100'000, '1');
  CHECK(is_accepted("a.lp", "m a=1i,b=\"" + values + "\" 1764000000000000000\n"));
  std::string array = "[";
  for (int i = 0; i < 20'000; ++i) array += "{\"n\":1},";
  CHECK(!is_accepted("a.json", array + "{}]"));
  CHECK(is_accepted("b.json", "[{\"time\":1764000000,\"n\":1}," + array.substr(1) + "{}]"));
}

TEST_CASE("import: JSON lines in a text file are events", "[import]") {
  test::TemporaryFolder folder;
  std::string text;
  for (int i = 0; i < 100; ++i) {
    text +=
        "2026-11-02T08:15:04Z up again\n  at A\n{\"time\":\"2026-11-03T08:15:04Z\",\"n\":1}\n  at "
        "B\n";
  }
  const auto rows_of = [&](const std::string& format, size_t chunk_bytes) {
    const auto database =
        Database::open(folder / (format + std::to_string(chunk_bytes)), import_database_options());
    REQUIRE(database);
    ImportOptions options;
    options.paths = {folder.write("app/a.log", text)};
    options.reader.format = format;
    options.reader.chunk_bytes = chunk_bytes;
    REQUIRE(import_all(**database, options));
    const auto snapshot = (*database)->snapshot({{"app"}, {}});
    REQUIRE(snapshot);
    std::map<Timestamp, size_t> rows;
    for (const auto& segment : snapshot->segments) {
      std::vector<Timestamp> times(segment->info().row_count);
      REQUIRE(segment->read_times(0, times));
      for (const Timestamp time : times) ++rows[time];
    }
    return rows;
  };
  const auto rows = rows_of("auto", size_t{1} << 20);
  const Timestamp day = 1'793'577'600 * kSecond + 8 * kHour + 15 * kMinute + 4 * kSecond;
  CHECK(rows == std::map<Timestamp, size_t>{{day, 200}, {day + kDay, 100}});
  CHECK(rows_of("auto", 150) == rows);
  CHECK(rows_of("text", 150) == std::map<Timestamp, size_t>{{day, 100}, {day + kDay, 100}});
}

TEST_CASE("import: compressed and converted files give the same rows", "[import]") {
  test::TemporaryFolder folder;
  const std::string text = json_lines(2000);
  const std::string wide = [&] {
    std::string out = "\xff\xfe";
    for (const char c : text) out += {c, '\0'};
    return out;
  }();
  const std::string packed = gzip(text);
  std::string zstd(ZSTD_compressBound(text.size()), '\0');
  zstd.resize(ZSTD_compress(zstd.data(), zstd.size(), text.data(), text.size(), 3));
  const auto read_back = [&](const std::string& bytes, const std::string& name) {
    std::string joined;
    uint64_t input = 0;
    for (const Chunk& chunk : chunks_of(folder.write("audit/" + name, bytes), {"auto", "", 5000})) {
      CHECK(chunk.format == InputFormat::kJson);
      joined += chunk.lines;
      input += chunk.input_bytes;
    }
    CHECK(input == bytes.size());
    return joined;
  };
  CHECK(read_back(packed, "a.json.gz") == text);
  CHECK(read_back(packed + packed, "b.json.gz") == text + text);
  CHECK(read_back(packed + std::string(100, '\0'), "c.json.gz") == text);
  CHECK(read_back(zstd + zstd, "a.json.zst") == text + text);
  CHECK(read_back(wide, "a.json") == text);
  CHECK(read_back("\xEF\xBB\xBF" + std::string(100'000, '\0') + text, "c.json") == text);
  CHECK(read_back(text, "b.json") == text);
  std::string returns = text;
  std::replace(returns.begin(), returns.end(), '\n', '\r');
  CHECK(read_back(returns, "d.json") == text);
  CHECK(read_back(gzip(returns), "d.json.gz") == text);
}

TEST_CASE("import: damaged compressed files are reported", "[import]") {
  test::TemporaryFolder folder;
  const std::string text = json_lines(20'000);  // longer than what decides the format
  std::string zstd(ZSTD_compressBound(text.size()), '\0');
  zstd.resize(ZSTD_compress(zstd.data(), zstd.size(), text.data(), text.size(), 3));
  zstd.resize(zstd.size() - 10);
  const auto database = Database::open(folder / "data", import_database_options());
  REQUIRE(database);
  ImportOptions options;
  options.paths = {folder.write("audit/a.json.zst", zstd)};
  const auto done = import_all(**database, options);
  REQUIRE(!done);
  CHECK(done.error().message.find("the zstd data is damaged or ends too early") !=
        std::string::npos);
}

TEST_CASE("import: events of several lines are whole, however the file is cut", "[import]") {
  test::TemporaryFolder folder;
  std::string text;
  for (int i = 0; i < 100; ++i) {
    text +=
        "2026-11-02T08:15:04Z ERROR failed\n  at A.b(A.java:" + std::to_string(i) + ")\n  at C\n";
  }
  for (const size_t chunk_bytes : {100, 333, 1 << 20}) {
    const auto database =
        Database::open(folder / ("data" + std::to_string(chunk_bytes)), import_database_options());
    REQUIRE(database);
    ImportOptions options;
    options.paths = {folder.write("shop/a.log", text)};
    options.reader.chunk_bytes = chunk_bytes;
    const auto done = import_all(**database, options);
    REQUIRE(done);
    CHECK(done->events_by_measurement == std::map<std::string, uint64_t>{{"shop", 100}});
  }
}

TEST_CASE("import: text lines keep the time of the line before them across chunks", "[import]") {
  test::TemporaryFolder folder;
  std::string text = "2026-11-02T08:15:04Z ERROR failed\n";
  for (int i = 0; i < 200; ++i) text += "  at A.b(A.java:" + std::to_string(i) + ")\n";
  const auto database = Database::open(folder / "data", import_database_options());
  REQUIRE(database);
  ImportOptions options;
  options.paths = {folder.write("shop/a.log", text)};
  options.reader.chunk_bytes = 100;
  options.reader.events.multi_line = false;
  const auto done = import_all(**database, options);
  REQUIRE(done);
  CHECK(done->events_by_measurement == std::map<std::string, uint64_t>{{"shop", 201}});
  const auto snapshot = (*database)->snapshot({{"shop"}, {}});
  REQUIRE(snapshot);
  for (const auto& segment : snapshot->segments) {
    CHECK(segment->info().min_time == segment->info().max_time);
  }
}

TEST_CASE("import: a file of which nothing is stored is named", "[import]") {
  test::TemporaryFolder folder;
  ImportOptions options;
  options.paths = {folder.write("a/good.json", json_lines(2)),
                   folder.write("a/bad.json", "{\"broken\":\n{\"also\n"),
                   folder.write("a/comments.lp", "# nothing\n\n"), folder.write("a/empty.json", ""),
                   folder.write("a/typed.csv", "#measurement,time\nmeasurement,time\n")};
  const auto database = Database::open(folder / "data", import_database_options());
  REQUIRE(database);
  const auto done = import_all(**database, options);
  REQUIRE(done);
  REQUIRE(done->files_without_rows.size() == 2);
  CHECK(done->files_without_rows[0].path == folder / "a/bad.json");
  CHECK(done->files_without_rows[0].rejected == 2);
  CHECK(done->files_without_rows[1].path == folder / "a/comments.lp");
  CHECK(done->files_without_rows[1].rejected == 0);
}

TEST_CASE("import: arrays of JSON are rows, also within an object", "[import]") {
  test::TemporaryFolder folder;
  const auto database = Database::open(folder / "data", import_database_options());
  REQUIRE(database);
  ImportOptions options;
  std::string array = "[";
  for (int i = 0; i < 3000; ++i) {
    array += (i > 0 ? ",\n" : "") + json_lines(1).substr(0, json_lines(1).size() - 1);
  }
  options.paths = {folder.write("array/a.json", array + "]\n"),
                   folder.write("trail/a.json",
                                "\xEF\xBB\xBF"
                                R"({"Records": [{"time": "2026-11-02T08:15:04Z", "n": 1},
                                   {"time": "2026-11-02T08:15:06Z", "n": 2}]})")};
  options.reader.chunk_bytes = 10'000;
  const auto done = import_all(**database, options);
  REQUIRE(done);
  CHECK(done->rejected == 0);
  CHECK(done->events_by_measurement ==
        std::map<std::string, uint64_t>{{"array", 3000}, {"trail", 2}});
}

TEST_CASE("import: every line of every file becomes a durable row", "[import]") {
  test::TemporaryFolder folder;
  folder.write("logs/audit/1.json", json_lines(3000));
  folder.write("logs/bpm/1.json", json_lines(2000));
  folder.write("logs/more.lp", "audit,service=pay n=1i 1764000000000000000\n");
  ImportOptions options;
  options.paths = {folder / "logs"};
  options.reader.chunk_bytes = 16 * 1024;
  {
    const auto database = Database::open(folder / "data", import_database_options());
    REQUIRE(database);
    const auto done = import_all(**database, options);
    REQUIRE(done);
    CHECK(done->events == 5001);
    CHECK(done->rejected == 0);
    CHECK(done->bytes_done == done->bytes_total);
    CHECK(done->events_by_measurement ==
          std::map<std::string, uint64_t>{{"audit", 3001}, {"bpm", 2000}});
  }
  DatabaseOptions reading;
  reading.read_only = true;
  const auto database = Database::open(folder / "data", reading);
  REQUIRE(database);
  CHECK(stored_rows(**database, "audit") == 3001);
  CHECK(stored_rows(**database, "bpm") == 2000);
}

TEST_CASE("import: NUL bytes that a crash left are skipped, and the lines around them are stored",
          "[import]") {
  for (const size_t size : {size_t{300}, kLineBytesMax + (size_t{3} << 20)}) {
    CAPTURE(size);
    const std::string nuls(size, '\0');
    const Imported imported = import_text(
        nuls + "m n=1i 1\n" + nuls + "m n=2i 2\nm n=" + nuls + "m n=3i 3\n", size_t{1} << 20, 2);
    CHECK(imported.exported == "m n=1i 1\nm n=2i 2\nm n=3i 3\n");
    CHECK(imported.report.rejected == 1);
  }
}

TEST_CASE("import: rejected lines are counted and named by file and line, and stop nothing",
          "[import]") {
  test::TemporaryFolder folder;
  const std::string path =
      folder.write("audit/a.json", json_lines(2) + "{\"broken\":\n" + json_lines(2) + "nonsense\n");
  const auto database = Database::open(folder / "data", import_database_options());
  REQUIRE(database);
  ImportOptions options;
  options.paths = {path};
  const auto done = import_all(**database, options);
  REQUIRE(done);
  CHECK(done->events == 4);
  CHECK(done->rejected == 2);
  REQUIRE(done->rejected_examples.size() == 2);
  CHECK(done->rejected_examples[0].find(path + ":3: ") == 0);
  CHECK(done->rejected_examples[1].find(path + ":6: ") == 0);
  CHECK(stored_rows(**database, "rejected") == 2);
}

TEST_CASE("import: events without a time and odd keys are counted, and the first ones named",
          "[import]") {
  test::TemporaryFolder folder;
  const std::string json = folder.write("a/a.json",
                                        "{\"time\":1700000000,\"n\":1}\n{\"n\":1,\"n\":2}\n"
                                        "{\"n\":3}\n");
  const std::string lines = folder.write("a/b.lp", "m f=1\n");
  const auto database = Database::open(folder / "data", import_database_options());
  REQUIRE(database);
  ImportOptions options;
  options.paths = {json, lines};
  options.parser_count = 1;
  options.time_now = true;  // for b.lp
  const auto done = import_all(**database, options);
  REQUIRE(done);
  CHECK(done->events == 4);
  const auto check = [&](LineWarning kind, uint64_t count, const std::string& first) {
    CHECK(done->warnings[kind].count == count);
    CHECK(done->warnings[kind].first == first);
  };
  check(LineWarning::kNoTime, 2, json + ": keys: n");
  check(LineWarning::kOddKey, 1,
        json + ": the key `n` occurs twice: only its last value is stored");
  check(LineWarning::kNoTimestamp, 1, lines);
}

TEST_CASE("import: chunks are written in the order of the input", "[import]") {
  test::TemporaryFolder folder;
  std::string text;
  for (int i = 0; i < 5000; ++i) text += "audit n=" + std::to_string(i) + "i 1764000000000000000\n";
  const auto database = Database::open(folder / "data", import_database_options());
  REQUIRE(database);
  ImportOptions options;
  options.paths = {folder.write("a.lp", text)};
  options.reader.chunk_bytes = 1000;
  options.parser_count = 3;
  REQUIRE(import_all(**database, options));
  const auto snapshot = (*database)->snapshot({{"audit"}, {}});
  REQUIRE(snapshot);
  REQUIRE(snapshot->segments.size() == 1);
  const Segment& segment = *snapshot->segments[0];
  const auto column = segment.column(*snapshot->catalog->find("audit")->find("n"));
  REQUIRE(column);
  for (size_t start = 0; start < segment.info().row_count; start += 1000) {
    std::vector<int64_t> values(1000);
    REQUIRE((*column)->read_i64(start, values));
    for (size_t i = 0; i < values.size(); ++i)
      REQUIRE(values[i] == static_cast<int64_t>(start + i));
  }
}

TEST_CASE("import: lines with raw newlines become the same rows however the file is cut",
          "[import]") {
  const std::vector<std::string> lines = {
      "audit,a=b n=1i,message=\"one\ntwo\nthree\" 1764000000000000000\n",
      "audit message=\"audit n=3i 1764000000000000000\nbpm n=4i 1764000000000000000\n\",n=5i "
      "1764000000000000001\n",
      "bpm message=\"\\\"\n\\\\\" 1764000000000000002\n",
      "bpm n=2i 1764000000000000003\n",
      "bpm message=\"broken\"x\nmore\" 1764000000000000004\n",
      "bpm message=\"never\nclosed 1764000000000000005\nbpm n=6i 1764000000000000006\n",
      "# comment\n\n",
  };
  const unsigned seed = 31;
  CAPTURE(seed);
  std::mt19937 random(seed);
  for (int round = 0; round < 20; ++round) {
    std::string text;
    for (unsigned count = random() % 60; count > 0; --count) text += lines[random() % lines.size()];
    if (round % 3 == 0 && !text.empty()) text.pop_back();
    if (round % 4 == 0) text += lines[0].substr(0, 30);  // the file ends in a string
    CAPTURE(text);
    const Imported whole = import_text(text, size_t{1} << 20, 1);
    const Imported pieces = import_text(text, 50 + random() % 200, 3);
    CHECK(pieces.exported == whole.exported);
    CHECK(pieces.report.events == whole.report.events);
    CHECK(pieces.report.rejected == whole.report.rejected);
    CHECK(pieces.report.rejected_examples == whole.report.rejected_examples);
    CHECK(pieces.report.bytes_done == text.size());
  }
}

TEST_CASE("progress line: shows bar, bytes, events, rate and the time left", "[import]") {
  ImportProgress progress;
  progress.bytes_total = 2'000'000'000;
  progress.bytes_done = 500'000'000;
  progress.events = 2'000'000;
  CHECK(progress_line(progress, 2) ==
        "[======>                 ]  25 %  500 MB of 2.0 GB  2.00 M events  1.00 M/s  ETA 6 s");
  progress.bytes_total = 0;
  progress.rejected = 1234;
  CHECK(progress_line(progress, 2) == "500 MB  2.00 M events  1.00 M/s  1,234 rejected");
  CHECK(grouped(0) == "0");
  CHECK(grouped(21'272'698) == "21,272,698");
}

}  // namespace tocsin
