// quantile, median and mad: exact, by collecting every value and selecting, without sorting.
#include <algorithm>
#include <cmath>
#include <memory>
#include <numeric>
#include <utility>

#include "query/aggregate/aggregate.h"
#include "query/aggregate/rank_select.h"
#include "query/base/value_lists.h"
#include "query/scan/execution.h"
#include "query/vector/function_kernels.h"

namespace tocsin {
namespace {

/// Groups are given to threads in runs of at least so many values.
constexpr size_t kRunValuesMin = 64 * 1024;

/// A group with fewer values keeps them all.
constexpr size_t kLargeGroupMin = 4096;
/// A group that does not keeps, of the ranks so far, one in so many on either side of a wanted one:
/// the values to come may be a little smaller or larger.
constexpr size_t kMarginShare = 64;

/// Where percentile_cont looks: at position q * (n - 1) of the sorted list, linear between two.
struct Position {
  size_t lower = 0;
  double fraction = 0;

  Position(double q, size_t count) {
    const double position = q * static_cast<double>(count - 1);
    lower = static_cast<size_t>(std::floor(position));
    fraction = position - std::floor(position);
    if (lower + 1 == count) fraction = 0;
  }
  double between(double a, double b) const { return fraction == 0 ? a : a + fraction * (b - a); }
};

// The median of the distances, which the values become.
double median_distance(std::span<double> values, double median) {
  for (double& value : values) value = std::fabs(value - median);
  return quantile_of(values, 0.5);
}

}  // namespace

/// By group; null where all values are.
struct WantedOfGroups {
  struct Group {
    size_t count = 0;  ///< values, wanted or not
    WantedValues values;
  };
  std::vector<std::unique_ptr<const Group>> groups;
};

namespace {

class ValuesAccumulator final : public Accumulator {
 public:
  explicit ValuesAccumulator(std::span<const Aggregate* const> aggregates) {
    for (const Aggregate* aggregate : aggregates) {
      outputs_.push_back({aggregate->kind == AggregateKind::kMad, aggregate->quantile});
    }
  }

  void resize(size_t group_count) override {
    lists_.resize(group_count);
    if (counts_) counted_.resize(group_count);
  }

  void update(const AggregateInput& input) override {
    if (counts_) {
      for_each_value(input, [&](uint32_t group, double value) {
        Counted* const counted = counted_[group].get();
        if (counted ? counted->take(value) : wants(group, value)) lists_.append(group, value);
      });
    } else if (wanted_) {
      for_each_value(input, [&](uint32_t group, double value) {
        if (wants(group, value)) lists_.append(group, value);
      });
    } else {
      for_each_value(input, [&](uint32_t group, double value) { lists_.append(group, value); });
    }
  }

  void merge(Accumulator& other, std::span<const uint32_t> map) override {
    auto& from = dynamic_cast<ValuesAccumulator&>(other);
    for (uint32_t group = 0; group < from.counted_.size(); ++group) {
      if (from.counted_[group]) count(map[group]).add(*from.counted_[group]);
    }
    for (uint32_t group = 0; counts_ && group < from.lists_.group_count(); ++group) {
      const bool is_counted_there = from.counts_ && from.counted_[group];
      if (is_counted_there || !counted_[map[group]]) continue;
      counted_[map[group]]->count(from.lists_, group);
    }
    from.counted_.clear();
    lists_.absorb(from.lists_, map);
  }

  bool can_keep_fewer() const override { return std::ranges::none_of(outputs_, &Output::mad); }

  bool keep_fewer(size_t bytes_max) override {
    if (!can_keep_fewer()) return false;
    std::vector<uint32_t> large;
    size_t bytes = 0;
    for (uint32_t group = 0; group < lists_.group_count(); ++group) {
      if (counts_ && counted_[group]) continue;
      if (lists_.count(group) < kLargeGroupMin) continue;
      large.push_back(group);
      bytes += Counted::memory_bytes(wanted_in(group));
    }
    if (large.empty() || bytes > bytes_max) {
      if (!counts_) return false;
      large.clear();
      for (const auto& counted : counted_) {
        if (counted) counted->keep_none();
      }
    }
    for (const uint32_t group : large) {
      Counted& counted = count(group);
      if (wanted_in(group)) {
        counted.keep_none();
        continue;
      }
      const RankCounts& counts = counted.counts[0];
      const size_t count = counts.total();
      const std::vector<size_t> ranks = ranks_of(positions_in(count), count);
      counted.kept = counts.buckets_near(ranks, count / kMarginShare);
      if (counts.count_in(counted.kept) > count / 2) counted.keep_none();  // nothing to gain
    }
    drop_values();
    return true;
  }

