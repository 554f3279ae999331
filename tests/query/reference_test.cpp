// The reference in query/README.md contains all entries of the registry, its queries are valid, and
// its examples return what it shows.
#include <algorithm>
#include <fstream>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "query/check/prepare.h"
#include "query/function/functions.h"
#include "query/query.h"
#include "tests/query/sample_catalog.h"
#include "tests/support/memory_database.h"

using namespace tocsin;

namespace {

std::string reference() {
  std::ifstream file(TOCSIN_SOURCE_DIR "/query/README.md");
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

bool mentions(const std::string& text, const Documentation& entry) {
  INFO(entry.signature);
  const bool complete = text.find(std::string("`") + entry.signature + "`") != std::string::npos &&
                        text.find(entry.help) != std::string::npos &&
                        text.find(entry.example) != std::string::npos;
  CHECK(complete);
  return complete;
}

/// Consecutive lines of code.
struct Block {
  size_t first_line = 0, last_line = 0;
  std::vector<std::string> lines;
};

std::vector<Block> blocks_of(const std::string& text) {
  std::vector<Block> blocks;
  std::istringstream in(text);
  std::string line;
  for (size_t number = 1; std::getline(in, line); ++number) {
    if (!line.starts_with("    ")) continue;
    const bool from = line.starts_with("    from ");
    if (blocks.empty() || blocks.back().last_line + 1 != number || from)
      blocks.push_back({number, number, {}});
    blocks.back().last_line = number;
    blocks.back().lines.push_back(line.substr(4));
  }
  return blocks;
}

std::string joined(const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines) text += line + "\n";
  return text;
}

std::vector<std::string> cells_of(const std::string& line) {
  std::vector<std::string> cells;
  for (size_t at = line.find_first_not_of(' '); at < line.size();
       at = line.find_first_not_of(' ', at)) {
    const size_t end = std::min(line.find("  ", at), line.size());
    cells.push_back(line.substr(at, end - at));
    at = end;
  }
  return cells;
}

// The events of the first table in the reference, which all examples use.
MemoryDatabase example_events(const std::vector<Block>& blocks) {
  MemoryDatabase database;
  const auto block = std::ranges::find_if(
      blocks, [](const Block& each) { return each.lines[0].starts_with("time   "); });
  REQUIRE(block != blocks.end());
  const std::vector<std::string> names = cells_of(block->lines[0]);
  std::vector<Timestamp> times;
  MemoryColumns columns;
  for (size_t i = 1; i < names.size(); ++i) columns.push_back({names[i], {}});
  for (size_t row = 1; row < block->lines.size(); ++row) {
    const std::vector<std::string> cells = cells_of(block->lines[row]);
    REQUIRE(cells.size() == names.size());
    times.push_back(*parse_time(cells[0]));
    for (size_t i = 1; i < cells.size(); ++i) {
      const bool number = names[i] == "duration_ms";
      columns[i - 1].second.push_back(cells[i] == "-" ? Value::null()
                                      : number        ? Value::of(std::stod(cells[i]))
                                                      : Value::of(cells[i]));
    }
  }
  database.add_segment("audit", times, columns);
  return database;
}

std::vector<std::string> answer(const MemoryDatabase& database, const std::string& query) {
  QueryOptions options;
  options.now = kSampleNow;
  const auto table = QueryEngine(database).run(query, options);
  std::istringstream text(table ? format_result(*table, ResultFormat::kTable)
                                : table.error().message);
  std::vector<std::string> lines;
  for (std::string line; std::getline(text, line);) lines.push_back(line);
  return lines;
}

// The cells of `| `a` | b | c | d |`; none for other lines.
std::vector<std::string> row_cells(const std::string& line) {
  std::vector<std::string> cells;
  if (!line.starts_with("| `")) return cells;
  for (size_t at = 2; at < line.size();) {
    const size_t end = std::min(line.find(" |", at), line.size());
    cells.push_back(line.substr(at, end - at));
    at = end + 3;
  }
  return cells;
}

std::string unquoted(const std::string& cell) {
  return cell.size() > 2 && cell.front() == '`' ? cell.substr(1, cell.size() - 2) : cell;
}

}  // namespace

