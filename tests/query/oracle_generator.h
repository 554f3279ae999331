// Random data and random queries over it: every stage, function, aggregate and type, nulls
// included.
#pragma once

#include <random>
#include <set>
#include <string>
#include <vector>

#include "db/database.h"
#include "query/query.h"
#include "tests/query/oracle.h"

namespace tocsin::oracle {

using Random = std::mt19937;

/// Three measurements whose columns meet in several ways. With `ties`, many events share their
/// time.
Data random_data(Random& random, size_t event_count, bool ties, Timestamp end);

/// Writes the data, the older part into sealed segments, the newer into hot ones.
void store(const Data& data, Database& database, Random& random);

struct Query {
  std::string text;
  bool ordered = true;  ///< the order of the rows is settled, so that it is compared too
};

class QueryGenerator {
 public:
  /// All must outlive it. With `ties`, nothing is made whose answer depends on the order of equal
  /// times.
  QueryGenerator(Random& random, const Catalog& catalog, const QueryOptions& options, bool ties)
      : random_(random), catalog_(catalog), options_(options), ties_(ties) {}

  /// A query that the checker takes.
  Query next();

 private:
  size_t pick(size_t count) { return random_() % count; }
  bool chance(unsigned percent) { return random_() % 100 < percent; }
  template <class List>
  std::string one_of(const List& list) {
    return std::string(list[pick(list.size())]);
  }

  bool accept(const std::string& longer);
  void add_stage();
  std::string source();
  std::string stats();
  std::string aggregate(bool& inexact);
  std::string keys();
  std::string sort_keys();
  std::string baseline();
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
  Query query_;
  std::vector<PlanColumn> columns_;
  std::set<std::string> inexact_;  // columns that depend on the order of summing
  bool grouped_ = false;           // a stats stands before: the order of rows is settled
  bool bucketed_ = false;
  bool has_baseline_ = false;
  std::vector<std::string> counts_;  // names that baseline() may take
  int names_ = 0;
};

}  // namespace tocsin::oracle
