// Columns with values of several types, compared with a naive model: every value keeps its type,
// and each query looks at the values one by one.
#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <vector>

#include <catch2/catch.hpp>
#include <fmt/format.h>

#include "query/format/format.h"
#include "query/function/scalar.h"
#include "query/query.h"
#include "tests/db/db_support.h"
#include "tests/query/oracle/compare.h"
#include "tests/query/oracle/data.h"

namespace tocsin::oracle {
namespace {

using T = ValueType;
using tocsin::testing::take;

constexpr Timestamp kStart = tocsin::testing::kNoon - 10 * kDay;
constexpr int64_t kExactMax = int64_t{1} << 53;

/// What db does with the values of one name, one after the other.
class ModelColumn {
 public:
  /// Returns the value as it is stored.
  Value add(const Value& value) {
    if (types.empty()) types.push_back(value.type);
    T& first = types.front();
    const bool integer_column = first == T::kI64 || first == T::kU64;
    if (value.type == T::kF64 && integer_column && !beyond_double_) {
      first = T::kF64;
      widened = true;
    }
    Value stored = converted(value, first);
    for (size_t i = 1; i < types.size() && stored.type != first; ++i) {
      if (types[i] == T::kU64 || types[i] == T::kI64) stored = as_integer(stored, types[i]);
      if (stored.type == types[i]) break;
    }
    const bool is_integer = stored.type == T::kI64 || stored.type == T::kU64;
    const bool in_integer_column = first == T::kI64 || first == T::kU64;
    if (stored.type == first && is_large(stored)) beyond_double_ = true;
    if (stored.type != first && is_integer && in_integer_column) beyond_double_ = true;
    if (std::ranges::find(types, stored.type) == types.end()) types.push_back(stored.type);
    return stored;
  }

  std::vector<T> types;  ///< in order; the first is that of the column
  bool widened = false;  ///< earlier integers are now floats

 private:
  static bool is_large(const Value& value) {
    if (value.type == T::kU64) return std::get<uint64_t>(value.data) > uint64_t{kExactMax};
    if (value.type != T::kI64) return false;
    const auto number = std::get<int64_t>(value.data);
    return number > kExactMax || number < -kExactMax;
  }

  static Value converted(const Value& value, T to) {
    if (to == T::kString) return Value::of(plain_text(value, false));
    if (to == T::kF64 && is_number(value.type)) return as_f64(value);
    return as_integer(value, to);
  }

  static Value as_integer(const Value& value, T to) {
    if (to == T::kU64 && value.type == T::kI64 && std::get<int64_t>(value.data) >= 0) {
      return Value::of(static_cast<uint64_t>(std::get<int64_t>(value.data)));
    }
    return value;
  }

 public:
  static Value as_f64(const Value& value) {
    if (value.type == T::kI64) return Value::of(static_cast<double>(std::get<int64_t>(value.data)));
    if (value.type == T::kU64) {
      return Value::of(static_cast<double>(std::get<uint64_t>(value.data)));
    }
    return value;
  }

 private:
  bool beyond_double_ = false;
};

using Values = std::map<std::string, Value>;

struct Model {
  std::map<std::string, std::map<std::string, ModelColumn>> columns;  // by measurement and name
  std::map<std::string, std::vector<Values>> rows;                    // in order of time

