// `tocsin info`: the contents of a database and the space they take.
#include <algorithm>
#include <cmath>
#include <filesystem>
#include <map>
#include <memory>
#include <set>

#include <fmt/format.h>

#include "db/database.h"
#include "db/segment/inspection.h"
#include "query/format/result.h"
#include "tools/command.h"
#include "tools/terminal/text.h"

namespace tocsin {
namespace {

constexpr const char* kInfoFooter = R"(Examples:
  tocsin info --db tocsin-data              one line per measurement
  tocsin info --db tocsin-data audit        one measurement and its columns
  tocsin info --db tocsin-data --columns    all measurements and their columns

"bytes" is the space taken in segments, and "ratio" the unencoded size divided by it. "hot" counts the
recent segments that are not sealed yet. A server may keep writing to the database.)";

struct InfoArguments {
  std::string database;
  std::vector<std::string> measurements;
  bool columns = false;
};

/// One column over all segments.
struct ColumnTotal {
  std::string type;
  std::set<std::string> encodings;
  uint64_t values = 0, bytes = 0, raw_bytes = 0;
};

struct MeasurementTotal {
  std::string name;
  uint64_t rows = 0, segments = 0, hot_segments = 0, bytes = 0, metadata_bytes = 0;
  Timestamp first = kTimeMax, last = kTimeMin;
  std::vector<std::string> order;  ///< names of the columns, as first seen
  std::map<std::string, ColumnTotal> columns;
};

void add_column(const ColumnInspection& column, MeasurementTotal& total) {
  const auto [it, is_new] = total.columns.try_emplace(column.name);
  if (is_new) total.order.push_back(column.name);
  if (column.name == "time") it->second.type = "time";  // is not in the catalog
  it->second.encodings.insert(column.encoding);
  it->second.values += column.value_count;
  it->second.bytes += column.byte_size;
  it->second.raw_bytes += column.raw_size;
}

/// A column and its siblings are shown as one, with all their types.
void set_types(const Measurement& measurement, MeasurementTotal& total) {
  for (const Column& column : measurement.columns) {
    const auto found = total.columns.find(column.name);
    if (found == total.columns.end()) continue;
    std::string& type = found->second.type;
    if (!type.empty()) type += " + ";
    type += column.kind == ColumnKind::kTime ? "time" : name_of(column.type);
    if (column.kind == ColumnKind::kTag) type += ", tag";
  }
}

Result<MeasurementTotal> total_of(const Database& database, const std::string& name) {
  MeasurementTotal total;
  total.name = name;
  TOCSIN_TRY(const Snapshot snapshot, database.snapshot({{name}, {}}));
  for (const auto& segment : snapshot.segments) {
    const SegmentInfo& info = segment->info();
    TOCSIN_TRY(const SegmentInspection inspection, segment->inspect());
    ++total.segments;
    if (!info.sealed) ++total.hot_segments;
    total.rows += info.row_count;
    total.bytes += info.byte_size;
    total.metadata_bytes += inspection.metadata_size;
    total.first = std::min(total.first, info.min_time);
    total.last = std::max(total.last, info.max_time);
    for (const ColumnInspection& column : inspection.columns) add_column(column, total);
  }
  if (const Measurement* stored = snapshot.catalog->find(name)) set_types(*stored, total);
  return total;
}

/// Prints rows in the same way as query results.
class Sheet {
 public:
  explicit Sheet(const std::vector<std::pair<std::string, ValueType>>& columns) {
    for (const auto& [name, type] : columns) {
      table_.columns.emplace_back();
      table_.columns.back().name = name;
      table_.columns.back().type = type;
    }
  }
  void add(const std::vector<Value>& row) {
    for (size_t i = 0; i < row.size(); ++i) table_.columns[i].append(row[i]);
    ++table_.row_count;
  }
  void print() const {
    fmt::print("{}", format_result(table_, ResultFormat::kTable, FormatOptions{}));
  }