  bool find_wanted() override {
    if (!counts_) return true;
    wanted_ = choose_wanted();
    bool is_enough = true;
    for (size_t i = 0; i < counted_.size(); ++i) {
      if (counted_[i]) is_enough &= wanted_->groups[i]->values.are_in(counted_[i]->kept);
    }
    counted_.clear();
    counted_bytes_ = 0;
    return is_enough;
  }

  std::shared_ptr<const WantedOfGroups> wanted_values() const override { return wanted_; }

  void keep_only(std::shared_ptr<const WantedOfGroups> wanted) override {
    wanted_ = std::move(wanted);
  }

  Status settle(Execution& execution) override {
    results_.resize(lists_.group_count() * outputs_.size());
    const std::vector<uint32_t> runs = make_runs();
    std::vector<RankSelect> selects(execution.thread_count());
    return run_parallel(execution, runs.size() - 1, [&](unsigned thread, size_t run) -> Status {
      for (uint32_t group = runs[run]; group < runs[run + 1]; ++group) {
        compute(group, selects[thread]);
      }
      return {};
    });
  }

  Status finish(std::span<TableColumn* const> outputs, StringArena&) override {
    for (size_t i = 0; i < results_.size(); ++i) {
      append_number(results_[i], *outputs[i % outputs.size()]);
    }
    return {};
  }

  size_t memory_bytes() const override {
    return lists_.memory_bytes() + results_.capacity() * sizeof(double) + counted_bytes_;
  }

 private:
  struct Output {
    bool mad;
    double quantile;
  };

  /// Of a group that does not keep all values that may be wanted: how many there are, by their
  /// first digit or, when another accumulator saw that, by the next one behind each prefix.
  struct Counted {
    const WantedValues* within;      ///< those that another one found may be wanted; null: all
    std::vector<RankCounts> counts;  ///< by prefix
    std::vector<uint8_t> kept;       ///< by first digit, whether the values are

    explicit Counted(const WantedValues* wanted)
        : within(wanted),
          counts(wanted ? wanted->prefix_count() : 1),
          kept(RankCounts::kBucketCount, 1) {}
    static size_t memory_bytes(const WantedValues* wanted) {
      return (wanted ? wanted->prefix_count() : 1) * RankCounts::kMemoryBytes +
             RankCounts::kBucketCount * sizeof(uint8_t);
    }

    void count(double value) {
      if (!within) return counts[0].add(value);
      const size_t prefix = within->prefix_of(value);
      if (prefix == WantedValues::kNone) return;
      counts[prefix].add(RankCounts::bucket_of(value, within->depth()), 1);
    }
    void count(const ValueLists& lists, size_t group) {
      lists.for_each_chunk(group, [&](std::span<const double> values) {
        for (const double value : values) count(value);
      });
    }
    bool keeps(double value) const {
      return kept[RankCounts::bucket_of(value)] != 0 && (!within || within->holds(value));
    }
    // Whether to keep the value.
    bool take(double value) {
      count(value);
      return keeps(value);
    }
    void keep_none() { std::ranges::fill(kept, uint8_t{0}); }
    void add(const Counted& other) {
      for (size_t i = 0; i < counts.size(); ++i) counts[i].add(other.counts[i]);
      for (size_t i = 0; i < kept.size(); ++i) kept[i] &= other.kept[i];
    }
  };

  // What another accumulator found; null: all.
  const WantedValues* wanted_in(uint32_t group) const {
    return wanted_ && wanted_->groups[group] ? &wanted_->groups[group]->values : nullptr;
  }
  bool wants(uint32_t group, double value) const {
    const WantedValues* const wanted = wanted_in(group);
    return !wanted || wanted->holds(value);
  }

  Counted& count(uint32_t group) {
    counts_ = true;
    counted_.resize(lists_.group_count());
    if (!counted_[group]) {
      counted_[group] = std::make_unique<Counted>(wanted_in(group));
      counted_[group]->count(lists_, group);  // those so far, which are kept
      counted_bytes_ += Counted::memory_bytes(wanted_in(group));
    }
    return *counted_[group];
  }