TEST_CASE("reference: documents every stage, function and aggregate of the registry", "[query]") {
  std::string text = reference();
  REQUIRE_FALSE(text.empty());
  std::ranges::replace(text, '\n', ' ');  // paragraphs may be wrapped
  for (const StageEntry& entry : all_stages()) mentions(text, entry.documentation);
  for (const FunctionEntry& entry : all_functions()) mentions(text, entry.documentation);
  for (const AggregateEntry& entry : all_aggregates()) mentions(text, entry.documentation);
}

TEST_CASE("reference: its queries are valid and run", "[query]") {
  const std::vector<Block> blocks = blocks_of(reference());
  Catalog catalog = sample_catalog();
  using T = ColumnType;
  catalog.measurements.erase("alerts");
  add_measurement(catalog, 3, "alerts",
                  {{"rule", T::kString},
                   {"severity", T::kString},
                   {"state", T::kString},
                   {"service", T::kString},
                   {"summary", T::kString},
                   {"fingerprint", T::kString},
                   {"started_at", T::kI64},
                   {"window_from", T::kI64},
                   {"window_to", T::kI64},
                   {"samples", T::kString},
                   {"late", T::kBool}});
  const MemoryDatabase database = example_events(blocks);
  size_t count = 0;
  for (const Block& block : blocks) {
    if (!block.lines[0].starts_with("from ")) continue;
    const std::string query = joined(block.lines);
    INFO(query);
    const auto plan = build_plan(query, catalog, sample_options());
    CHECK((plan ? "" : plan.error().message) == std::string());
    QueryOptions options = sample_options();
    options.rule_mode = true;  // the example events lack some measurements and columns
    const auto table = QueryEngine(database).run(query, options);
    CHECK((table ? "" : table.error().message) == std::string());
    ++count;
  }
  CHECK(count >= 30);
}

TEST_CASE("reference: stage examples return the results shown below them", "[query]") {
  const std::string text = reference();
  const std::vector<Block> blocks = blocks_of(text);
  const MemoryDatabase database = example_events(blocks);
  std::set<std::string> shown;
  for (size_t i = 0; i + 1 < blocks.size(); ++i) {
    const Block& query = blocks[i];
    const Block& result = blocks[i + 1];
    const bool paired = query.lines[0].starts_with("from ") &&
                        !result.lines[0].starts_with("from ") &&
                        result.first_line == query.last_line + 2;
    if (!paired) continue;
    const std::string whole = joined(query.lines);
    INFO(whole);
    CHECK(answer(database, whole) == result.lines);
    shown.insert(query.lines[0]);
  }
  for (const StageEntry& entry : all_stages()) {
    INFO(entry.documentation.example);
    CHECK(shown.count(entry.documentation.example) == 1);
  }
}

TEST_CASE("reference: function and aggregate examples return the results shown next to them",
          "[query]") {
  const std::string text = reference();
  const MemoryDatabase database = example_events(blocks_of(text));
  std::map<std::string, std::string> shown;  // by example
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) {
    const std::vector<std::string> cells = row_cells(line);
    if (cells.size() == 4) shown[unquoted(cells[2])] = unquoted(cells[3]);
  }
  const auto check = [&](const std::string& example, const std::string& query) {
    const std::vector<std::string> lines = answer(database, query);
    INFO(query);
    REQUIRE(lines.size() == 2);
    const size_t start = lines[1].find_first_not_of(' ');
    CHECK(shown[example] == lines[1].substr(start));
  };
  for (const FunctionEntry& entry : all_functions()) {
    const std::string example = entry.documentation.example;
    if (!example.empty()) check(example, "from audit | limit 1 | let x = " + example + " | keep x");
  }
  for (const AggregateEntry& entry : all_aggregates()) {
    const std::string example = entry.documentation.example;
    check(example, "from audit | stats " + example);
  }
}