  void add(const std::string& measurement, const Values& values) {
    Values stored;
    for (const auto& [name, value] : values) {
      ModelColumn& column = columns[measurement][name];
      const bool was_widened = column.widened;
      stored[name] = column.add(value);
      if (column.widened == was_widened) continue;
      for (Values& earlier : rows[measurement]) {
        if (earlier.contains(name)) earlier[name] = ModelColumn::as_f64(earlier[name]);
      }
    }
    rows[measurement].push_back(std::move(stored));
  }
};

/// The values of one column of the table over some measurements, null included.
struct Table {
  std::vector<T> types;                      ///< the first is that of the column
  std::vector<std::optional<Value>> values;  ///< of all rows
};

Table table_of(const Model& model, const std::vector<std::string>& measurements,
               const std::string& name) {
  Table out;
  bool all_numbers = true;
  bool all_the_same = true;
  T first = T::kNull;
  for (const std::string& measurement : measurements) {
    const auto& columns = model.columns.at(measurement);
    if (!columns.contains(name)) continue;
    const T type = columns.at(name).types.front();
    if (first == T::kNull) first = type;
    all_numbers = all_numbers && is_number(type);
    all_the_same = all_the_same && type == first;
  }
  if (all_numbers && !all_the_same) first = T::kF64;
  out.types.push_back(first);
  for (const std::string& measurement : measurements) {
    const auto& columns = model.columns.at(measurement);
    const bool known = columns.contains(name);
    const std::vector<T> types = known ? columns.at(name).types : std::vector<T>();
    const bool exact = std::ranges::find(types, first) != types.end();
    const auto seen = [&](T type) {
      const bool wide = !exact && first == T::kF64 && is_number(type) && type == types.front();
      return wide ? T::kF64 : type;
    };
    for (const T type : types) {
      if (std::ranges::find(out.types, seen(type)) == out.types.end()) {
        out.types.push_back(seen(type));
      }
    }
    for (const Values& row : model.rows.at(measurement)) {
      const auto found = row.find(name);
      if (found == row.end()) {
        out.values.emplace_back();
      } else {
        const bool wide = seen(found->second.type) != found->second.type;
        out.values.emplace_back(wide ? ModelColumn::as_f64(found->second) : found->second);
      }
    }
  }
  return out;
}

bool can_equal(T a, T b) { return a == b || (is_number(a) && is_number(b)); }

std::string literal_text(const Value& value) {
  if (value.type == T::kString) return '"' + std::get<std::string>(value.data) + '"';
  std::string text = plain_text(value, false);
  if (const size_t plus = text.find('+'); plus != std::string::npos) text.erase(plus, 1);
  const bool whole = text.find_first_of(".e") == std::string::npos;
  return value.type == T::kF64 && whole ? text + ".0" : text;
}

class Checker {
 public:
  Checker(const Database& database, const Model& model, std::mt19937& random)
      : database_(database), engine_(database), model_(model), random_(random) {}

  void check(const std::vector<std::string>& measurements) {
    measurements_ = measurements;
    from_ = "from " + measurements[0];
    for (size_t i = 1; i < measurements.size(); ++i) from_ += ", " + measurements[i];
    for (const char* name : {"a", "b", "c"}) {
      name_ = name;
      table_ = table_of(model_, measurements, name);
      if (table_.types.front() == T::kNull) continue;
      INFO(from_ << " " << name_);
      check_comparisons();
      check_lists();
      check_text_searches();
      check_groups();
      check_aggregates();
      if (measurements.size() == 1) check_order();
    }
    check_columns();
  }

 private:
  using Predicate = std::function<bool(const Value&)>;  // of a value that is not null

  size_t count_where(const Predicate& holds) const {
    return static_cast<size_t>(std::ranges::count_if(
        table_.values, [&](const auto& value) { return value && holds(*value); }));
  }

  ResultTable run(const std::string& stages) {
    QueryOptions options;
    options.now = tocsin::testing::kNoon;
    return take(engine_.run(from_ + " | " + stages, options));
  }

  bool fails(const std::string& stages) {
    QueryOptions options;
    options.now = tocsin::testing::kNoon;
    return !engine_.run(from_ + " | " + stages, options);
  }

