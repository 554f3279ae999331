#include "tests/query/oracle/generator.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "query/check/prepare.h"
#include "query/parser/ast.h"

namespace tocsin::oracle {
namespace {

using T = ValueType;

std::string joined(const std::vector<std::string>& list) {
  std::string out;
  for (const std::string& each : list) out += (out.empty() ? "" : ", ") + each;
  return out;
}

}  // namespace

bool QueryGenerator::accept(const std::string& longer, State after) {
  const auto plan = build_plan(longer, catalog_, options_);
  if (!plan) return false;
  text_ = longer;
  state_ = std::move(after);
  state_.columns = plan->output_columns();
  std::erase_if(state_.columns, [](const PlanColumn& column) { return column.sibling; });
  return true;
}

Query QueryGenerator::next() {
  names_ = 0;
  while (!accept(source(), {})) {
  }
  for (size_t stages = pick(6); stages > 0; --stages) {
    State after = state_;
    const std::string stage = any_stage(after);
    if (stage.empty() || stage.find(kNone) != std::string::npos) continue;
    accept(text_ + "\n| " + stage, std::move(after));
  }
  return {text_, !ties_ || state_.grouped};
}

std::string QueryGenerator::source() {
  const std::string from =
      one_of(std::array{"from audit", "from audit", "from bpm", "from audit, bpm",
                        "from bpm, audit, quiet/1", "from *"});
  switch (pick(6)) {
    case 0: return from;
    case 1: return from + " between now - 2d and now - 3h";
    case 2: return from + " between 2026-11-23 and 2026-11-24T11:30:00Z";
    default: return from + " last " + one_of(std::array{"1h", "90m", "6h", "1d", "3d", "8d"});
  }
}

// ---- stages ----

std::string QueryGenerator::any_stage(State& after) {
  const bool settled = !ties_ || state_.grouped;  // the rows that a limit keeps are defined
  switch (pick(18)) {
    case 0:
    case 1:
    case 2: return "where " + condition(2);
    case 3:
    case 4: return let(after);
    case 5:
    case 6:
    case 7:
    case 8: return stats(after);
    case 9: return "sort " + sort_keys();
    case 10: return settled ? fmt::format("limit {}", 1 + pick(20)) : "";
    case 11: return settled ? fmt::format("top {} by {}", 1 + pick(10), sort_keys()) : "";
    case 12:
      if (!state_.inexact.empty()) return "";
      return "distinct " + (chance(70) ? column_list() : "");
    case 13: return (chance(50) ? "keep " : "drop ") + column_list();
    case 14: return state_.has_baseline || !state_.grouped ? "" : baseline(after);
    default: return state_.bucketed ? series(after) : "";
  }
}

std::string QueryGenerator::let(State& after) {
  std::vector<std::string> list;
  for (size_t n = 1 + pick(3); n > 0; --n) {
    std::string name = fmt::format("x{}", names_++);
    if (const std::string& old = any_column().name; chance(15) && old != "time") name = old;
    after.inexact.erase(name);
    list.push_back(ast::print_name(name) + " = " + any(2));
  }
  return "let " + joined(list);
}

std::string QueryGenerator::stats(State& after) {
  after.inexact.clear();
  after.aggregates.clear();
  std::vector<std::string> list;
  for (size_t n = 1 + pick(4); n > 0; --n) {
    bool inexact = false;
    const std::string name = fmt::format("a{}", names_++);
    list.push_back(name + " = " + aggregate(inexact));
    if (inexact) after.inexact.insert(name);
    after.aggregates.push_back(name);
  }
  after.grouped = true;
  return "stats " + joined(list) + keys(after);
}

std::string QueryGenerator::series(State& after) {
  if (chance(60)) {
    const std::array values = {"0", "7", "\"none\"", "null", "1.5"};
    return "fill" + (chance(40) ? " " + one_of(values) : "");
  }
  after.inexact.insert({"expected", "lower", "upper", "score"});
  return "detect " + column_of(chance(50) ? T::kF64 : T::kI64) + (chance(40) ? " season 6h" : "");
}

// Followed by a stage that uses it, so that it computes something.
std::string QueryGenerator::baseline(State& after) {
  if (state_.aggregates.empty()) return "";
  const std::string x = state_.aggregates[pick(state_.aggregates.size())];
  const std::string statistic = one_of(std::array{"", ", mean", ", median", ", stddev", ", mad",
                                                  ", min", ", max", ", windows", ", p95"});
  std::string stage = "baseline " + one_of(std::array{"1d", "2d", "7d"});
  if (chance(40)) stage += " step " + one_of(std::array{"6h", "12h", "1d"});
  if (chance(40)) stage += " min " + std::to_string(1 + pick(5));
  const std::string call = fmt::format("baseline({}{})", x, statistic);
  const std::string name = fmt::format("y{}", names_++);
  after.inexact.insert({call, name});
  after.has_baseline = true;
  return stage + fmt::format("\n| let {} = {}", name, call);
}

std::string QueryGenerator::keys(State& after) {
  std::vector<std::string> list;
  after.bucketed = chance(30);
  if (after.bucketed) list.push_back("time(" + one_of(std::array{"15m", "1h", "6h"}) + ")");
  for (size_t n = pick(3); n > 0; --n) {
    const PlanColumn& column = any_column();
    const std::string name = ast::print_name(column.name);
    if (state_.inexact.contains(column.name) || column.name == "time") continue;
    if (std::ranges::find(list, name) == list.end()) list.push_back(name);
  }
  return list.empty() ? "" : " by " + joined(list);
}

std::string QueryGenerator::sort_keys() {
  std::vector<std::string> list;
  for (size_t n = 1 + pick(2); n > 0; --n) {
    const PlanColumn& column = any_column();
    if (state_.inexact.contains(column.name)) return std::string(kNone);
    list.push_back((chance(50) ? "-" : "") + ast::print_name(column.name));
  }
  return joined(list);
}

std::string QueryGenerator::column_list() {
  std::vector<std::string> list;
  for (size_t n = 1 + pick(3); n > 0; --n) {
    const std::string name = ast::print_name(any_column().name);
    if (std::ranges::find(list, name) == list.end()) list.push_back(name);
  }
  return joined(list);
}

std::string QueryGenerator::aggregate(bool& inexact) {
  // Aggregates whose result depends on the order of summation or the rounding of interpolation.
  const auto sums = [&](std::string_view name) {
    inexact = true;
    return fmt::format("{}({})", name,
                       chance(60)   ? number(1)
                       : chance(60) ? integer(1)
                                    : duration(1));
  };
  std::string out;
  switch (pick(17)) {
    case 0:
    case 1: out = "count()"; break;
    case 2: out = "count(" + any(1) + ")"; break;
    case 3: out = sums("sum"); break;
    case 4: out = sums("mean"); break;
    case 5: out = "min(" + any(1) + ")"; break;
    case 6: out = "max(" + any(1) + ")"; break;
    case 7: out = "first(" + any(1) + ")"; break;
    case 8: out = "last(" + any(1) + ")"; break;
    case 9: out = sums("stddev"); break;
    case 10: out = sums("variance"); break;
    case 11: out = sums("median"); break;
    case 12: out = sums(one_of(std::array{"p1", "p50", "p95", "p99.9"})); break;
    case 13:
      inexact = true;
      out = "quantile(" + number(1) + ", " + one_of(std::array{"0", "0.25", "1"}) + ")";
      break;
    case 14: out = "count_distinct(" + any(1) + ")"; break;
    case 15: out = chance(50) ? sums("mad") : sums("slope"); break;
    default:  // any of the rows with equal times may be sampled
      out = ties_ && !state_.grouped ? "count()" : "sample(" + any(1) + (chance(50) ? ", 2)" : ")");
      break;
  }
  if (chance(25)) out += " where " + condition(1);
  return out;
}

// ---- expressions ----

std::string QueryGenerator::column_of(T type) {
  std::vector<std::string> fitting;
  for (const PlanColumn& column : state_.columns) {
    if (state_.inexact.contains(column.name)) continue;
    if (column.type == type) fitting.push_back(ast::print_name(column.name));
  }
  return fitting.empty() ? std::string(kNone) : fitting[pick(fitting.size())];
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
      case T::kBool: out = condition(depth); break;
      case T::kI64:
      case T::kU64: out = integer(depth); break;
      case T::kF64: out = number(depth); break;
      case T::kString: out = text_value(depth); break;
      case T::kTime: out = time_value(depth); break;
      default: out = duration(depth); break;
    }
    if (out.find(kNone) == std::string::npos) return out;
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
    const std::string column = column_of(T::kBool);
    if (chance(30) && column != kNone) return column;
    return one_of(
        std::array{"true", "ok", "exists(ms)", "service == \"pay\"", "code > 3", "ms <= 200.5"});
  }
  switch (pick(15)) {
    case 0: return compared(T::kI64);
    case 1:
    case 2: return compared(T::kF64);
    case 3:
    case 4: return compared(T::kString);
    case 5: return compared(chance(50) ? T::kTime : T::kDuration);
    case 6: return "(" + condition(depth - 1) + " and " + condition(depth - 1) + ")";
    case 7: return "(" + condition(depth - 1) + " or " + condition(depth - 1) + ")";
    case 8: return "not " + condition(depth - 1);
    case 9:
      return expression(T::kString, depth - 1) + one_of(std::array{" in ", " not in "}) +
             one_of(std::array{"(\"pay\", \"web\")", "(\"OK\")", "(\"\", \"FAILED\", \"u7\")"});
    case 10:
      return expression(T::kString, depth - 1) + one_of(std::array{" =~ ", " !~ "}) +
             one_of(std::array{"\"^p\"", "r\"\\d+\"", "\"(?i)PAY|o\"", "\"^$\"", "\"ü\""});
    case 11:
      return expression(T::kString, depth - 1) + one_of(std::array{" contains ", " icontains "}) +
             one_of(std::array{"\"a\"", "\"ms\"", "\"\"", "\"timeout\""});
    case 12: return "exists(" + any(depth - 1) + ")";
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
    if (chance(75) && column != kNone) return column;
    return one_of(
        std::array{"0", "1", "-1", "7", "1000", "9223372036854775807", "18446744073709551615"});
  }
  switch (pick(9)) {
    case 0:
      return "(" + integer(depth - 1) + one_of(std::array{" + ", " - ", " * ", " div ", " % "}) +
             integer(depth - 1) + ")";
    case 1: return "length(" + text_value(depth - 1) + ")";
    case 2: return one_of(std::array{"hour", "weekday", "day"}) + "(" + time_value(depth - 1) + ")";
    case 3: return "abs(" + integer(depth - 1) + ")";
    case 4: return "round(" + integer(depth - 1) + ", " + one_of(std::array{"-1", "2", "-3"}) + ")";
    case 5:
      return "if(" + condition(depth - 1) + ", " + integer(depth - 1) + ", " + integer(depth - 1) +
             ")";
    case 6: return "coalesce(" + integer(depth - 1) + ", " + integer(depth - 1) + ")";
    case 7: return "-" + integer(0);
    default: return "(" + duration(depth - 1) + " div 1m)";
  }
}

