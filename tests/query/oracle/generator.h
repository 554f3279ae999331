// Generates random queries that cover every stage, function, aggregate and type.
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "query/query.h"
#include "tests/query/oracle/data.h"

namespace tocsin::oracle {

struct Query {
  std::string text;
  bool ordered = true;  ///< the order of the rows is defined, so it is compared too
};

class QueryGenerator {
 public:
  /// All references must outlive it. With `ties`, no result depends on the order of rows with equal
  /// times.
  QueryGenerator(Random& random, const Catalog& catalog, const QueryOptions& options, bool ties)
      : random_(random), catalog_(catalog), options_(options), ties_(ties) {}

  /// A valid query.
  Query next();

 private:
  size_t pick(size_t count) { return random_() % count; }
  bool chance(unsigned percent) { return random_() % 100 < percent; }
  template <class List>
  std::string one_of(const List& list) {
    return std::string(list[pick(list.size())]);
  }

  /// The state after the stages so far.
  struct State {
    std::vector<PlanColumn> columns;
    std::set<std::string> inexact;        // columns that depend on the order of summation
    std::vector<std::string> aggregates;  // names that baseline() accepts
    bool grouped = false;                 // after a stats: there are no ties
    bool bucketed = false;
    bool has_baseline = false;
  };
  /// Marks a part for which there is no suitable column; no finished query contains it.
  static constexpr std::string_view kNone = "NONE";

  bool accept(const std::string& longer, State after);
  const PlanColumn& any_column() { return state_.columns[pick(state_.columns.size())]; }

  // Each returns a stage, or an empty text, and sets the state after it.
  std::string any_stage(State& after);
  std::string let(State& after);
  std::string stats(State& after);
  std::string series(State& after);
  std::string baseline(State& after);

  std::string source();
  std::string aggregate(bool& inexact);
  std::string keys(State& after);
  std::string sort_keys();
  std::string column_list();

  std::string column_of(ValueType type);
  std::string expression(ValueType type, int depth);
  std::string condition(int depth);
  std::string integer(int depth);
  std::string number(int depth);
  std::string text_value(int depth);
  std::string time_value(int depth);
  std::string duration(int depth);
  std::string any(int depth);

  Random& random_;
  const Catalog& catalog_;
  const QueryOptions& options_;
  bool ties_;

  // The query so far.
  std::string text_;
  State state_;
  int names_ = 0;
};

}  // namespace tocsin::oracle
