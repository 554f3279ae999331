// The aggregates that `stats` computes per group, fed vector by vector and merged between threads.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "db/base/result.h"
#include "db/segment/segment.h"
#include "query/plan/plan.h"
#include "query/vector/table.h"
#include "query/vector/vector.h"

namespace tocsin {

class Execution;
class ReducibleValues;

/// Rows of one vector and their groups: `rows[i]` belongs to `groups[i]`.
struct AggregateInput {
  std::span<const uint32_t> rows;
  std::span<const uint32_t> groups;
  const Vector* argument = nullptr;  ///< null for count()
  const Vector* time = nullptr;      ///< for aggregates with a time column
  /// By row: the rows it represents; empty if each represents itself. Only for counts, sums, means,
  /// extremes and distinct counts.
  std::span<const EntryStatistics> counted;

  uint32_t weight(uint32_t row) const { return counted.empty() ? 1 : counted[row].row_count; }
};

/// The state of one or more aggregates for all groups. Not thread-safe.
class Accumulator {
 public:
  virtual ~Accumulator() = default;

  /// Grows to `group_count` groups; new groups start empty.
  virtual void resize(size_t group_count) = 0;
  /// Reserves memory for that many groups.
  virtual void reserve(size_t /*group_count*/) {}
  virtual void update(const AggregateInput& input) = 0;
  /// Adds the state of another thread's accumulator of the same aggregates, which is empty
  /// afterwards. `map[other's group]` is the group here.
  virtual void merge(Accumulator& other, std::span<const uint32_t> map) = 0;
  /// Runs the expensive part of finish() in parallel, on the threads of `execution`. Call once,
  /// before finish().
  virtual Status compute_results(Execution& execution);
  /// Appends one value per group to each of `outputs`, one output per aggregate passed to
  /// make_accumulator. kLimit if a sum does not fit its type.
  virtual Status finish(std::span<TableColumn* const> outputs, StringArena& arena) = 0;
  virtual size_t memory_bytes() const = 0;
  /// The values that this accumulator can reduce to save memory; null if it needs all of its state.
  virtual ReducibleValues* reducible_values() { return nullptr; }

  /// Adds rows of which only the number and the times are known. Only for count() and for min and
  /// max of the source's `time`.
  virtual void add_rows(uint32_t group, const EntryStatistics& rows);
};

/// Whether the aggregate collects all values. Such aggregates over the same argument and filter
/// share one accumulator.
bool shares_values(AggregateKind kind);

/// `aggregates` have the same argument, of type `argument` (kNull for count()). Requires: there is
/// only one, or shares_values() is true for each.
std::unique_ptr<Accumulator> make_accumulator(std::span<const Aggregate* const> aggregates,
                                              ValueType argument);

// One function per family of aggregates, each in a separate file.
std::unique_ptr<Accumulator> make_count(const Aggregate& aggregate);
std::unique_ptr<Accumulator> make_sum(const Aggregate& aggregate, ValueType argument);
std::unique_ptr<Accumulator> make_extreme(const Aggregate& aggregate, ValueType argument);
std::unique_ptr<Accumulator> make_edge(const Aggregate& aggregate, ValueType argument);
std::unique_ptr<Accumulator> make_moments(const Aggregate& aggregate);
std::unique_ptr<Accumulator> make_slope(const Aggregate& aggregate);
std::unique_ptr<Accumulator> make_values(std::span<const Aggregate* const> aggregates);
std::unique_ptr<Accumulator> make_distinct(const Aggregate& aggregate, ValueType argument);
std::unique_ptr<Accumulator> make_sample(const Aggregate& aggregate);

/// Appends a number as the column's type: rounded for integers, null if it is not finite or does
/// not fit.
void append_number(double value, TableColumn& out);

/// Statistics of a list of numbers, as computed by the aggregates of the same name; NaN if the list
/// is empty. Quantiles interpolate like PostgreSQL's percentile_cont and reorder `values`.
double quantile_of(std::span<double> values, double q);
/// Replaces `values` by their distances from the median.
double mad_of(std::span<double> values);
double mean_of(std::span<const double> values);
double stddev_of(std::span<const double> values);

}  // namespace tocsin