  /// `condition` has `@` in place of the column.
  void check_where(const std::string& condition, bool compiles, const Predicate& holds) {
    std::string text = condition;
    text.replace(text.find('@'), 1, name_);
    INFO(text);
    if (!compiles) {
      CHECK(fails("where " + text));
      return;
    }
    CHECK(run("where " + text + " | stats n = count()").columns[0].i64[0] ==
          static_cast<int64_t>(count_where(holds)));
    // The same after the groups are made, where each group has the number of its rows.
    const ResultTable groups = run(fmt::format("stats n = count() by {} | where {}", name_, text));
    int64_t total = 0;
    for (const int64_t n : groups.columns[groups.find("n")].i64) total += n;
    CHECK(total == static_cast<int64_t>(count_where(holds)));
    const std::string renamed = "let z = " + name_ + " | where " +
                                std::string(condition).replace(condition.find('@'), 1, "z");
    CHECK(run(renamed + " | stats n = count()").columns[0].i64[0] ==
          static_cast<int64_t>(count_where(holds)));
  }

  Value random_literal() {
    std::vector<Value> known;
    for (const auto& value : table_.values) {
      if (value) known.push_back(*value);
    }
    if (random_() % 3 != 0 && !known.empty()) return known[random_() % known.size()];
    switch (random_() % 5) {
      case 0: return Value::of(int64_t{3});
      case 1: return Value::of(UINT64_MAX);
      case 2: return Value::of(0.5);
      case 3: return Value::of(true);
      default: return Value::of("error");
    }
  }

  bool any_type(const std::function<bool(T)>& fits) const {
    return std::ranges::any_of(table_.types, fits);
  }

  void check_comparisons() {
    for (int i = 0; i < 4; ++i) {
      Value literal = random_literal();
      const std::string text = literal_text(literal);
      const auto compare_with = [&](const Value& value) { return compare(value, literal); };
      const auto fits = [&](const Value& value) { return can_equal(value.type, literal.type); };
      const bool comparable = any_type([&](T type) { return can_equal(type, literal.type); });
      const bool ordered = comparable && literal.type != T::kBool;
      check_where("@ == " + text, comparable,
                  [&](const Value& v) { return fits(v) && compare_with(v) == 0; });
      check_where("@ != " + text, comparable,
                  [&](const Value& v) { return !fits(v) || compare_with(v) != 0; });
      check_where("@ < " + text, ordered,
                  [&](const Value& v) { return fits(v) && compare_with(v) < 0; });
      check_where("@ >= " + text, ordered,
                  [&](const Value& v) { return fits(v) && compare_with(v) >= 0; });
    }
    check_where("exists(@)", true, [](const Value&) { return true; });
  }

  void check_lists() {
    const Value a = random_literal();
    const Value b = random_literal();
    const auto in_list = [&](const Value& value) {
      return std::ranges::any_of(std::vector{a, b}, [&](const Value& item) {
        return can_equal(value.type, item.type) && compare(value, item) == 0;
      });
    };
    const auto known = [&](const Value& item) {
      return any_type([&](T type) { return can_equal(type, item.type); });
    };
    const std::string list = "(" + literal_text(a) + ", " + literal_text(b) + ")";
    check_where("@ in " + list, known(a) && known(b), in_list);
    check_where("@ not in " + list, known(a) && known(b),
                [&](const Value& value) { return !in_list(value); });
  }

  void check_text_searches() {
    const bool has_text = any_type([](T type) { return type == T::kString; });
    const auto has_r = [](const Value& value) {
      return value.type == T::kString &&
             std::get<std::string>(value.data).find('r') != std::string::npos;
    };
    check_where("@ contains \"r\"", has_text, has_r);
    check_where("@ icontains \"R\"", has_text, has_r);
    check_where("@ =~ \"r\"", has_text, has_r);
    check_where("@ !~ \"r\"", has_text, [&](const Value& value) { return !has_r(value); });
  }

  /// The values of a result's column as texts, null as `-`.
  static std::vector<std::string> texts_of(const ResultTable& table, std::string_view name) {
    std::vector<std::string> out;
    const ResultColumn& column = table.columns.at(table.find(name));
    for (size_t row = 0; row < table.row_count; ++row) {
      out.push_back(column.valid[row] ? plain_text(column.at(row), false) : "-");
    }
    return out;
  }
  static std::string text_of(const std::optional<Value>& value) {
    return value ? plain_text(*value, false) : "-";
  }

