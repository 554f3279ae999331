// A naive interpreter of the language, row by row over plain values, to compare the executor with.
// Written from the written semantics, in the plainest way, for UTC only.
#pragma once

#include <map>
#include <stdexcept>
#include <string>
#include <vector>

#include "query/base/value.h"
#include "query/plan/plan.h"

namespace tocsin::oracle {

using Row = std::vector<Value>;

struct Event {
  Timestamp time = 0;
  std::map<std::string, Value> values;
};
/// Events by measurement.
using Data = std::map<std::string, std::vector<Event>>;

/// Where the language says that a query fails: a sum beyond 64 bits.
struct Failure : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// Where a result in doubles is mostly rounding, so that it depends on the order of the rows.
struct Incomparable : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// The rows of a plan's result, in its columns' order.
std::vector<Row> interpret(const Plan& plan, const Data& data);

/// The value of an expression over one row.
Value evaluate(const Expression& expression, const Row& row, Timestamp now);
bool holds(const Expression& condition, const Row& row, Timestamp now);

/// Order of `sort` and of groups: nulls last.
int compare(const Value& a, const Value& b);
struct Less {
  bool operator()(const Row& a, const Row& b) const {
    for (size_t i = 0; i < a.size(); ++i) {
      if (const int c = compare(a[i], b[i]); c != 0) return c < 0;
    }
    return false;
  }
};

/// Over the rows of a group.
Value aggregate(const Aggregate& aggregate, const std::vector<Row>& rows, Timestamp now);
double quantile(std::vector<double> values, double q);      ///< Requires: not empty
double median_distance(const std::vector<double>& values);  ///< Requires: not empty
/// Of a sample; may be infinite. Throws Incomparable. Requires: two or more.
double variance(const std::vector<double>& values);
double plain(const Value& value);  ///< nanoseconds of times and durations
/// A double as a value of that type: durations are whole nanoseconds, what is not finite is null.
Value as_result(double x, ValueType type);

double number_of(const Value& value);
/// `width > 0`.
Timestamp bucket_of(Timestamp time, Duration width);

}  // namespace tocsin::oracle