std::string QueryGenerator::number(int depth) {
  if (depth <= 0 || chance(30)) {
    const std::string column = column_of(T::kF64);
    if (chance(80) && column != kNone) return column;
    return one_of(std::array{"0.5", "-2.25", "1e3", "0.0", "100"});
  }
  switch (pick(10)) {
    case 0:
    case 1:
      return "(" + number(depth - 1) + one_of(std::array{" + ", " - ", " * ", " / "}) +
             (chance(60) ? number(depth - 1) : integer(depth - 1)) + ")";
    case 2: return "(" + integer(depth - 1) + " / " + integer(depth - 1) + ")";
    case 3:
      return one_of(std::array{"abs", "ceil", "floor", "sqrt", "ln", "log2", "log10", "exp"}) +
             "(" + number(depth - 1) + ")";
    case 4:
      return "round(" + number(depth - 1) + one_of(std::array{"", ", 1", ", -2", ", 3"}) + ")";
    case 5: return "pow(" + number(depth - 1) + ", " + one_of(std::array{"2", "0.5", "-1"}) + ")";
    case 6: return "to_number(" + text_value(depth - 1) + ")";
    case 7: return "to_seconds(" + duration(depth - 1) + ")";
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
    if (chance(85) && column != kNone) return column;
    return one_of(std::array{"\"pay\"", "\"\"", "\"OK\"", "\"Grö\\u{DF}e 12\""});
  }
  switch (pick(10)) {
    case 0:
      return one_of(std::array{"lower", "upper", "trim", "template"}) + "(" +
             text_value(depth - 1) + ")";
    case 1:  // a variance of such large numbers is only rounding error
      return chance(20) ? "to_string(to_seconds(" + time_value(depth - 1) + "))"
                        : "to_string(" + any(depth - 1) + ")";
    case 2: return "concat(" + text_value(depth - 1) + ", \"/\", " + any(depth - 1) + ")";
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
    case 7: return "coalesce(" + text_value(depth - 1) + ", \"none\")";
    case 8: return "least(" + text_value(depth - 1) + ", " + text_value(depth - 1) + ")";
    default: return "greatest(" + text_value(depth - 1) + ", \"m\")";
  }
}