  struct LessValue {
    bool operator()(const std::optional<Value>& a, const std::optional<Value>& b) const {
      if (!a || !b) return a.has_value() > b.has_value();
      return a->type != b->type ? a->type < b->type : compare(*a, *b) < 0;
    }
  };

  void check_groups() {
    std::map<std::optional<Value>, int64_t, LessValue> groups;
    for (const auto& value : table_.values) ++groups[value];
    std::multiset<std::string> expected, values;
    std::set<std::string> converted;  // as to_string() does it, which differs for large floats
    for (const auto& [value, n] : groups) {
      const bool is_float = value && value->type == T::kF64;
      converted.insert(is_float ? fmt::format("{}", std::get<double>(value->data))
                                : text_of(value));
      expected.insert(fmt::format("{} {}", text_of(value), n));
      values.insert(text_of(value));
    }
    const ResultTable result = run("stats n = count() by " + name_);
    CHECK(result.columns.size() == 2);
    std::multiset<std::string> found;
    const auto keys = texts_of(result, name_);
    for (size_t row = 0; row < keys.size(); ++row) {
      found.insert(fmt::format("{} {}", keys[row], result.columns[1].i64[row]));
    }
    CHECK(found == expected);
    const auto distinct = texts_of(run("distinct " + name_), name_);
    CHECK(std::multiset<std::string>(distinct.begin(), distinct.end()) == values);
    const auto shown = texts_of(run("let t = to_string(" + name_ + ") | distinct t"), "t");
    CHECK(std::set<std::string>(shown.begin(), shown.end()) == converted);
    const int64_t nulls = groups.contains(std::nullopt) ? 1 : 0;
    CHECK(run(fmt::format("stats d = count_distinct({})", name_)).columns[0].i64[0] ==
          static_cast<int64_t>(groups.size()) - nulls);
  }

  void check_aggregates() {
    CHECK(run(fmt::format("stats n = count({})", name_)).columns[0].i64[0] ==
          static_cast<int64_t>(count_where([](const Value&) { return true; })));
    const T first = table_.types.front();
    if (first == T::kBool) return;
    std::optional<Value> greatest;
    for (const auto& value : table_.values) {
      if (!value || value->type != first) continue;
      if (!greatest || compare(*value, *greatest) > 0) greatest = value;
    }
    const ResultTable result = run(fmt::format("stats m = max({})", name_));
    CHECK(result.columns[0].at(0) == greatest.value_or(Value::null()));
    CHECK(result.warnings.empty() == (table_.types.size() == 1));
  }

  void check_order() {
    // The order of the types after the first is that in which db added them.
    std::vector<T> types;
    const auto catalog = database_.catalog();
    for (const Column& column : catalog->find(measurements_.front())->columns) {
      if (column.name == name_) types.push_back(type_of(column));
    }
    CHECK(types.front() == table_.types.front());
    const auto place = [&](const std::optional<Value>& value) {
      if (!value) return types.size();
      return static_cast<size_t>(std::ranges::find(types, value->type) - types.begin());
    };
    for (const bool descending : {false, true}) {
      auto expected = table_.values;
      std::ranges::stable_sort(expected, [&](const auto& a, const auto& b) {
        if (place(a) != place(b)) return place(a) < place(b);
        if (!a) return false;
        const int c = compare(*a, *b);
        return descending ? c > 0 : c < 0;
      });
      std::vector<std::string> texts;
      for (const auto& value : expected) texts.push_back(text_of(value));
      const std::string key = (descending ? "-" : "") + name_;
      CHECK(texts_of(run(fmt::format("sort {} | keep {}", key, name_)), name_) == texts);
      texts.resize(std::min<size_t>(texts.size(), 5));
      CHECK(texts_of(run(fmt::format("sort {} | limit 5 | keep {}", key, name_)), name_) == texts);
    }
  }

