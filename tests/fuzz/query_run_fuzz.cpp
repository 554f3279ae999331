// Runs any text as a query on a small database: it returns a result or an error within its limits,
// the same with one and two threads.
#include <cmath>
#include <cstdint>
#include <memory>
#include <string>

#include "db/base/check.h"
#include "query/format/result.h"
#include "query/query.h"
#include "tests/query/sample_catalog.h"
#include "tests/support/memory_database.h"

using namespace tocsin;

namespace {

MemoryDatabase small_database() {
  MemoryDatabase database;
  for (int segment = 0; segment < 4; ++segment) {
    std::vector<Timestamp> times;
    std::vector<Value> service, status, message, ms, code, ok, bytes, started;
    for (int i = 0; i < 40; ++i) {
      times.push_back(kSampleNow - (segment * 40 + i) * 20 * kMinute);
      const bool missing = i % 7 == 3;
      service.push_back(missing ? Value::null() : Value::of(i % 3 == 0 ? "pay" : "web"));
      status.push_back(Value::of(i % 5 == 0 ? "FAILED" : "OK"));
      message.push_back(
          Value::of("took " + std::to_string(i * 13) + " ms for user=u" + std::to_string(i % 4)));
      ms.push_back(missing ? Value::null() : Value::of(i * 1.5 - 7));
      code.push_back(i == 5 ? Value::of(INT64_MAX) : Value::of(int64_t{i % 6}));
      ok.push_back(i % 11 == 0 ? Value::null() : Value::of(i % 2 == 0));
      bytes.push_back(i == 9 ? Value::of(UINT64_MAX) : Value::of(static_cast<uint64_t>(i) * 1000));
      started.push_back(Value::time(times.back() - kSecond));
    }
    database.add_segment(segment < 3 ? "audit" : "bpm", times,
                         {{"service", service},
                          {"status", status},
                          {"message", message},
                          {"duration_ms", ms},
                          {"code", code},
                          {"ok", ok},
                          {"bytes", bytes},
                          {"started_at", started}},
                         {.dictionary = segment % 2 == 0});
  }
  return database;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const MemoryDatabase database = small_database();
  static const QueryEngine engine(database);
  if (size > 4096) return 0;
  const std::string text(reinterpret_cast<const char*>(data), size);
  QueryOptions options = sample_options();
  options.rule_mode = size > 0 && data[size - 1] == '\n';
  options.memory_bytes_max = 32 * kMiB;
  options.timeout = 2 * kSecond;
  options.threads = 1;
  const auto table = engine.run(text, options);
  if (!table) {
    TOCSIN_CHECK(!table.error().message.empty());
    return 0;
  }
  for (const ResultColumn& column : table->columns) {
    TOCSIN_CHECK(column.valid.size() == table->row_count);
    for (size_t row = 0; row < column.f64.size(); ++row) {
      TOCSIN_CHECK(column.valid[row] == 0 || std::isfinite(column.f64[row]));
    }
  }
  const std::string json = format_result(*table, ResultFormat::kJson, {.statistics = false});
  format_result(*table, ResultFormat::kTable, {.terminal_width = 40});
  // Float sums may differ in their last digits.
  options.threads = 2;
  const auto again = engine.run(text, options);
  TOCSIN_CHECK(!again || again->row_count == table->row_count);
  return 0;
}
