#include "tests/query/oracle_generator.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "query/ast.h"
#include "query/lexer.h"
#include "query/prepare.h"
#include "tests/db/db_support.h"

namespace tocsin::oracle {
namespace {

using T = ValueType;
using tocsin::testing::take;

// ---- data
// -------------------------------------------------------------------------------------------

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
  // `ms` is an integer here and `code` a text.
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
      case 0:
        return INT64_MAX - static_cast<int64_t>(pick(2));
      case 1:
        return INT64_MIN + static_cast<int64_t>(pick(2));
      case 2:
        return (int64_t{1} << 53) + 1;
      default:
        return static_cast<int64_t>(pick(20)) - 5;
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
      const auto lane = [&](ColumnType type) {
        const bool tag = name == "service" || name == "status";
        return rows.lane(name, type, tag ? ColumnKind::kTag : ColumnKind::kField, hint++);
      };
      switch (value.type) {
        case T::kBool:
          rows.set_bool(lane(ColumnType::kBool), std::get<bool>(value.data));
          break;
        case T::kI64:
          rows.set_i64(lane(ColumnType::kI64), std::get<int64_t>(value.data));
          break;
        case T::kU64:
          rows.set_u64(lane(ColumnType::kU64), std::get<uint64_t>(value.data));
          break;
        case T::kF64:
          rows.set_f64(lane(ColumnType::kF64), std::get<double>(value.data));
          break;
        default:
          rows.set_string(lane(ColumnType::kString),
                          request.batch.copy(std::get<std::string>(value.data)));
      }
    }
  }
  const WriteReport report = take(database.write(std::move(request)));
  REQUIRE(report.rejected.empty());
}

}  // namespace

