#include "tests/tools/random_rows.h"

#include <bit>
#include <cmath>
#include <limits>
#include <vector>

namespace tocsin::test {
namespace {

constexpr Timestamp kSomeTime = 1'764'000'000 * kSecond;

class Generator {
 public:
  Generator(std::mt19937& random, const RandomRowsOptions& options)
      : random_(random), options_(options) {}

  std::vector<Batch> make() {
    const std::vector<std::string> names = some(measurement_names(), 3);
    std::vector<std::vector<Column>> columns_of;
    for (size_t i = 0; i < names.size(); ++i) columns_of.push_back(columns());
    std::vector<Batch> batches(options_.batch_count);
    for (Batch& batch : batches) {
      for (size_t i = 0; i < names.size(); ++i) {
        add_rows(batch, batch.rows_of(names[i]), columns_of[i]);
      }
    }
    return batches;
  }

 private:
  struct Column {
    std::string name;
    ColumnType type = ColumnType::kI64;
    ColumnKind kind = ColumnKind::kField;
  };

  size_t pick(size_t below) { return random_() % below; }
  template <class T>
  const T& one_of(const std::vector<T>& values) {
    return values[pick(values.size())];
  }
  // `count` different values, or all if there are fewer.
  std::vector<std::string> some(std::vector<std::string> values, size_t count) {
    while (values.size() > count)
      values.erase(values.begin() + static_cast<long>(pick(values.size())));
    return values;
  }

  std::vector<std::string> measurement_names() const {
    std::vector<std::string> names = {"audit",         "a b,c=d", "\"quoted\"", "back\\slash",
                                      "m\xC3\xBCller", " blank",  "\xff\xfe",   "base64:AAAA",
                                      "measurement",   "x{y#z"};
    if (!options_.for_line_protocol) {
      for (const char* name : {"#comment", "{json", "two\nlines", "end\\", "\ttab", "\r"}) {
        names.push_back(name);
      }
    }
    return names;
  }

  std::vector<std::string> column_names() const {
    std::vector<std::string> names = {"a",       "a.b",      "sp ace",    "eq=ual",     "com,ma",
                                      "quo\"te", "=\"x\"",   "_",         "_x",         "\xC3\xA9",
                                      "\xff",    "base64:x", "in\\side",  "time_field", "#x",
                                      "{x}",     "true",     "back`tick", "a,b=\"c d"};
    if (!options_.for_line_protocol) {
      for (const char* name : {"two\nlines", "cr\r", "\ttab", "end\\"}) names.push_back(name);
      names.push_back(std::string("nul\0x", 5));
    }
    return names;
  }

  std::vector<Column> columns() {
    std::vector<Column> columns = {{"plain", ColumnType::kString, ColumnKind::kTag}};
    for (const std::string& name : some(column_names(), 1 + pick(9))) {
      Column column{name, static_cast<ColumnType>(1 + pick(5)), ColumnKind::kField};
      if (column.type == ColumnType::kString && pick(2) == 0) column.kind = ColumnKind::kTag;
      // Line protocol cannot mark an integer as a time.
      const bool may_be_time = !options_.for_line_protocol && pick(3) == 0;
      if (column.type == ColumnType::kI64 && may_be_time) column.kind = ColumnKind::kTime;
      columns.push_back(std::move(column));
    }
    return columns;
  }

  void add_rows(Batch& batch, RowBatch& rows, const std::vector<Column>& row_columns) {
    const size_t count = pick(options_.rows_max + 1);
    for (size_t i = 0; i < count; ++i) {
      rows.begin_row(time());
      if (pick(8) == 0) continue;  // no fields
      for (const Column& column : row_columns) {
        if (pick(3) != 0) set(batch, rows, column);
      }
    }
  }