  // Two columns of the same row, each with values of several types.
  void check_columns() {
    const Table a = table_of(model_, measurements_, "a");
    const Table b = table_of(model_, measurements_, "b");
    if (a.types.front() == T::kNull || b.types.front() == T::kNull) return;
    const bool compiles = std::ranges::any_of(a.types, [&](T x) {
      return std::ranges::any_of(b.types, [&](T y) { return can_equal(x, y); });
    });
    if (!compiles) {
      CHECK(fails("where a == b"));
      return;
    }
    int64_t equal = 0, different = 0;
    for (size_t row = 0; row < a.values.size(); ++row) {
      const auto& x = a.values[row];
      const auto& y = b.values[row];
      if (!x || !y) continue;
      const bool same = can_equal(x->type, y->type) && compare(*x, *y) == 0;
      ++(same ? equal : different);
    }
    CHECK(run("where a == b | stats n = count()").columns[0].i64[0] == equal);
    CHECK(run("where a != b | stats n = count()").columns[0].i64[0] == different);
  }

  const Database& database_;
  QueryEngine engine_;
  const Model& model_;
  std::mt19937& random_;
  std::vector<std::string> measurements_;
  std::string from_;
  std::string name_;
  Table table_;
};

Value random_value(std::mt19937& random) {
  switch (random() % 12) {
    case 0: return Value::of(UINT64_MAX - random() % 2);
    case 1: return Value::of(int64_t{(int64_t{1} << 53) + 1});
    case 2: return Value::of(static_cast<double>(random() % 8) / 4);
    case 3: return Value::of(random() % 2 == 0);
    case 4: return Value::of(std::string("error"));
    case 5: return Value::of(std::string("warn"));
    case 6: return Value::of(std::string("3"));
    default: return Value::of(static_cast<int64_t>(random() % 9) - 3);
  }
}

/// Writes rows in several commits, to sealed and hot segments.
Model fill(Database& database, std::mt19937& random) {
  Model model;
  Timestamp time = kStart;
  for (int commit = 0; commit < 4; ++commit) {
    for (const char* measurement : {"m", "n"}) {
      WriteRequest request;
      request.batch = Batch(ConflictPolicy::kKeepInRest);
      RowBatch& rows = request.batch.rows_of(measurement);
      for (size_t i = 1 + random() % 12; i > 0; --i) {
        rows.begin_row(time += kSecond);
        Values values;
        size_t hint = 0;
        for (const char* name : {"a", "b", "c"}) {
          if (random() % 4 == 0) continue;
          // The first column mostly has one type.
          const bool odd = name[0] != 'a' || random() % 8 == 0;
          values[name] = odd ? random_value(random) : Value::of(static_cast<int64_t>(random() % 5));
          put(values[name], name, ColumnKind::kField, hint++, rows, request.batch);
        }
        model.add(measurement, values);
      }
      const WriteReport report = take(database.write(std::move(request)));
      CHECK(report.rejected.empty());
    }
    if (commit == 1) take(database.seal());
  }
  return model;
}

void check_all(const Database& database, const Model& model, std::mt19937& random) {
  Checker checker(database, model, random);
  checker.check({"m"});
  checker.check({"m", "n"});
  checker.check({"n", "m"});
}

}  // namespace

TEST_CASE("oracle: values of several types in one column", "[query]") {
  const uint32_t first = seed_of_run();
  const uint32_t count = long_tests() ? 300 : 12;
  for (uint32_t seed = first; seed != first + count; ++seed) {
    INFO("TOCSIN_SEED=" << seed);
    std::mt19937 random(seed);
    const test::TemporaryFolder folder;
    auto database = take(Database::open(folder.path() + "/data"));
    const Model model = fill(*database, random);
    check_all(*database, model, random);
    if (seed % 3 != 0) continue;
    take(database->compact([](uint64_t, uint64_t) {}));
    database.reset();
    database = take(Database::open(folder.path() + "/data"));
    check_all(*database, model, random);
  }
}

TEST_CASE("siblings: a baseline excludes the alerts of the group of one type only", "[query]") {
  const test::TemporaryFolder folder;
  const auto database = take(Database::open(folder.path() + "/data"));
  WriteRequest request;
  request.batch = Batch(ConflictPolicy::kKeepInRest);
  RowBatch& rows = request.batch.rows_of("m");
  for (int minute = 0; minute < 60; ++minute) {
    for (const Value& level : {Value::of(int64_t{30}), Value::of("30")}) {
      rows.begin_row(kStart + minute * kMinute);
      put(level, "level", ColumnKind::kField, 0, rows, request.batch);
    }
  }
  take(database->write(std::move(request)));
  QueryOptions options;
  options.now = kStart + kHour;
  const Timestamp end = kStart + 55 * kMinute;
  for (const Value& level : {Value::of(int64_t{30}), Value::of("30")}) {
    options.exclusions = {{{{"level", level}}, {{end - 10 * kMinute, end}}}};
    const ResultTable table = take(QueryEngine(*database).run(
        "from m last 5m | stats n = count() by level | baseline 30m excluding alerts | let w = "
        "baseline(n, windows) | keep level, w",
        options));
    REQUIRE(table.row_count == 2);
    const bool number = level.type == T::kI64;
    CHECK(table.columns[1].i64 == std::vector<int64_t>{number ? 4 : 6, number ? 6 : 4});
  }
}

TEST_CASE("siblings: an exclusion applies to all groups that agree in the keys it names",
          "[query]") {
  const test::TemporaryFolder folder;
  const auto database = take(Database::open(folder.path() + "/data"));
  WriteRequest request;
  request.batch = Batch(ConflictPolicy::kKeepInRest);
  RowBatch& rows = request.batch.rows_of("m");
  for (int minute = 0; minute < 60; ++minute) {
    for (const std::string host : {"a", "b"}) {
      for (const Value& level : {Value::of(int64_t{30}), Value::of("30")}) {
        rows.begin_row(kStart + minute * kMinute);
        put(level, "level", ColumnKind::kField, 0, rows, request.batch);
        put(Value::of(host), "host", ColumnKind::kField, 1, rows, request.batch);
      }
    }
  }
  take(database->write(std::move(request)));
  const Timestamp end = kStart + 55 * kMinute;
  using Group = std::vector<std::pair<std::string, Value>>;
  // The windows that count, of (30, a), (30, b), ("30", a) and ("30", b).
  const auto check = [&](const std::vector<Group>& groups, const std::vector<int64_t>& expected) {
    QueryOptions options;
    options.now = kStart + kHour;
    for (const Group& group : groups) {
      options.exclusions.push_back({group, {{end - 10 * kMinute, end}}});
    }
    const ResultTable table = take(QueryEngine(*database).run(
        "from m last 5m | stats n = count() by level, host | baseline 30m excluding alerts | let w "
        "= baseline(n, windows) | sort level, host | keep w",
        options));
    CHECK(table.columns[0].i64 == expected);
  };
  const Value number = Value::of(int64_t{30}), text = Value::of("30");
  const Value a = Value::of("a"), b = Value::of("b");
  check({}, {6, 6, 6, 6});
  check({{{"host", a}}}, {4, 6, 4, 6});
  check({{{"level", text}}}, {6, 6, 4, 4});
  check({{{"host", b}, {"level", number}}}, {6, 4, 6, 6});
  check({{{"host", a}}, {{"level", number}}, {{"host", b}}}, {4, 4, 4, 4});
  check({{}}, {4, 4, 4, 4});
  check({{{"host", Value::of("c")}}}, {6, 6, 6, 6});
  check({{{"service", a}}, {{"host", a}, {"service", a}}}, {6, 6, 6, 6});
}

}  // namespace tocsin::oracle
