#include "tests/db/random_history.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "db/limits.h"

namespace tocsin::testing {
namespace {

constexpr Duration kRetention = 5 * kDay;
constexpr size_t kColumnCount = 10;

int64_t day_of(Timestamp time) { return time / kDay; }  // no history is older than the epoch

int number_in_environment(const char* name, int otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::atoi(text);
}

void set(RowBatch& rows, Batch& batch, const std::string& name, const ModelValue& value) {
  const size_t lane = rows.lane(name, value.type, ColumnKind::kField, 0);
  const std::string_view text = batch.copy(value.text);
  switch (value.type) {
    case ColumnType::kI64: return rows.set_i64(lane, value.i64, text);
    case ColumnType::kU64: return rows.set_u64(lane, value.u64, text);
    case ColumnType::kF64: return rows.set_f64(lane, value.f64, text);
    case ColumnType::kBool: return rows.set_bool(lane, value.i64 != 0, text);
    case ColumnType::kString: return rows.set_string(lane, text);
  }
}

}  // namespace

int trial_count(int quick) { return number_in_environment("TOCSIN_LONG", quick); }
unsigned first_seed() { return static_cast<unsigned>(number_in_environment("TOCSIN_SEED", 1)); }

std::string ModelValue::as(ColumnType column) const {
  switch (column) {
    case ColumnType::kI64:
      return "i64:" + std::to_string(type == ColumnType::kU64 ? static_cast<int64_t>(u64) : i64);
    case ColumnType::kU64:
      return "u64:" + std::to_string(type == ColumnType::kI64 ? static_cast<uint64_t>(i64) : u64);
    case ColumnType::kF64:
      if (type == ColumnType::kI64) return "f64:" + double_text(static_cast<double>(i64));
      if (type == ColumnType::kU64) return "f64:" + double_text(static_cast<double>(u64));
      return "f64:" + double_text(f64);
    case ColumnType::kBool: return "bool:" + std::to_string(i64);
    case ColumnType::kString: return "string:" + text;
  }
  return "";
}

RandomHistory::RandomHistory(std::string directory, unsigned seed, Options options)
    : directory_(std::move(directory)), sizes_(options), random_(seed), clock_(kNoon) {
  options_.clock = &clock_;
  options_.retention = kRetention;
  options_.retention_grace = 0;  // the model drops expired days at once
  open();
}

RandomHistory::~RandomHistory() { close(); }

void RandomHistory::run(int steps) {
  for (int i = 0; i < steps; ++i) step();
}

void RandomHistory::step() {
  switch (pick(20)) {
    case 0:
    case 1: return seal();
    case 2: return open();
    case 3: return check();
    case 4: return let_time_pass();
    case 5: return compact();
    default:
      return write(pick(25) == 0 ? sizes_.large_rows : 1 + pick(sizes_.rows_max), pick(4) == 0);
  }
}

void RandomHistory::open() {
  close();
  database_ = take(Database::open(directory_, options_));
  drop_expired();
}

void RandomHistory::close() { database_.reset(); }
void RandomHistory::seal() { take(database_->seal()); }
void RandomHistory::compact() { take(database_->compact({})); }

void RandomHistory::let_time_pass() {
  clock_.set(clock_.now() + static_cast<int64_t>(pick(36)) * kHour);
  open();  // drops expired days at once
}

void RandomHistory::drop_expired() {
  // The first request may be answered before the housekeeping of a new database has run, the second
  // cannot.
  for (int i = 0; i < 2; ++i) take(database_->write(WriteRequest()));
  const int64_t first_day = day_of(clock_.now() - kRetention);
  for (auto& [name, rows] : rows_) {
    std::erase_if(rows, [&](const Row& row) { return day_of(row.time) < first_day; });
  }
}

void RandomHistory::write(size_t row_count, bool bulk) {
  WriteRequest request;
  request.bulk = bulk;
  const std::string name = pick(5) == 0 ? "n" : "m";
  std::vector<Row> rows(row_count);
  RowBatch& batch = request.batch.rows_of(name);
  const Timestamp base = clock_.now() - static_cast<int64_t>(pick(3)) * kDay;
  for (Row& row : rows) {
    row.time = base - static_cast<int64_t>(pick(1000)) * kMinute;
    batch.begin_row(row.time);
    for (size_t column = 0; column < kColumnCount; ++column) {
      if (pick(3) == 0) continue;
      const std::string column_name = "c" + std::to_string(column);
      // Occasionally a column gets a value of another type.
      ModelValue& value = row.values[column_name];
      value = make_value(pick(40) == 0 ? pick(kColumnCount) : column);
      set(batch, request.batch, column_name, value);
    }
  }
  auto keep = [this, name, rows = std::move(rows)](Result<WriteReport> report) {
    if (!report) return write_errors_.push_back(report.error().message);
    std::vector<bool> refused(rows.size());
    for (const RejectedRow& row : report->rejected) refused[row.row] = true;
    for (size_t i = 0; i < rows.size(); ++i) {
      if (!refused[i]) rows_[name].push_back(rows[i]);
    }
  };
  if (bulk) {
    take(database_->submit(std::move(request), keep));
  } else {
    keep(database_->write(std::move(request)));
    REQUIRE(write_errors_.empty());
  }
}

ModelValue RandomHistory::make_value(size_t kind) {
  ModelValue value;
  switch (kind) {
    case 0: value.i64 = static_cast<int64_t>(pick(100)); break;
    case 1: value.i64 = static_cast<int64_t>(random_()); break;
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
    default: value.type = ColumnType::kString; value.text = make_text(kind);
  }
  if (value.type == ColumnType::kI64) value.text = std::to_string(value.i64);
  if (value.type == ColumnType::kU64) value.text = std::to_string(value.u64);
  if (value.type == ColumnType::kF64) value.text = "float " + double_text(value.f64);
  if (value.type == ColumnType::kBool) value.text = value.i64 ? "TRUE" : "FALSE";
  return value;
}

std::string RandomHistory::make_text(size_t kind) {
  if (kind == 6) return "service-" + std::to_string(pick(7));
  if (kind == 7) return pick(5) == 0 ? "" : "id " + std::to_string(random_());
  std::string text;
  if (kind == 8) {  // not valid UTF-8, and may contain zeros
    for (size_t i = pick(20); i > 0; --i) text.push_back(static_cast<char>(random_()));
    return text;
  }
  const size_t size = pick(5'000) == 0 ? kStringBytesMax : pick(200) == 0 ? 10'000 : pick(50);
  return std::string(size, static_cast<char>('a' + pick(26)));
}

size_t RandomHistory::row_count() const {
  size_t count = 0;
  for (const auto& [name, rows] : rows_) count += rows.size();
  return count;
}

std::vector<RowText> RandomHistory::expected_rows(const Catalog& catalog,
                                                  const std::string& measurement) const {
  std::vector<RowText> expected;
  const auto found = rows_.find(measurement);
  if (found == rows_.end()) return expected;
  const Measurement* stored = catalog.find(measurement);
  for (const Row& row : found->second) {
    RowText& text = expected.emplace_back();
    text.time = row.time;
    for (const auto& [name, value] : row.values) {
      const Column* column = stored == nullptr ? nullptr : stored->find(name);
      text.values[name] = column == nullptr ? "no such column" : value.as(column->type);
    }
  }
  std::sort(expected.begin(), expected.end());
  return expected;
}

void RandomHistory::check() {
  seal();  // bulk rows are visible afterwards
  REQUIRE(write_errors_.empty());
  for (const char* measurement : {"m", "n"}) {
    auto snapshot = take(database_->snapshot({{measurement}, {}}));
    auto found = take(read_rows(snapshot, measurement));
    std::sort(found.begin(), found.end());
    const auto expected = expected_rows(*snapshot.catalog, measurement);
    CHECK(found.size() == expected.size());
    CHECK((found == expected));
  }
}

std::string difference(const RandomHistory& history, const std::string& directory) {
  DatabaseOptions options = history.options();
  options.read_only = true;
  auto database = Database::open(directory, options);
  if (!database) return database.error().message;
  for (const char* measurement : {"m", "n"}) {
    auto snapshot = (*database)->snapshot({{measurement}, {}});
    if (!snapshot) return snapshot.error().message;
    auto found = read_rows(*snapshot, measurement);
    if (!found) return found.error().message;
    std::sort(found->begin(), found->end());
    const auto expected = history.expected_rows(*snapshot->catalog, measurement);
    if (found->size() != expected.size()) {
      return "`" + std::string(measurement) + "` has " + std::to_string(found->size()) +
             " rows instead of " + std::to_string(expected.size());
    }
    if (*found != expected) return "`" + std::string(measurement) + "` has other rows";
  }
  return "";
}

}  // namespace tocsin::testing