  std::shared_ptr<const WantedOfGroups> choose_wanted() const {
    auto wanted = std::make_shared<WantedOfGroups>();
    wanted->groups.resize(counted_.size());
    for (size_t i = 0; i < counted_.size(); ++i) {
      const WantedOfGroups::Group* const before = wanted_ ? wanted_->groups[i].get() : nullptr;
      if (!before && !counted_[i]) continue;
      auto group = std::make_unique<WantedOfGroups::Group>();
      if (before) {
        *group = *before;
        if (counted_[i]) group->values.refine(counted_[i]->counts);
      } else {
        const RankCounts& counts = counted_[i]->counts[0];
        group->count = counts.total();
        group->values.choose(counts, ranks_of(positions_in(group->count), group->count));
      }
      wanted->groups[i] = std::move(group);
    }
    return wanted;
  }

  // Those that are not to be kept any more.
  void drop_values() {
    const ValueLists before = std::exchange(lists_, {});
    lists_.resize(before.group_count());
    for (uint32_t group = 0; group < before.group_count(); ++group) {
      const Counted* const counted = counted_[group].get();
      before.for_each_chunk(group, [&](std::span<const double> chunk) {
        for (const double value : chunk) {
          if (!counted || counted->keeps(value)) lists_.append(group, value);
        }
      });
    }
  }

  // Run r is the groups [runs[r], runs[r + 1]).
  std::vector<uint32_t> make_runs() const {
    std::vector<uint32_t> runs{0};
    size_t values = 0;
    for (uint32_t group = 0; group < lists_.group_count(); ++group) {
      values += lists_.count(group) + 1;
      if (values < kRunValuesMin) continue;
      runs.push_back(group + 1);
      values = 0;
    }
    if (runs.back() != lists_.group_count()) {
      runs.push_back(static_cast<uint32_t>(lists_.group_count()));
    }
    return runs;
  }

  template <class Take>
  void for_each_value(const AggregateInput& input, Take take) {
    const Vector& argument = *input.argument;
    const auto values = as_f64(argument, argument.size, buffer_);
    for (size_t i = 0; i < input.rows.size(); ++i) {
      const uint32_t row = input.rows[i];
      if (!argument.is_null(row)) take(input.groups[i], values[row]);
    }
  }

  std::vector<Position> positions_in(size_t count) const {
    std::vector<Position> positions;
    for (const Output& output : outputs_) {
      positions.emplace_back(output.mad ? 0.5 : output.quantile, count);
    }
    return positions;
  }

  // Two for each position.
  static std::vector<size_t> ranks_of(std::span<const Position> positions, size_t count) {
    std::vector<size_t> ranks;
    for (const Position& position : positions) {
      ranks.push_back(position.lower);
      ranks.push_back(std::min(position.lower + 1, count - 1));
    }
    return ranks;
  }

  void compute(uint32_t group, RankSelect& select) {
    const WantedOfGroups::Group* wanted = wanted_ ? wanted_->groups[group].get() : nullptr;
    const size_t count = wanted ? wanted->count : lists_.count(group);
    const auto results = std::span(results_).subspan(group * outputs_.size(), outputs_.size());
    std::ranges::fill(results, std::nan(""));
    if (count == 0) return;
    const std::vector<Position> positions = positions_in(count);
    const std::vector<size_t> ranks = ranks_of(positions, count);
    std::vector<double> found(ranks.size());
    if (wanted) {
      select.select(lists_, group, wanted->values, found);
    } else {
      select.select(lists_, group, ranks, found);
    }
    for (size_t i = 0; i < outputs_.size(); ++i) {
      results[i] = positions[i].between(found[2 * i], found[2 * i + 1]);
      if (outputs_[i].mad) results[i] = median_distance(select.copy(lists_, group), results[i]);
    }
  }

  std::vector<Output> outputs_;
  ValueLists lists_;
  bool counts_ = false;                            // some groups
  std::vector<std::unique_ptr<Counted>> counted_;  // by group, if any; null: all values are kept
  size_t counted_bytes_ = 0;
  std::shared_ptr<const WantedOfGroups> wanted_;  // null: all
  std::vector<double> results_;                   // by group, then output
  std::vector<double> buffer_;
};

}  // namespace

std::unique_ptr<Accumulator> make_values(std::span<const Aggregate* const> aggregates) {
  return std::make_unique<ValuesAccumulator>(aggregates);
}

double quantile_of(std::span<double> values, double q) {
  if (values.empty()) return std::nan("");
  const Position position(q, values.size());
  const auto nth = values.begin() + static_cast<ptrdiff_t>(position.lower);
  std::nth_element(values.begin(), nth, values.end());
  if (position.fraction == 0) return *nth;
  return position.between(*nth, *std::min_element(nth + 1, values.end()));
}

double mad_of(std::span<double> values) {
  if (values.empty()) return std::nan("");
  const double median = quantile_of(values, 0.5);
  return median_distance(values, median);
}

}  // namespace tocsin