 private:
  ResultTable table_;
};

/// Rounded to one decimal place.
Value share(uint64_t part, uint64_t whole) {
  if (whole == 0) return Value::null();
  return Value::of(std::round(10.0 * static_cast<double>(part) / static_cast<double>(whole)) / 10);
}

void print_measurements(const std::vector<MeasurementTotal>& totals) {
  Sheet sheet({{"measurement", ValueType::kString},
               {"rows", ValueType::kString},
               {"first", ValueType::kTime},
               {"last", ValueType::kTime},
               {"segments", ValueType::kU64},
               {"hot", ValueType::kU64},
               {"bytes", ValueType::kString},
               {"per row", ValueType::kF64}});
  for (const MeasurementTotal& total : totals) {
    const bool has_rows = total.rows > 0;
    sheet.add({Value::of(total.name), Value::of(grouped(total.rows)),
               has_rows ? Value::time(total.first) : Value::null(),
               has_rows ? Value::time(total.last) : Value::null(), Value::of(total.segments),
               Value::of(total.hot_segments), Value::of(grouped(total.bytes)),
               share(total.bytes, total.rows)});
  }
  sheet.print();
}

void print_columns(const MeasurementTotal& total) {
  Sheet sheet({{total.name, ValueType::kString},
               {"type", ValueType::kString},
               {"encodings", ValueType::kString},
               {"values", ValueType::kString},
               {"bytes", ValueType::kString},
               {"per row", ValueType::kF64},
               {"ratio", ValueType::kF64}});
  for (const std::string& name : total.order) {
    const ColumnTotal& column = total.columns.at(name);
    sheet.add({Value::of(name), Value::of(column.type),
               Value::of(fmt::format("{}", fmt::join(column.encodings, ", "))),
               Value::of(grouped(column.values)), Value::of(grouped(column.bytes)),
               share(column.bytes, total.rows), share(column.raw_bytes, column.bytes)});
  }
  sheet.add({Value::of("(metadata)"), Value::of(""), Value::of(""), Value::of(""),
             Value::of(grouped(total.metadata_bytes)), share(total.metadata_bytes, total.rows),
             Value::null()});
  fmt::print("\n");
  sheet.print();
}

uint64_t bytes_on_disk(const std::string& directory) {
  namespace fs = std::filesystem;
  uint64_t bytes = 0;
  std::error_code error;
  for (fs::recursive_directory_iterator it(directory, error), end; it != end && !error;
       it.increment(error)) {
    std::error_code gone;
    const auto size = it->is_regular_file(gone) ? it->file_size(gone) : 0;
    if (!gone) bytes += size;
  }
  return bytes;
}

Result<std::vector<std::string>> chosen(const Catalog& catalog, const InfoArguments& arguments) {
  std::vector<std::string> names;
  for (const std::string& name : arguments.measurements) {
    if (catalog.find(name) == nullptr) {
      return fail(ErrorCode::kNotFound,
                  fmt::format("no measurement `{}` in {}", name, arguments.database));
    }
    names.push_back(name);
  }
  if (!names.empty()) return names;
  for (const auto& [name, measurement] : catalog.measurements) names.push_back(name);
  return names;
}

Status show_info(const InfoArguments& arguments) {
  DatabaseOptions options;
  options.read_only = true;
  options.create = false;
  TOCSIN_TRY(const auto database, Database::open(arguments.database, options));
  TOCSIN_TRY(const auto names, chosen(*database->catalog(), arguments));
  std::vector<MeasurementTotal> totals;
  uint64_t rows = 0;
  for (const std::string& name : names) {
    TOCSIN_TRY(totals.emplace_back(), total_of(*database, name));
    rows += totals.back().rows;
  }
  print_measurements(totals);
  if (arguments.columns || !arguments.measurements.empty()) {
    for (const MeasurementTotal& total : totals) print_columns(total);
  }
  if (!arguments.measurements.empty()) return {};
  const uint64_t bytes = bytes_on_disk(arguments.database);
  fmt::print("\n{} rows in {} bytes on disk, including the catalog", grouped(rows), grouped(bytes));
  if (rows > 0) {
    fmt::print(": {:.2f} bytes per row", static_cast<double>(bytes) / static_cast<double>(rows));
  }
  fmt::print("\n");
  return {};
}

}  // namespace

void add_info_command(CLI::App& app, Action& action) {
  auto arguments = std::make_shared<InfoArguments>();  // shared by the callbacks
  CLI::App* command =
      app.add_subcommand("info", "Show what a database holds and the space it takes");
  command->footer(kInfoFooter);
  command->add_option("--db", arguments->database, "Database directory")->required();
  command->add_flag("--columns", arguments->columns, "Show the columns of every measurement");
  command->add_option("MEASUREMENT", arguments->measurements,
                      "Show only these measurements, with their columns");
  command->callback(
      [arguments, &action] { action = [arguments] { return show_info(*arguments); }; });
}

}  // namespace tocsin
