// Export and import: what comes back is what was there, bit for bit.
#include "tools/export/export.h"

#include <algorithm>
#include <random>

#include <catch2/catch.hpp>

#include "tests/db/db_support.h"
#include "tests/db/random_history.h"
#include "tests/support/temporary_folder.h"
#include "tests/tools/random_rows.h"
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

Exported export_from(RowSource& source, const ExportOptions& options) {
  Exported exported;
  exported.report = export_rows(
      source, options,
      [&](std::string_view piece) -> Status {
        exported.text += piece;
        return {};
      },
      [](uint64_t, uint64_t) {});
  return exported;
}

Exported export_all(const Database& database, const ExportFormatOptions& format,
                    bool lossy = false) {
  const auto source = take(open_store_rows(database, names_of(database)));
  return export_from(*source, {format, lossy, nullptr});
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
  return take(import_files(database, options, [](const ImportProgress&) {}));
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

/// Every measurement has the same rows, and columns of the same types in both; of the same kinds as well, where
/// the format knows them.
void check_same(const Database& a, const Database& b, bool kinds) {
  for (const auto& [name, measurement] : a.catalog()->measurements) {
    INFO("measurement " << name);
    const auto rows = sorted_rows(a, name);
    const bool same_rows = rows == sorted_rows(b, name);  // too many to be printed
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
  // And the copy says the same again.
  if (!line_protocol) CHECK(text_of(*copy, format).size() == text.size());
}

/// TOCSIN_LONG=n tries n seeds, TOCSIN_SEED=n begins with another one.
void for_each_seed(const std::function<void(unsigned)>& check) {
  const unsigned first = testing::first_seed();
  const auto count = static_cast<unsigned>(testing::trial_count(40));
  for (unsigned seed = first; seed != first + count; ++seed) check(seed);
}

TEST_CASE("export: random rows come back exactly from line protocol", "[export]") {
  for_each_seed([](unsigned seed) { check_round_trip(seed, kLp); });
}

TEST_CASE("export: random rows come back exactly from typed JSON lines", "[export]") {
  for_each_seed([](unsigned seed) { check_round_trip(seed, kTypedJson); });
}

TEST_CASE("export: random rows come back exactly from typed CSV", "[export]") {
  for_each_seed([](unsigned seed) { check_round_trip(seed, kTypedCsv); });
}

}  // namespace
}  // namespace tocsin
