// Values of a column for completion, from the newest segments.
#include <algorithm>
#include <map>
#include <numeric>

#include "query/complete/complete.h"

namespace tocsin {
namespace {

constexpr size_t kSegmentCountMax = 4;    // read per measurement
constexpr size_t kEntryCountMax = 1'000;  // columns with more distinct values are not listed
constexpr size_t kSampleRowCount = 500;   // read from a segment without a dictionary
constexpr size_t kValueCountMax = 100;    // returned
constexpr size_t kValueBytesMax = 100;    // longer ones are messages, not names

using Counts = std::map<std::string, uint64_t, std::less<>>;  // rows by value

void add_value(std::string_view value, uint64_t rows, Counts& counts) {
  if (value.size() > kValueBytesMax) return;
  const auto found = counts.find(value);
  if (found == counts.end()) {
    counts.emplace(value, rows);
  } else {
    found->second += rows;
  }
}

// Samples the newest rows of a column that has no dictionary, because it has too many distinct
// strings or too few rows. False if most sampled values are distinct.
bool add_sample(const Segment& segment, const SegmentColumn& column, Counts& counts) {
  const size_t row_count = segment.info().row_count;
  const size_t start = row_count - std::min(row_count, kSampleRowCount);
  std::vector<uint8_t> valid(row_count - start);
  std::vector<uint32_t> rows(valid.size());
  std::iota(rows.begin(), rows.end(), static_cast<uint32_t>(start));
  StringVector strings;
  if (!column.read_valid(start, valid) || !column.read_strings(rows, strings)) return true;
  Counts sampled;
  for (size_t i = 0; i < rows.size(); ++i) {
    if (valid[i]) add_value(strings.values[i], 1, sampled);
  }
  constexpr size_t kFew = 50;
  if (sampled.size() > kFew && sampled.size() > rows.size() / 2) return false;
  for (const auto& [value, count] : sampled) add_value(value, count, counts);
  return true;
}

// False if the column has too many distinct values.
bool add_segment(const Segment& segment, const Column& column, Counts& counts) {
  const auto stored = segment.column(column);
  if (!stored || *stored == nullptr) return true;
  if (!(*stored)->has_dictionary()) return add_sample(segment, **stored, counts);
  const auto entries = (*stored)->entries();
  if (!entries) return true;
  if (entries->size() > kEntryCountMax) return false;
  const auto statistics = (*stored)->entry_statistics();
  for (size_t i = 0; i < entries->size(); ++i) {
    const bool known = statistics && i < statistics->size();
    add_value((*entries)[i], known ? (*statistics)[i].row_count : 1, counts);
  }
  return counts.size() <= kEntryCountMax;
}

// The ids of the newest segments; sets `range` to one that overlaps them all.
std::vector<uint64_t> newest_segments(const Database& database, const std::string& measurement,
                                      TimeRange& range) {
  auto infos = database.segment_infos({{measurement}, {INT64_MIN, INT64_MAX}});
  if (!infos) return {};
  std::ranges::sort(*infos, std::ranges::greater(), &SegmentInfo::max_time);
  if (infos->size() > kSegmentCountMax) infos->resize(kSegmentCountMax);
  std::vector<uint64_t> ids;
  for (const SegmentInfo& info : *infos) {
    ids.push_back(info.id);
    range = {info.max_time, infos->front().max_time + 1};
  }
  return ids;
}

bool add_measurement(const Database& database, const Measurement& measurement,
                     const std::string& column_name, Counts& counts) {
  const Column* column = find_column(measurement, column_name, ValueType::kString);
  if (!column || column->type != ColumnType::kString) return true;
  TimeRange range{0, 0};
  const std::vector<uint64_t> ids = newest_segments(database, measurement.name, range);
  if (ids.empty()) return true;
  const auto snapshot = database.snapshot({{measurement.name}, range});
  if (!snapshot) return true;
  return std::ranges::all_of(snapshot->segments, [&](const auto& segment) {
    return std::ranges::find(ids, segment->info().id) == ids.end() ||
           add_segment(*segment, *column, counts);
  });
}

}  // namespace

std::vector<std::string> recent_values(const Database& database,
                                       const std::vector<std::string>& measurements,
                                       const std::string& column) {
  const auto catalog = database.catalog();
  Counts counts;
  for (const std::string& name : measurements) {
    const Measurement* measurement = catalog->find(name);
    if (measurement && !add_measurement(database, *measurement, column, counts)) return {};
  }
  std::vector<std::pair<uint64_t, std::string>> ranked;
  for (const auto& [value, rows] : counts) ranked.emplace_back(rows, value);
  std::ranges::stable_sort(ranked, std::ranges::greater(),
                           &std::pair<uint64_t, std::string>::first);
  if (ranked.size() > kValueCountMax) ranked.resize(kValueCountMax);
  std::vector<std::string> values;
  for (auto& [rows, value] : ranked) values.push_back(std::move(value));
  return values;
}

}  // namespace tocsin
