// Runs the scripts in testdata/*.test: load rows, query, compare.
//
//   now TIME                      the value of `now` in the following queries
//   zone NAME                     the configured zone of the following queries
//   load MEASUREMENT              a table: a header, then rows up to an empty line
//   query                         the text up to a line `expect`, then the result as a table up to
//                                 an empty line, or `error: ` and a part of the message
//
// Cells are separated by two or more spaces. `-` is null, `"…"` a string, `10:00` a time on
// 2026-11-24, digits are i64, or f64 with a decimal point. Each query runs on hot and on sealed
// segments, with one and with several threads; all results must agree.
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "db/database.h"
#include "query/query.h"
#include "tests/db/db_support.h"

using namespace tocsin;
using tocsin::testing::take;

namespace {

std::vector<std::string> cells_of(const std::string& line) {
  std::vector<std::string> cells;
  size_t at = line.find_first_not_of(' ');
  while (at < line.size()) {
    size_t end = line.find("  ", at);
    if (end == std::string::npos) end = line.size();
    cells.push_back(line.substr(at, end - at));
    at = line.find_first_not_of(' ', end);
  }
  return cells;
}

Timestamp time_of(std::string text) {
  if (text.find('T') == std::string::npos) {
    if (text.size() == 5) text += ":00";
    text = "2026-11-24T" + text + "Z";
  }
  return take(parse_time(text));
}

void set_cell(RowBatch& rows, const std::string& name, const std::string& cell, size_t hint,
              Batch& batch) {
  const auto lane = [&](ColumnType type) {
    return rows.lane(name, type, ColumnKind::kField, hint);
  };
  if (cell == "-") return;
  if (cell == "true" || cell == "false")
    return rows.set_bool(lane(ColumnType::kBool), cell == "true");
  if (cell.find_first_not_of("0123456789-") == std::string::npos) {
    return rows.set_i64(lane(ColumnType::kI64), std::stoll(cell));
  }
  if (cell.find_first_not_of("0123456789-.e") == std::string::npos && cell != ".") {
    return rows.set_f64(lane(ColumnType::kF64), std::stod(cell));
  }
  const bool quoted = cell.size() >= 2 && cell.front() == '"' && cell.back() == '"';
  rows.set_string(lane(ColumnType::kString),
                  batch.copy(quoted ? cell.substr(1, cell.size() - 2) : cell));
}

std::string without_trailing_blanks(const std::string& text) {
  std::istringstream in(text);
  std::string out;
  for (std::string line; std::getline(in, line);) {
    line.erase(line.find_last_not_of(' ') + 1);
    out += line + "\n";
  }
  return out;
}

struct Query {
  size_t line = 0;
  std::string text;
  std::string expected;
  Timestamp now = 0;
  TimeZone zone;
};

class Script {
 public:
  explicit Script(const std::filesystem::path& path) : path_(path), in_(path) { REQUIRE(in_); }

  void run() {
    const test::TemporaryFolder directory;
    auto database = take(Database::open(directory.path()));
    std::vector<Query> queries = read(*database);
    REQUIRE_FALSE(queries.empty());
    for (const Query& query : queries) ask(*database, query, "hot");
    take(database->seal());
    for (const Query& query : queries) ask(*database, query, "sealed");
  }

 private:
  bool next(std::string& line) {
    ++line_number_;
    return static_cast<bool>(std::getline(in_, line));
  }

  std::vector<Query> read(Database& database) {
    std::vector<Query> queries;
    Timestamp now = 0;
    TimeZone zone;
    for (std::string line; next(line);) {
      if (line.empty() || line[0] == '#') continue;
      INFO(path_ << ":" << line_number_);
      if (line.starts_with("now ")) {
        now = time_of(line.substr(4));
      } else if (line.starts_with("zone ")) {
        zone = take(TimeZone::load(line.substr(5)));
      } else if (line.starts_with("load ")) {
        load(database, line.substr(5));
      } else if (line == "query") {
        queries.push_back(read_query(now));
        queries.back().zone = zone;
      } else {
        FAIL("expected now, zone, load or query, found " << line);
      }
    }
    return queries;
  }

  // Two rows per commit, so that there are many segments.
  void load(Database& database, const std::string& measurement) {
    std::string line;
    REQUIRE(next(line));
    const auto names = cells_of(line);
    REQUIRE(names.at(0) == "time");
    WriteRequest request;
    const auto write = [&] {
      if (request.batch.empty()) return;
      request.urgent = true;
      CHECK(take(database.write(std::move(request))).rejected.empty());
      request = WriteRequest();
    };
    while (next(line) && !line.empty()) {
      const auto cells = cells_of(line);
      REQUIRE(cells.size() == names.size());
      RowBatch& rows = request.batch.rows_of(measurement);
      rows.begin_row(time_of(cells[0]));
      for (size_t i = 1; i < cells.size(); ++i)
        set_cell(rows, names[i], cells[i], i - 1, request.batch);
      if (request.batch.row_count() == 2) write();
    }
    write();
  }

  Query read_query(Timestamp now) {
    Query query;
    query.line = line_number_;
    query.now = now;
    std::string line;
    while (next(line) && line != "expect") query.text += line + "\n";
    while (next(line) && !line.empty()) query.expected += line + "\n";
    query.expected = without_trailing_blanks(query.expected);
    return query;
  }

  void ask(const Database& database, const Query& query, const char* kind) {
    const QueryEngine engine(database);
    for (const unsigned threads : {1u, 2u}) {
      INFO(path_ << ":" << query.line << ", " << kind << ", " << threads << " threads\n"
                 << query.text);
      QueryOptions options;
      options.now = query.now;
      options.zone = query.zone;
      options.threads = threads;
      const auto table = engine.run(query.text, options);
      if (!table) {
        const std::string wanted = query.expected.substr(0, query.expected.find('\n'));
        const std::string message = "error: " + table.error().message;
        CHECK_THAT(message, Catch::StartsWith(wanted));
        continue;
      }
      CHECK(without_trailing_blanks(format_result(*table, ResultFormat::kTable)) == query.expected);
    }
  }

  std::filesystem::path path_;
  std::ifstream in_;
  size_t line_number_ = 0;
};

}  // namespace

TEST_CASE("language: every script has the expected results", "[query]") {
  size_t count = 0;
  for (const auto& entry :
       std::filesystem::directory_iterator(TOCSIN_SOURCE_DIR "/tests/query/testdata")) {
    if (entry.path().extension() != ".test") continue;
    Script(entry.path()).run();
    ++count;
  }
  CHECK(count > 0);
}