  Timestamp time() {
    switch (pick(12)) {
      case 0: return kTimeMin + static_cast<Timestamp>(pick(3));
      case 1: return static_cast<Timestamp>(pick(3)) - 1;
      case 2: return -kSomeTime + static_cast<Timestamp>(pick(1000)) * kDay + 1;
      case 3: return kSomeTime;  // equal times
      default: return kSomeTime + static_cast<Timestamp>(pick(3'000'000)) * kSecond / 7;
    }
  }

  void set(Batch& batch, RowBatch& rows, const Column& column) {
    const size_t lane = rows.lane(column.name, column.type, column.kind, 0);
    switch (column.type) {
      case ColumnType::kI64: return rows.set_i64(lane, integer());
      case ColumnType::kU64: return rows.set_u64(lane, static_cast<uint64_t>(integer()));
      case ColumnType::kF64: return rows.set_f64(lane, number());
      case ColumnType::kBool: return rows.set_bool(lane, pick(2) == 0);
      case ColumnType::kString:
        return rows.set_string(lane, batch.copy(column.name == "plain" ? plain() : text()));
    }
  }

  int64_t integer() {
    const std::vector<int64_t> extremes = {0, -1, 1, INT64_MIN, INT64_MAX, int64_t{1} << 53};
    if (pick(3) == 0) return one_of(extremes);
    return std::bit_cast<int64_t>(bits() >> pick(64));
  }

  uint64_t bits() { return uint64_t{random_()} << 32 | random_(); }

  double number() {
    using Limits = std::numeric_limits<double>;
    const std::vector<double> finite = {0.0,
                                        -0.0,
                                        5.0,
                                        -1.0,
                                        0.1,
                                        1e300,
                                        1e21,
                                        Limits::max(),
                                        Limits::min(),
                                        Limits::denorm_min(),
                                        -Limits::denorm_min()};
    const std::vector<double> others = {
        Limits::infinity(),
        -Limits::infinity(),
        Limits::quiet_NaN(),
        -Limits::quiet_NaN(),
        std::bit_cast<double>(uint64_t{0x7FF0000000000001}),   // a signalling NaN
        std::bit_cast<double>(uint64_t{0xFFF8000000ABCDEF})};  // one with a payload
    if (pick(3) == 0) return one_of(finite);
    if (pick(3) == 0 && !options_.for_line_protocol) return one_of(others);
    const auto value = std::bit_cast<double>(bits());
    return std::isfinite(value) ? value : 1.5;
  }

  std::string plain() { return one_of<std::string>({"pay", "web 1", "a,b", "c=d", "\xC3\xA9"}); }

  std::string text() {
    const std::vector<std::string> hard = {"",
                                           " ",
                                           "\"",
                                           "\"\"",
                                           "\\",
                                           "end\\",
                                           "\\n",
                                           "two\nlines",
                                           "\r",
                                           "x\r\n",
                                           "a,b",
                                           "=",
                                           "null",
                                           "true",
                                           "5",
                                           "-0",
                                           "1e5",
                                           "nan",
                                           "#",
                                           "{",
                                           "\xff",
                                           "\xC3",
                                           "\xED\xA0\x80",
                                           "base64:",
                                           "base64:AA==",
                                           "\t",
                                           "\x01\x1f\x7f",
                                           "\xC2\x85",
                                           "2026-11-24T10:00:00Z",
                                           "_=t",
                                           "  both  "};
    switch (pick(8)) {
      case 0: return std::string(pick(3) == 0 ? 70'000 : 300, 'x') + "\n\"";
      case 1: return std::string("nul\0l", 5);
      case 2: {
        std::string bytes;
        for (size_t n = pick(20); n > 0; --n) bytes += static_cast<char>(pick(256));
        return bytes;
      }
      case 3: return one_of(hard) + one_of(hard);
      case 4: return "connection from 10.0.0." + std::to_string(pick(256)) + " closed";
      default: return one_of(hard);
    }
  }

  std::mt19937& random_;
  const RandomRowsOptions& options_;
};

}  // namespace

std::vector<Batch> random_rows(std::mt19937& random, const RandomRowsOptions& options) {
  return Generator(random, options).make();
}

}  // namespace tocsin::test