std::string QueryGenerator::time_value(int depth) {
  if (depth <= 0 || chance(50)) {
    const std::string column = column_of(T::kTime);
    if (chance(80) && column != kNone) return column;
    return one_of(std::array{"2026-11-24", "2026-11-24T10:00:00.5Z", "now", "now()"});
  }
  switch (pick(5)) {
    case 0:
      return "bucket(" + time_value(depth - 1) + ", " + one_of(std::array{"1h", "1d", "7m"}) + ")";
    case 1:
      return "(" + time_value(depth - 1) + one_of(std::array{" + ", " - "}) + duration(depth - 1) +
             ")";
    case 2: return "to_time(" + text_value(depth - 1) + ")";
    case 3: return "coalesce(" + time_value(depth - 1) + ", 2026-11-01)";
    default: return "greatest(" + time_value(depth - 1) + ", " + time_value(depth - 1) + ")";
  }
}

std::string QueryGenerator::duration(int depth) {
  if (depth <= 0 || chance(40)) {
    const std::string column = column_of(T::kDuration);
    if (chance(50) && column != kNone) return column;
    return one_of(std::array{"5m", "1h", "90s", "0s", "7d"});
  }
  switch (pick(6)) {
    case 0: return "(" + time_value(depth - 1) + " - " + time_value(depth - 1) + ")";
    case 1: return "(" + duration(depth - 1) + " * " + (chance(50) ? integer(0) : number(0)) + ")";
    case 2: return "(" + duration(depth - 1) + " / " + (chance(50) ? integer(0) : number(0)) + ")";
    case 3:
      return "(" + duration(depth - 1) + one_of(std::array{" + ", " - ", " % "}) +
             duration(depth - 1) + ")";
    case 4: return "abs(" + duration(depth - 1) + ")";
    default: return "-" + duration(0);
  }
}

}  // namespace tocsin::oracle
