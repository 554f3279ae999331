#include "tests/query/oracle/data.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <set>

#include <fmt/format.h>

#include "tests/db/db_support.h"

namespace tocsin::oracle {
namespace {

using T = ValueType;
using tocsin::testing::take;

constexpr std::array kServices = {"pay", "web", "mail", "Pay-eu", ""};
constexpr std::array kStatuses = {"OK", "FAILED", "TIMEOUT"};
constexpr std::array kMessages = {
    "user 17 logged in",
    "took 250 ms",
    "timeout after 30s for order 8123-a1",
    "Größe überschritten: 95%",
    "  padded\t",
    "a \"quoted\" word",
    "1e3",
    "-12.5",
    "2026-11-24T10:00:00Z",
    "user=jane took 12 ms",
    "0xdeadbeef00",
    "",
};

class EventMaker {
 public:
  explicit EventMaker(Random& random) : random_(random) {}

  Event audit() {
    Event event;
    set(event, "service", 90, Value::of(kServices[pick(kServices.size())]));
    set(event, "status", 95, Value::of(kStatuses[pick(kStatuses.size())]));
    set(event, "user", 60, Value::of(fmt::format("u{}", pick(400))));
    set(event, "message", 80, Value::of(message()));
    set(event, "ms", 85, Value::of(static_cast<double>(pick(4000)) / 4 - 100));
    set(event, "code", 90, Value::of(code()));
    set(event, "bytes", 70, Value::of(pick(50) == 0 ? UINT64_MAX - pick(3) : uint64_t{pick(5000)}));
    set(event, "ok", 80, Value::of(pick(2) == 0));
    set(event, "rate", 30, Value::of(std::ldexp(1.0, static_cast<int>(pick(40)) - 20)));
    return event;
  }
  // Here `ms` is an integer and `code` a string.
  Event bpm() {
    Event event;
    set(event, "service", 100, Value::of(kServices[pick(3)]));
    set(event, "status", 50, Value::of(kStatuses[pick(kStatuses.size())]));
    set(event, "ms", 90, Value::of(static_cast<int64_t>(pick(2000))));
    set(event, "code", 80, Value::of(fmt::format("E{}", pick(5))));
    set(event, "amount", 90, Value::of(static_cast<double>(pick(100)) / 8));
    return event;
  }
  Event quiet() {
    Event event;
    set(event, "level", 50, Value::of(static_cast<int64_t>(pick(5))));
    set(event, "bytes", 50, Value::of(static_cast<int64_t>(pick(100))));
    return event;
  }
  size_t pick(size_t count) { return random_() % count; }

 private:
  void set(Event& event, const char* name, size_t percent, Value value) {
    if (pick(100) < percent) event.values[name] = std::move(value);
  }
  std::string message() {
    std::string text = kMessages[pick(kMessages.size())];
    return pick(3) == 0 ? text + " #" + std::to_string(pick(1000)) : text;
  }
  int64_t code() {
    switch (pick(40)) {
      case 0: return INT64_MAX - static_cast<int64_t>(pick(2));
      case 1: return INT64_MIN + static_cast<int64_t>(pick(2));
      case 2: return (int64_t{1} << 53) + 1;
      default: return static_cast<int64_t>(pick(20)) - 5;
    }
  }

  Random& random_;
};

void write(const std::string& measurement, const std::vector<Event>& events, Database& database) {
  WriteRequest request;
  request.urgent = true;
  RowBatch& rows = request.batch.rows_of(measurement);
  for (const Event& event : events) {
    rows.begin_row(event.time);
    size_t hint = 0;
    for (const auto& [name, value] : event.values) {
      const bool is_tag = name == "service" || name == "status";
      put(value, name, is_tag ? ColumnKind::kTag : ColumnKind::kField, hint++, rows, request.batch);
    }
  }
  const WriteReport report = take(database.write(std::move(request)));
  REQUIRE(report.rejected.empty());
}

}  // namespace

void put(const Value& value, const std::string& name, ColumnKind kind, size_t hint, RowBatch& rows,
         Batch& batch) {
  const auto lane = [&](ColumnType type) { return rows.lane(name, type, kind, hint); };
  switch (value.type) {
    case T::kBool: rows.set_bool(lane(ColumnType::kBool), std::get<bool>(value.data)); break;
    case T::kI64: rows.set_i64(lane(ColumnType::kI64), std::get<int64_t>(value.data)); break;
    case T::kU64: rows.set_u64(lane(ColumnType::kU64), std::get<uint64_t>(value.data)); break;
    case T::kF64: rows.set_f64(lane(ColumnType::kF64), std::get<double>(value.data)); break;
    default:
      rows.set_string(lane(ColumnType::kString), batch.copy(std::get<std::string>(value.data)));
  }
}

Data random_data(Random& random, size_t event_count, bool ties, Timestamp end) {
  EventMaker make(random);
  Data data;
  data["audit"], data["bpm"], data["quiet/1"];
  std::set<Timestamp> taken;
  for (size_t i = 0; i < event_count; ++i) {
    // Mostly recent times, so that short ranges are not empty; some at multiples of ten minutes.
    const int64_t span = std::array{kHour, 6 * kHour, kDay, 8 * kDay}[make.pick(4)];
    const int64_t grain = ties || make.pick(10) == 0 ? 10 * kMinute : kMillisecond;
    Timestamp time =
        end - static_cast<int64_t>(random() % static_cast<uint64_t>(span / grain)) * grain - 1;
    time -= make.pick(3) == 0 ? time % grain : 0;
    while (!ties && !taken.insert(time).second) time -= kMicrosecond;
    const size_t which = make.pick(20);
    Event event = which < 13 ? make.audit() : which < 19 ? make.bpm() : make.quiet();
    event.time = time;
    data[which < 13 ? "audit" : which < 19 ? "bpm" : "quiet/1"].push_back(std::move(event));
  }
  return data;
}

void store(const Data& data, Database& database, Random& random) {
  for (const bool second : {false, true}) {
    for (const auto& [name, events] : data) {
      const size_t half = events.size() / 2;
      std::vector<Event> part(
          events.begin() + static_cast<ptrdiff_t>(second ? half : 0),
          second ? events.end() : events.begin() + static_cast<ptrdiff_t>(half));
      while (!part.empty()) {
        const size_t count = std::min(part.size(), 1 + random() % 400);
        write(name, {part.begin(), part.begin() + static_cast<ptrdiff_t>(count)}, database);
        part.erase(part.begin(), part.begin() + static_cast<ptrdiff_t>(count));
      }
    }
    if (!second) take(database.seal());
  }
}

}  // namespace tocsin::oracle
