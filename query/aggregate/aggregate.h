// Aggregates: what `stats` computes per group, fed vector by vector, merged between threads.
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

/// Rows of one vector and their groups: `rows[i]` belongs to `groups[i]`.
struct AggregateInput {
  std::span<const uint32_t> rows;
  std::span<const uint32_t> groups;
  const Vector* argument = nullptr;  ///< null for count()
  const Vector* time = nullptr;      ///< for aggregates that need it
  /// By row: how many it stands for; empty: each for itself. Only for counts, sums, means, extremes
  /// and distinct counts.
  std::span<const EntryStatistics> counted;

  uint32_t weight(uint32_t row) const { return counted.empty() ? 1 : counted[row].row_count; }
};

class Execution;
struct WantedOfGroups;

/// The state of one or more aggregates for all groups. Not thread-safe.
class Accumulator {
 public:
  virtual ~Accumulator() = default;

  /// There are that many groups from now on; new ones are empty.
  virtual void resize(size_t group_count) = 0;
  /// There may soon be that many.
  virtual void reserve(size_t /*group_count*/) {}
  virtual void update(const AggregateInput& input) = 0;
  /// Adds what another thread's accumulator of the same aggregates has; it is empty afterwards.
  /// `map[group there]` is the group here.
  virtual void merge(Accumulator& other, std::span<const uint32_t> map) = 0;
  /// Does what is long of the work before finish, on several threads.
  virtual Status settle(Execution& execution);
  /// Appends one value per group to each of `outputs`, as many as aggregates were given to
  /// make_accumulator. kLimit when a sum does not fit its type.
  virtual Status finish(std::span<TableColumn* const> outputs, StringArena& arena) = 0;
  virtual size_t memory_bytes() const = 0;

  /// Whether keep_fewer() may ever help.
  virtual bool can_keep_fewer() const { return false; }
  /// For quantiles of more values than fit into memory: from now on only counts them by their size,
  /// but for those from which the values so far let expect the results, where the counts need up to
  /// `bytes_max`. May be called again. False when there is nothing to gain.
  virtual bool keep_fewer(size_t /*bytes_max*/) { return false; }
  /// Call once, after all rows: finds out which values can be results. False when one of them was
  /// not kept: then another accumulator must see the same rows in the same groups, and keep only
  /// wanted_values() of this one.
  virtual bool find_wanted() { return true; }
  virtual std::shared_ptr<const WantedOfGroups> wanted_values() const { return nullptr; }
  /// Before any row: keeps only these. Null: all.
  virtual void keep_only(std::shared_ptr<const WantedOfGroups> /*wanted*/) {}

  /// Adds rows of which only number and times are known. Only for count() and for min and max of
  /// the source's `time`.
  virtual void add_rows(uint32_t group, const EntryStatistics& rows);
};

/// Whether the aggregate needs AggregateInput::time.
bool needs_time(AggregateKind kind);
/// Whether two aggregates over the same argument and filter can share one accumulator: those that
/// collect all values.
bool shares_values(AggregateKind kind);

/// `aggregates` are over the same argument, of type `argument` (kNull for count()); more than one
/// only when all of them share values.
std::unique_ptr<Accumulator> make_accumulator(std::span<const Aggregate* const> aggregates,
                                              ValueType argument);

// The families; each in its own file.
std::unique_ptr<Accumulator> make_count(const Aggregate& aggregate);
std::unique_ptr<Accumulator> make_sum(const Aggregate& aggregate, ValueType argument);
std::unique_ptr<Accumulator> make_extreme(const Aggregate& aggregate, ValueType argument);
std::unique_ptr<Accumulator> make_edge(const Aggregate& aggregate, ValueType argument);
std::unique_ptr<Accumulator> make_moments(const Aggregate& aggregate);
std::unique_ptr<Accumulator> make_slope(const Aggregate& aggregate);
std::unique_ptr<Accumulator> make_values(std::span<const Aggregate* const> aggregates);
std::unique_ptr<Accumulator> make_distinct(const Aggregate& aggregate, ValueType argument);
std::unique_ptr<Accumulator> make_sample(const Aggregate& aggregate);

/// Appends a number as the column's type: rounded for integers, null when it is not finite or does
/// not fit.
void append_number(double value, TableColumn& out);

/// Statistics of a list of numbers, as the aggregates of the same name; NaN when there is none.
/// Quantiles interpolate as PostgreSQL's percentile_cont; they reorder `values`.
double quantile_of(std::span<double> values, double q);
/// Leaves distances in `values`.
double mad_of(std::span<double> values);
double mean_of(std::span<const double> values);
double stddev_of(std::span<const double> values);

}  // namespace tocsin
