// A database that an earlier version wrote is read, checked and continued by this one.
//
// format1/ was made by the program as of commit c41212c:
//   tests/db/golden/make_golden.py build/release/tools/tocsin tests/db/golden/format1
// format2/ was made by the first version of that format. Neither is ever made again. When
// kDatabaseFormat or kSegmentFormat moves, add a folder made by the last version of the old format.
#include <algorithm>
#include <array>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <map>
#include <numeric>
#include <set>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "db/catalog/environment.h"
#include "db/catalog/store.h"
#include "db/database.h"
#include "db/maintenance/maintenance.h"
#include "db/segment/inspection.h"
#include "tests/db/db_support.h"
#include "tests/support/temporary_folder.h"

namespace tocsin {
namespace {

using testing::kNoon;
using testing::take;

const std::string kGolden = std::string(TOCSIN_SOURCE_DIR) + "/tests/db/golden/";

/// A copy, since even reading makes LMDB's lock file.
class GoldenCopy {
 public:
  explicit GoldenCopy(const std::string& format) {
    std::filesystem::copy(kGolden + format + "/data", path(),
                          std::filesystem::copy_options::recursive);
  }
  std::string path() const { return folder_.path() + "/data"; }

 private:
  test::TemporaryFolder folder_;
};

/// Line protocol cannot represent all values of `mixed`.
bool is_mixed(std::string_view line) { return line.starts_with("mixed "); }

std::vector<std::string> expected_lines(const std::string& format) {
  std::ifstream file(kGolden + format + "/expected.lp");
  std::vector<std::string> lines;
  for (std::string line; std::getline(file, line);) {
    if (!is_mixed(line)) lines.push_back(line);
  }
  std::sort(lines.begin(), lines.end());
  return lines;
}

std::string escaped(std::string_view text, std::string_view special) {
  std::string out;
  for (const char c : text) {
    if (special.find(c) != std::string_view::npos) out += '\\';
    out += c;
  }
  return out;
}

/// The values of one column of a segment in line protocol; empty for a null.
std::vector<std::string> values_of(const SegmentColumn& column, const Column& schema,
                                   uint32_t row_count) {
  std::vector<std::string> texts(row_count);
  std::vector<uint8_t> valid(row_count);
  take(column.read_valid(0, valid));
  switch (column.type()) {
    case ColumnType::kI64: {
      std::vector<int64_t> values(row_count);
      take(column.read_i64(0, values));
      for (uint32_t row = 0; row < row_count; ++row) texts[row] = std::to_string(values[row]) + 'i';
      break;
    }
    case ColumnType::kU64: {
      std::vector<uint64_t> values(row_count);
      take(column.read_u64(0, values));
      for (uint32_t row = 0; row < row_count; ++row) texts[row] = std::to_string(values[row]) + 'u';
      break;
    }
    case ColumnType::kF64: {
      std::vector<double> values(row_count);
      take(column.read_f64(0, values));
      std::array<char, 32> text;
      for (uint32_t row = 0; row < row_count; ++row) {
        texts[row].assign(text.data(),
                          std::to_chars(text.data(), text.data() + text.size(), values[row]).ptr);
      }
      break;
    }
    case ColumnType::kBool: {
      std::vector<uint8_t> values(row_count);
      take(column.read_bool(0, values));
      for (uint32_t row = 0; row < row_count; ++row) texts[row] = values[row] ? "true" : "false";
      break;
    }
    case ColumnType::kString: {
      std::vector<uint32_t> rows(row_count);
      std::iota(rows.begin(), rows.end(), 0);
      StringVector values;
      take(column.read_strings(rows, values));
      for (uint32_t row = 0; row < row_count; ++row) {
        texts[row] = schema.kind == ColumnKind::kTag
                         ? escaped(values.values[row], " ,=")
                         : '"' + escaped(values.values[row], "\\\"") + '"';
      }
      break;
    }
  }
  for (uint32_t row = 0; row < row_count; ++row) {
    if (!valid[row]) texts[row].clear();
  }
  return texts;
}

void add_lines(const Segment& segment, const Measurement& measurement,
               std::vector<std::string>& lines) {
  const uint32_t row_count = segment.info().row_count;
  std::vector<Timestamp> times(row_count);
  take(segment.read_times(0, times));
  std::vector<std::string> tags(row_count), fields(row_count);
  for (const Column& column : measurement.columns) {
    const SegmentColumn* stored = take(segment.column(column));
    if (stored == nullptr) continue;
    const bool is_tag = column.kind == ColumnKind::kTag;
    const auto values = values_of(*stored, column, row_count);
    for (uint32_t row = 0; row < row_count; ++row) {
      if (values[row].empty()) continue;
      std::string& text = is_tag ? tags[row] : fields[row];
      if (is_tag || !text.empty()) text += ',';
      text += column.name + '=' + values[row];
    }
  }
  for (uint32_t row = 0; row < row_count; ++row) {
    lines.push_back(measurement.name + tags[row] + ' ' + fields[row] + ' ' +
                    std::to_string(times[row]));
  }
}

Snapshot snapshot_of(const Database& database) {
  SnapshotScope scope;
  const auto catalog = database.catalog();
  for (const auto& [name, measurement] : catalog->measurements) scope.measurements.push_back(name);
  return take(database.snapshot(scope));
}

/// All rows in line protocol, sorted by their text, without those of `mixed`.
std::vector<std::string> lines_of(const Database& database) {
  const Snapshot snapshot = snapshot_of(database);
  std::vector<std::string> lines;
  for (const auto& segment : snapshot.segments) {
    for (const auto& [name, measurement] : snapshot.catalog->measurements) {
      if (measurement.id == segment->info().measurement) add_lines(*segment, measurement, lines);
    }
  }
  std::erase_if(lines, is_mixed);
  std::sort(lines.begin(), lines.end());
  return lines;
}

/// The format that the catalog states.
uint32_t format_of(const std::string& directory) {
  const auto environment = take(Environment::open(directory, Environment::Mode::kWrite));
  Transaction transaction = take(environment->begin_write());  // is never committed
  const uint32_t older = take(upgrade_format(transaction));
  return older == 0 ? kDatabaseFormat : older;
}

/// The first line that only one of two sorted lists has: a message with all of them is too long.
std::string first_difference(const std::vector<std::string>& a, const std::vector<std::string>& b) {
  std::vector<std::string> different;
  std::set_symmetric_difference(a.begin(), a.end(), b.begin(), b.end(),
                                std::back_inserter(different));
  return different.empty() ? "" : different.front();
}

std::vector<std::string> problems_of(const std::string& directory) {
  return take(verify_database(directory, [](uint64_t, uint64_t) {})).problems;
}

std::unique_ptr<Database> open_to_read(const std::string& directory) {
  DatabaseOptions options;
  options.read_only = true;
  return take(Database::open(directory, options));
}

TEST_CASE("golden: a database of each format is whole and has the rows that were stored", "[db]") {
  const std::string format = GENERATE("format1", "format2");
  const GoldenCopy golden(format);
  CHECK(problems_of(golden.path()) == std::vector<std::string>());
  const auto expected = expected_lines(format);
  REQUIRE(expected.size() > 2500);
  CHECK(first_difference(lines_of(*open_to_read(golden.path())), expected) == "");
}

TEST_CASE("golden: the database of each format covers every feature of segments", "[db]") {
  const std::string format = GENERATE("format1", "format2");
  const GoldenCopy golden(format);
  const auto database = open_to_read(golden.path());
  const auto catalog = database->catalog();
  const Snapshot snapshot = snapshot_of(*database);

  std::set<std::string> encodings, buffers;
  std::set<int64_t> partitions;
  std::set<bool> sealed;
  bool has_merged = false;
  uint32_t row_count_max = 0;
  for (const auto& segment : snapshot.segments) {
    partitions.insert(segment->info().partition);
    sealed.insert(segment->info().sealed);
    row_count_max = std::max(row_count_max, segment->info().row_count);
    const SegmentInspection inspection = take(inspect(*segment));
    has_merged |= !inspection.replaces.empty();
    for (const ColumnInspection& column : inspection.columns) {
      encodings.insert(column.encoding);
      for (const BufferInspection& buffer : column.buffers) buffers.insert(buffer.name);
    }
  }
  CHECK(encodings == std::set<std::string>{"integers", "decimals", "doubles", "bits", "dictionary",
                                           "blocks", "templates"});
  CHECK(buffers.size() == 15);  // all names in buffers_of()
  CHECK(partitions.size() >= 2);
  CHECK(sealed == std::set<bool>{false, true});
  CHECK(has_merged);
  CHECK(row_count_max > kVectorRows);
  for (const char* name : {kAlertsMeasurement, kRejectedMeasurement}) {
    INFO(name);
    CHECK(catalog->find(name) != nullptr);
  }
  for (const SmallTable table : {SmallTable::kSources, SmallTable::kRules, SmallTable::kOutbox}) {
    CHECK_FALSE(take(database->list(table, "")).empty());
  }
}

TEST_CASE("golden: a database of each format is continued", "[db]") {
  const std::string format = GENERATE("format1", "format2");
  const GoldenCopy golden(format);
  auto expected = expected_lines(format);
  {
    const auto database = take(Database::open(golden.path()));
    const Timestamp day = take(parse_time("2026-11-25", TimeZone()));
    WriteRequest request;
    RowBatch& rows = request.batch.rows_of("numbers");
    rows.begin_row(day + 1);
    rows.set_i64(rows.lane("count", ColumnType::kI64, ColumnKind::kField, 0), 17);
    RowBatch& new_rows = request.batch.rows_of("new");
    new_rows.begin_row(day + 2);
    new_rows.set_bool(new_rows.lane("yes", ColumnType::kBool, ColumnKind::kField, 0), true);
    take(database->write(std::move(request)));
    expected.push_back("numbers count=17i " + std::to_string(day + 1));
    expected.push_back("new yes=true " + std::to_string(day + 2));
    std::sort(expected.begin(), expected.end());
    CHECK(first_difference(lines_of(*database), expected) == "");
    take(database->compact([](uint64_t, uint64_t) {}));
    CHECK(first_difference(lines_of(*database), expected) == "");
  }
  CHECK(problems_of(golden.path()) == std::vector<std::string>());
  CHECK(first_difference(lines_of(*open_to_read(golden.path())), expected) == "");
}

TEST_CASE("golden: only a commit upgrades format 1", "[db]") {
  const GoldenCopy golden("format1");
  open_to_read(golden.path());
  CHECK(problems_of(golden.path()).empty());
  take(backup_database(golden.path(), golden.path() + ".backup", [](uint64_t, uint64_t) {}));
  CHECK(format_of(golden.path()) == 1);
  CHECK(format_of(golden.path() + ".backup") == 1);
  auto database = take(Database::open(golden.path()));
  WriteRequest request;
  request.batch.rows_of("new").begin_row(kNoon);
  take(database->write(std::move(request)));
  database.reset();
  CHECK(format_of(golden.path()) == 2);
  CHECK(problems_of(golden.path()).empty());
}

TEST_CASE("golden: format 2 has columns with values of several types", "[db]") {
  const GoldenCopy golden("format2");
  CHECK(format_of(golden.path()) == 2);
  const auto database = open_to_read(golden.path());
  std::map<std::string, size_t> counts;
  for (const auto& row : take(testing::read_rows(*database, "mixed"))) {
    for (const auto& [name, value] : row.values) ++counts[name + '=' + value];
  }
  CHECK(counts == std::map<std::string, size_t>{{"value=i64:30", 15},
                                                {"value=string:error", 15},
                                                {"value=bool:1", 15},
                                                {"value=u64:18446744073709551615", 15}});
}

}  // namespace
}  // namespace tocsin
