// A naive interpreter of the language, to compare the executor with. It follows the documented
// semantics row by row over plain values, in UTC only.
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

/// The query fails by definition: a sum exceeds 64 bits.
struct Failure : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// A result in doubles is mostly rounding error, so it depends on the order of the rows.
struct Incomparable : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// The rows of the plan's result, with its columns in order.
std::vector<Row> interpret(const Plan& plan, const Data& data);

/// The value of an expression for one row.
Value evaluate(const Expression& expression, const Row& row, Timestamp now);
bool holds(const Expression& condition, const Row& row, Timestamp now);

/// The order of `sort` and of groups: nulls last.
int compare(const Value& a, const Value& b);
struct Less {
  bool operator()(const Row& a, const Row& b) const {
    for (size_t i = 0; i < a.size(); ++i) {
      if (const int c = compare(a[i], b[i]); c != 0) return c < 0;
    }
    return false;
  }
};

/// The aggregate over the rows of a group.
Value aggregate(const Aggregate& aggregate, const std::vector<Row>& rows, Timestamp now);
double quantile(std::vector<double> values, double q);      ///< Requires: not empty
double median_distance(const std::vector<double>& values);  ///< Requires: not empty
/// The sample variance; may be infinite. Throws Incomparable. Requires: values.size() >= 2
double variance(const std::vector<double>& values);
double plain(const Value& value);  ///< times and durations in nanoseconds
/// `x` as a value of `type`: durations are whole nanoseconds; null if `x` is not finite.
Value as_result(double x, ValueType type);

double number_of(const Value& value);
/// The start of the bucket that contains `time`. Requires: width > 0
Timestamp bucket_of(Timestamp time, Duration width);

}  // namespace tocsin::oracle