Data random_data(Random& random, size_t event_count, bool ties, Timestamp end) {
  EventMaker make(random);
  Data data;
  data["audit"], data["bpm"], data["quiet/1"];
  std::set<Timestamp> taken;
  for (size_t i = 0; i < event_count; ++i) {
    // More of it lately, so that short ranges hold something; a tenth at the full hour.
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

// ---- queries
// ----------------------------------------------------------------------------------------

bool QueryGenerator::accept(const std::string& longer) {
  auto plan = build_plan(longer, catalog_, options_);
  if (!plan) return false;
  query_.text = longer;
  columns_ = plan->output_columns();
  return true;
}

Query QueryGenerator::next() {
  query_ = {};
  inexact_.clear();
  counts_.clear();
  grouped_ = bucketed_ = has_baseline_ = false;
  names_ = 0;
  while (!accept(source())) {
  }
  for (size_t stages = pick(6); stages > 0; --stages) add_stage();
  query_.ordered = query_.ordered && (!ties_ || grouped_);
  return query_;
}

std::string QueryGenerator::source() {
  const std::string from =
      one_of(std::array{"from audit", "from audit", "from bpm", "from audit, bpm",
                        "from bpm, audit, quiet/1", "from *"});
  switch (pick(6)) {
    case 0:
      return from;
    case 1:
      return from + " between now - 2d and now - 3h";
    case 2:
      return from + " between 2026-11-23 and 2026-11-24T11:30:00Z";
    default:
      return from + " last " + one_of(std::array{"1h", "90m", "6h", "1d", "3d", "8d"});
  }
}

void QueryGenerator::add_stage() {
  const auto before = columns_;
  const bool was_bucketed = bucketed_;
  std::string stage;
  bool grouped = grouped_;
  std::set<std::string> inexact = inexact_;
  std::vector<std::string> counts = counts_;
  switch (pick(16)) {
    case 0:
    case 1:
    case 2:
      stage = "where " + condition(2);
      break;
    case 3:
    case 4: {
      std::string list;
      for (size_t n = 1 + pick(3); n > 0; --n) {
        const bool replaces = chance(15) && !columns_.empty();
        std::string name =
            replaces ? columns_[pick(columns_.size())].name : fmt::format("x{}", names_++);
        if (name == "time") name = fmt::format("x{}", names_++);
        inexact.erase(name);
        list += (list.empty() ? "" : ", ") + ast::print_name(name) + " = " + any(2);
      }
      stage = "let " + list;
      break;
    }
    case 5:
    case 6:
    case 7:
    case 8: {
      inexact.clear();
      counts.clear();
      std::string items;
      for (size_t n = 1 + pick(4); n > 0; --n) {
        bool is_inexact = false;
        const std::string name = fmt::format("a{}", names_++);
        items += (items.empty() ? "" : ", ") + name + " = " + aggregate(is_inexact);
        if (is_inexact) inexact.insert(name);
        counts.push_back(name);
      }
      stage = "stats " + items + keys();
      grouped = true;
      bucketed_ =
          stage.find("time(") != std::string::npos && stage.find(" by ") != std::string::npos;
      break;
    }
    case 9:
      stage = "sort " + sort_keys();
      break;
    case 10:
      if (!ties_ || grouped_) stage = fmt::format("limit {}", 1 + pick(20));
      break;
    case 11:
      if (!ties_ || grouped_) stage = fmt::format("top {} by {}", 1 + pick(10), sort_keys());
      break;
    case 12:
      if (inexact_.empty()) stage = "distinct " + (chance(70) ? column_list() : "");
      break;
    case 13:
      stage = (chance(50) ? "keep " : "drop ") + column_list();
      break;
    case 14:
      if (!has_baseline_ && grouped_) stage = baseline();
      break;
    default:
      if (!bucketed_) break;
      if (chance(60)) {
        stage = "fill" +
                (chance(40) ? " " + one_of(std::array{"0", "7", "\"none\"", "null", "1.5"}) : "");
      } else if (inexact_.empty()) {
        stage = "detect " + column_of(T::kF64) + (chance(40) ? " season 6h" : "");
        if (chance(50)) stage = "detect " + column_of(T::kI64);
      }
  }
  if (stage.empty() || stage.find("NONE") != std::string::npos ||
      !accept(query_.text + "\n| " + stage)) {
    bucketed_ = was_bucketed;
    return;
  }
  if (stage.starts_with("baseline")) {
    has_baseline_ = true;
    for (const PlanColumn& column : columns_) {
      if (column.name.starts_with("baseline(")) inexact.insert(column.name);
    }
    query_.ordered = false;
  }
  if (stage.starts_with("detect")) {
    for (const char* name : {"expected", "lower", "upper", "score"}) inexact.insert(name);
  }
  grouped_ = grouped;
  inexact_ = std::move(inexact);
  counts_ = std::move(counts);
}

// With a stage that uses it at once, so that it computes something.
std::string QueryGenerator::baseline() {
  if (counts_.empty()) return "";
  const std::string x = counts_[pick(counts_.size())];
  const std::string statistic = one_of(std::array{"", ", mean", ", median", ", stddev", ", mad",
                                                  ", min", ", max", ", windows", ", p95"});
  std::string stage = "baseline " + one_of(std::array{"1d", "2d", "7d"});
  if (chance(40)) stage += " step " + one_of(std::array{"6h", "12h", "1d"});
  if (chance(40)) stage += " min " + std::to_string(1 + pick(5));
  return stage + fmt::format("\n| let y{} = baseline({}{})", names_++, x, statistic);
}

std::string QueryGenerator::keys() {
  std::vector<std::string> list;
  if (chance(30)) list.push_back("time(" + one_of(std::array{"15m", "1h", "6h"}) + ")");
  for (size_t n = pick(3); n > 0; --n) {
    const PlanColumn& column = columns_[pick(columns_.size())];
    const std::string name = ast::print_name(column.name);
    if (inexact_.count(column.name) > 0 || column.name == "time") continue;
    if (std::ranges::find(list, name) == list.end()) list.push_back(name);
  }
  std::string out;
  for (const std::string& each : list) out += (out.empty() ? " by " : ", ") + each;
  return out;
}

std::string QueryGenerator::sort_keys() {
  std::string out;
  for (size_t n = 1 + pick(2); n > 0; --n) {
    const PlanColumn& column = columns_[pick(columns_.size())];
    if (inexact_.count(column.name) > 0) return "NONE";
    out += (out.empty() ? "" : ", ") + std::string(chance(50) ? "-" : "") +
           ast::print_name(column.name);
  }
  return out;
}

std::string QueryGenerator::column_list() {
  std::vector<std::string> list;
  for (size_t n = 1 + pick(3); n > 0; --n) {
    const std::string name = ast::print_name(columns_[pick(columns_.size())].name);
    if (std::ranges::find(list, name) == list.end()) list.push_back(name);
  }
  std::string out;
  for (const std::string& each : list) out += (out.empty() ? "" : ", ") + each;
  return out;
}

std::string QueryGenerator::aggregate(bool& inexact) {
  const auto sums = [&](const char* name) {
    inexact = true;
    return fmt::format("{}({})", name, chance(70) ? number(1) : integer(1));
  };
  std::string out;
  switch (pick(17)) {
    case 0:
    case 1:
      out = "count()";
      break;
    case 2:
      out = "count(" + any(1) + ")";
      break;
    case 3:
      out = sums("sum");
      break;
    case 4:
      out = sums("mean");
      break;
    case 5:
      out = "min(" + any(1) + ")";
      break;
    case 6:
      out = "max(" + any(1) + ")";
      break;
    case 7:
      out = "first(" + any(1) + ")";
      break;
    case 8:
      out = "last(" + any(1) + ")";
      break;
    case 9:
      out = sums("stddev");
      break;
    case 10:
      out = sums("variance");
      break;
    case 11:
      out = "median(" + (chance(20) ? duration(1) : number(1)) + ")";
      break;
    case 12:
      out = one_of(std::array{"p1", "p50", "p95", "p99.9"}) + "(" + number(1) + ")";
      break;
    case 13:
      out = "quantile(" + number(1) + ", " + one_of(std::array{"0", "0.25", "1"}) + ")";
      break;
    case 14:
      out = "count_distinct(" + any(1) + ")";
      break;
    case 15:
      out = chance(50) ? sums("mad") : sums("slope");
      break;
    default:
      out = ties_ ? "count()" : "sample(" + any(1) + (chance(50) ? ", 2)" : ")");
      break;
  }
  // What interpolates has rounding of its own.
  if (out[0] == 'm' || out[0] == 'p' || out[0] == 'q') inexact = true;
  if (chance(25)) out += " where " + condition(1);
  return out;
}

// ---- expressions
// ------------------------------------------------------------------------------------

std::string QueryGenerator::column_of(T type) {
  std::vector<std::string> fitting;
  for (const PlanColumn& column : columns_) {
    if (inexact_.count(column.name) > 0) continue;
    if (column.type == type) fitting.push_back(ast::print_name(column.name));
  }
  return fitting.empty() ? "NONE" : fitting[pick(fitting.size())];
}

std::string QueryGenerator::any(int depth) {
  return expression(std::array{T::kBool, T::kI64, T::kF64, T::kF64, T::kString, T::kString,
                               T::kTime, T::kDuration}[pick(8)],
                    depth);
}

std::string QueryGenerator::expression(T type, int depth) {
  std::string out;
  for (int attempt = 0; attempt < 8; ++attempt) {
    switch (type) {
      case T::kBool:
        out = condition(depth);
        break;
      case T::kI64:
      case T::kU64:
        out = integer(depth);
        break;
      case T::kF64:
        out = number(depth);
        break;
      case T::kString:
        out = text_value(depth);
        break;
      case T::kTime:
        out = time_value(depth);
        break;
      default:
        out = duration(depth);
        break;
    }
    if (out.find("NONE") == std::string::npos) return out;
  }
  return "1";
}

std::string QueryGenerator::condition(int depth) {
  const auto compared = [&](T type) {
    return "(" + expression(type, depth - 1) + " " +
           one_of(std::array{"==", "!=", "<", "<=", ">", ">="}) + " " +
           expression(type, depth - 1) + ")";
  };
  if (depth <= 0) {
    return one_of(
        std::array{"true", "ok", "exists(ms)", "service == \"pay\"", "code > 3", "ms <= 200.5"});
  }
  switch (pick(15)) {
    case 0:
      return compared(T::kI64);
    case 1:
    case 2:
      return compared(T::kF64);
    case 3:
    case 4:
      return compared(T::kString);
    case 5:
      return compared(chance(50) ? T::kTime : T::kDuration);
    case 6:
      return "(" + condition(depth - 1) + " and " + condition(depth - 1) + ")";
    case 7:
      return "(" + condition(depth - 1) + " or " + condition(depth - 1) + ")";
    case 8:
      return "not " + condition(depth - 1);
    case 9:
      return expression(T::kString, depth - 1) + one_of(std::array{" in ", " not in "}) +
             one_of(std::array{"(\"pay\", \"web\")", "(\"OK\")", "(\"\", \"FAILED\", \"u7\")"});
    case 10:
      return expression(T::kString, depth - 1) + one_of(std::array{" =~ ", " !~ "}) +
             one_of(std::array{"\"^p\"", "r\"\\d+\"", "\"(?i)PAY|o\"", "\"^$\"", "\"ü\""});
    case 11:
      return expression(T::kString, depth - 1) + " contains " +
             one_of(std::array{"\"a\"", "\"ms\"", "\"\"", "\"timeout\""});
    case 12:
      return "exists(" + any(depth - 1) + ")";
    case 13:
      return one_of(std::array{"starts_with", "ends_with"}) + "(" +
             expression(T::kString, depth - 1) + ", " +
             one_of(std::array{"\"p\"", "\"\"", "\"eu\""}) + ")";
    default:
      return integer(depth - 1) + one_of(std::array{" in ", " not in "}) +
             one_of(std::array{"(1, 2, 3)", "(0.5, 4)", "(-1, 18446744073709551615)"});
  }
}

std::string QueryGenerator::integer(int depth) {
  if (depth <= 0 || chance(30)) {
    const std::string column = column_of(chance(70) ? T::kI64 : T::kU64);
    if (chance(75) && column != "NONE") return column;
    return one_of(
        std::array{"0", "1", "-1", "7", "1000", "9223372036854775807", "18446744073709551615"});
  }
  switch (pick(9)) {
    case 0:
      return "(" + integer(depth - 1) + one_of(std::array{" + ", " - ", " * ", " div ", " % "}) +
             integer(depth - 1) + ")";
    case 1:
      return "length(" + text_value(depth - 1) + ")";
    case 2:
      return one_of(std::array{"hour", "weekday", "day"}) + "(" + time_value(depth - 1) + ")";
    case 3:
      return "abs(" + integer(depth - 1) + ")";
    case 4:
      return "round(" + integer(depth - 1) + ", " + one_of(std::array{"-1", "2", "-3"}) + ")";
    case 5:
      return "if(" + condition(depth - 1) + ", " + integer(depth - 1) + ", " + integer(depth - 1) +
             ")";
    case 6:
      return "coalesce(" + integer(depth - 1) + ", " + integer(depth - 1) + ")";
    case 7:
      return "-" + integer(0);
    default:
      return "(" + duration(depth - 1) + " div 1m)";
  }
}

std::string QueryGenerator::number(int depth) {
  if (depth <= 0 || chance(30)) {
    const std::string column = column_of(T::kF64);
    if (chance(80) && column != "NONE") return column;
    return one_of(std::array{"0.5", "-2.25", "1e3", "0.0", "100"});
  }
  switch (pick(10)) {
    case 0:
    case 1:
      return "(" + number(depth - 1) + one_of(std::array{" + ", " - ", " * ", " / "}) +
             (chance(60) ? number(depth - 1) : integer(depth - 1)) + ")";
    case 2:
      return "(" + integer(depth - 1) + " / " + integer(depth - 1) + ")";
    case 3:
      return one_of(std::array{"abs", "ceil", "floor", "sqrt", "ln", "log2", "log10", "exp"}) +
             "(" + number(depth - 1) + ")";
    case 4:
      return "round(" + number(depth - 1) + one_of(std::array{"", ", 1", ", -2", ", 3"}) + ")";
    case 5:
      return "pow(" + number(depth - 1) + ", " + one_of(std::array{"2", "0.5", "-1"}) + ")";
    case 6:
      return "to_number(" + text_value(depth - 1) + ")";
    case 7:
      return "to_seconds(" + (chance(50) ? time_value(depth - 1) : duration(depth - 1)) + ")";
    case 8:
      return one_of(std::array{"least", "greatest", "coalesce"}) + "(" + number(depth - 1) + ", " +
             (chance(50) ? number(depth - 1) : integer(depth - 1)) + ")";
    default:
      return "if(" + condition(depth - 1) + ", " + number(depth - 1) + ", " + number(depth - 1) +
             ")";
  }
}

std::string QueryGenerator::text_value(int depth) {
  if (depth <= 0 || chance(35)) {
    const std::string column = column_of(T::kString);
    if (chance(85) && column != "NONE") return column;
    return one_of(std::array{"\"pay\"", "\"\"", "\"OK\"", "\"Grö\\u{DF}e 12\""});
  }
  switch (pick(10)) {
    case 0:
      return one_of(std::array{"lower", "upper", "trim", "template"}) + "(" +
             text_value(depth - 1) + ")";
    case 1:
      return "to_string(" + any(depth - 1) + ")";
    case 2:
      return "concat(" + text_value(depth - 1) + ", \"/\", " + any(depth - 1) + ")";
    case 3:
      return "replace(" + text_value(depth - 1) + ", " +
             one_of(std::array{"\"a\"", "\" \"", "\"\"", "\"aa\""}) + ", " +
             one_of(std::array{"\"\"", "\"aa\"", "\"_\""}) + ")";
    case 4:
      return "substring(" + text_value(depth - 1) + ", " +
             one_of(std::array{"0", "2", "-3", "99", "code"}) +
             one_of(std::array{"", ", 3", ", 0", ", -1"}) + ")";
    case 5:
      return "extract(" + text_value(depth - 1) + ", " +
             one_of(std::array{R"x(r"(\d+)")x", R"x(r"user=(\w+)")x", R"x(r"a|(b)")x"}) + ")";
    case 6:
      return "if(" + condition(depth - 1) + ", " + text_value(depth - 1) + ", " +
             text_value(depth - 1) + ")";
    case 7:
      return "coalesce(" + text_value(depth - 1) + ", \"none\")";
    case 8:
      return "least(" + text_value(depth - 1) + ", " + text_value(depth - 1) + ")";
    default:
      return "greatest(" + text_value(depth - 1) + ", \"m\")";
  }
}

std::string QueryGenerator::time_value(int depth) {
  if (depth <= 0 || chance(50)) {
    const std::string column = column_of(T::kTime);
    if (chance(80) && column != "NONE") return column;
    return one_of(std::array{"2026-11-24", "2026-11-24T10:00:00.5Z", "now", "now()"});
  }
  switch (pick(5)) {
    case 0:
      return "bucket(" + time_value(depth - 1) + ", " + one_of(std::array{"1h", "1d", "7m"}) + ")";
    case 1:
      return "(" + time_value(depth - 1) + one_of(std::array{" + ", " - "}) + duration(depth - 1) +
             ")";
    case 2:
      return "to_time(" + text_value(depth - 1) + ")";
    case 3:
      return "coalesce(" + time_value(depth - 1) + ", 2026-11-01)";
    default:
      return "greatest(" + time_value(depth - 1) + ", " + time_value(depth - 1) + ")";
  }
}

std::string QueryGenerator::duration(int depth) {
  if (depth <= 0 || chance(40)) return one_of(std::array{"5m", "1h", "90s", "0s", "7d"});
  switch (pick(6)) {
    case 0:
      return "(" + time_value(depth - 1) + " - " + time_value(depth - 1) + ")";
    case 1:
      return "(" + duration(depth - 1) + " * " + (chance(50) ? integer(0) : number(0)) + ")";
    case 2:
      return "(" + duration(depth - 1) + " / " + (chance(50) ? integer(0) : number(0)) + ")";
    case 3:
      return "(" + duration(depth - 1) + one_of(std::array{" + ", " - ", " % "}) +
             duration(depth - 1) + ")";
    case 4:
      return "abs(" + duration(depth - 1) + ")";
    default:
      return "-" + duration(0);
  }
}

}  // namespace tocsin::oracle
