// quantile, median and mad: exact, by collecting every value and selecting, without sorting.
#include <algorithm>
#include <cmath>
#include <memory>
#include <numeric>
#include <utility>

#include "query/aggregate/aggregate.h"
#include "query/aggregate/rank_select.h"
#include "query/aggregate/reducible_values.h"
#include "query/base/value_lists.h"
#include "query/scan/execution.h"
#include "query/vector/function_kernels.h"

namespace tocsin {
namespace {

/// A thread computes the results of groups with at least this many values at a time.
constexpr size_t kRunValuesMin = 64 * 1024;

/// Groups with fewer values are never reduced.
constexpr size_t kLargeGroupMin = 4096;
/// A reduced group keeps 1 / kMarginShare of its ranks on either side of each wanted rank, because
/// later values may shift the ranks a little.
constexpr size_t kMarginShare = 64;

/// The position that percentile_cont reads: q * (n - 1) in the sorted list, interpolated linearly.
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

// Replaces the values by their distances from `median` and returns the median of those.
double median_distance(std::span<double> values, double median) {
  for (double& value : values) value = std::fabs(value - median);
  return quantile_of(values, 0.5);
}

}  // namespace

struct QuantileCandidates {
  struct Group {
    size_t count = 0;  ///< of all values, candidates or not
    RankCandidates values;
  };
  std::vector<std::unique_ptr<const Group>> groups;  ///< null: all values are candidates
};

namespace {

class ValuesAccumulator final : public Accumulator, public ReducibleValues {
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
        const bool keep = counted ? counted->count_and_test(value) : is_candidate(group, value);
        if (keep) lists_.append(group, value);
      });
    } else if (candidates_) {
      for_each_value(input, [&](uint32_t group, double value) {
        if (is_candidate(group, value)) lists_.append(group, value);
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

  // MAD needs every value.
  ReducibleValues* reducible_values() override {
    return std::ranges::any_of(outputs_, &Output::mad) ? nullptr : this;
  }

  bool reduce(size_t bytes_max) override {
    std::vector<uint32_t> large;
    size_t bytes = 0;
    for (uint32_t group = 0; group < lists_.group_count(); ++group) {
      if (counts_ && counted_[group]) continue;
      if (lists_.count(group) < kLargeGroupMin) continue;
      large.push_back(group);
      bytes += Counted::memory_bytes(candidates_of(group));
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
      if (candidates_of(group)) {
        counted.keep_none();
        continue;
      }
      const RankCounts& counts = counted.counts[0];
      const size_t count = counts.total();
      const std::vector<size_t> ranks = ranks_of(positions_in(count), count);
      counted.kept = counts.buckets_near(ranks, count / kMarginShare);
      // Keeping most of the values would gain too little.
      if (counts.count_in(counted.kept) > count / 2) counted.keep_none();
    }
    drop_values();
    return true;
  }

  bool find_candidates() override {
    if (!counts_) return true;
    candidates_ = choose_candidates();
    bool all_kept = true;
    for (size_t i = 0; i < counted_.size(); ++i) {
      if (counted_[i]) all_kept &= candidates_->groups[i]->values.are_in(counted_[i]->kept);
    }
    counted_.clear();
    counted_bytes_ = 0;
    return all_kept;
  }

  std::shared_ptr<const QuantileCandidates> candidates() const override { return candidates_; }

  void keep_only(std::shared_ptr<const QuantileCandidates> candidates) override {
    candidates_ = std::move(candidates);
  }

  Status compute_results(Execution& execution) override {
    results_.resize(lists_.group_count() * outputs_.size());
    const std::vector<uint32_t> runs = make_runs();
    std::vector<RankSelect> selects(execution.thread_count());
    const bool copies_all = std::ranges::any_of(outputs_, &Output::mad);
    std::vector<MemoryGauge> gauges;  // by thread, of the values that are copied
    for (size_t i = 0; i < selects.size(); ++i) gauges.emplace_back(execution);
    return run_parallel(execution, runs.size() - 1, [&](unsigned thread, size_t run) -> Status {
      for (uint32_t group = runs[run]; group < runs[run + 1]; ++group) {
        const size_t value_count = lists_.count(group);
        if (copies_all && value_count > kRunValuesMin) {
          TOCSIN_RETURN_IF_ERROR(execution.check());
          TOCSIN_RETURN_IF_ERROR(gauges[thread].set(value_count * sizeof(double)));
        }
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

  /// Counts the values of a group that does not keep all of them: by their first digit or, if an
  /// earlier pass found candidates, by the digit after each candidate prefix.
  struct Counted {
    const RankCandidates* within;    ///< the candidates of the pass before; null: all values
    std::vector<RankCounts> counts;  ///< by prefix
    std::vector<uint8_t> kept;       ///< by first digit: whether its values are kept

    explicit Counted(const RankCandidates* candidates)
        : within(candidates),
          counts(candidates ? candidates->prefix_count() : 1),
          kept(RankCounts::kBucketCount, 1) {}
    static size_t memory_bytes(const RankCandidates* candidates) {
      return (candidates ? candidates->prefix_count() : 1) * RankCounts::kMemoryBytes +
             RankCounts::kBucketCount * sizeof(uint8_t);
    }

    void count(double value) {
      if (!within) return counts[0].add(value);
      const size_t prefix = within->prefix_of(value);
      if (prefix == RankCandidates::kNone) return;
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
    // Returns whether to keep the value.
    bool count_and_test(double value) {
      count(value);
      return keeps(value);
    }
    void keep_none() { std::ranges::fill(kept, uint8_t{0}); }
    void add(const Counted& other) {
      for (size_t i = 0; i < counts.size(); ++i) counts[i].add(other.counts[i]);
      for (size_t i = 0; i < kept.size(); ++i) kept[i] &= other.kept[i];
    }
  };

  // The candidates of the pass before; null: all values.
  const RankCandidates* candidates_of(uint32_t group) const {
    return candidates_ && candidates_->groups[group] ? &candidates_->groups[group]->values
                                                     : nullptr;
  }
  bool is_candidate(uint32_t group, double value) const {
    const RankCandidates* const candidates = candidates_of(group);
    return !candidates || candidates->holds(value);
  }

  Counted& count(uint32_t group) {
    counts_ = true;
    counted_.resize(lists_.group_count());
    if (!counted_[group]) {
      counted_[group] = std::make_unique<Counted>(candidates_of(group));
      counted_[group]->count(lists_, group);  // the values so far, all of which were kept
      counted_bytes_ += Counted::memory_bytes(candidates_of(group));
    }
    return *counted_[group];
  }

  std::shared_ptr<const QuantileCandidates> choose_candidates() const {
    auto chosen = std::make_shared<QuantileCandidates>();
    chosen->groups.resize(counted_.size());
    for (size_t i = 0; i < counted_.size(); ++i) {
      const QuantileCandidates::Group* const before =
          candidates_ ? candidates_->groups[i].get() : nullptr;
      if (!before && !counted_[i]) continue;
      auto group = std::make_unique<QuantileCandidates::Group>();
      if (before) {
        *group = *before;
        if (counted_[i]) group->values.refine(counted_[i]->counts);
      } else {
        const RankCounts& counts = counted_[i]->counts[0];
        group->count = counts.total();
        group->values.choose(counts, ranks_of(positions_in(group->count), group->count));
      }
      chosen->groups[i] = std::move(group);
    }
    return chosen;
  }

  // Drops the values that no longer have to be kept.
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

  // Run r has the groups [runs[r], runs[r + 1]).
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

  template <class Visit>
  void for_each_value(const AggregateInput& input, Visit visit) {
    const Vector& argument = *input.argument;
    const auto values = as_f64(argument, argument.size, buffer_);
    for (size_t i = 0; i < input.rows.size(); ++i) {
      const uint32_t row = input.rows[i];
      if (!argument.is_null(row)) visit(input.groups[i], values[row]);
    }
  }

  std::vector<Position> positions_in(size_t count) const {
    std::vector<Position> positions;
    for (const Output& output : outputs_) {
      positions.emplace_back(output.mad ? 0.5 : output.quantile, count);
    }
    return positions;
  }

  // Two ranks for each position.
  static std::vector<size_t> ranks_of(std::span<const Position> positions, size_t count) {
    std::vector<size_t> ranks;
    for (const Position& position : positions) {
      ranks.push_back(position.lower);
      ranks.push_back(std::min(position.lower + 1, count - 1));
    }
    return ranks;
  }

  void compute(uint32_t group, RankSelect& select) {
    const QuantileCandidates::Group* const candidates =
        candidates_ ? candidates_->groups[group].get() : nullptr;
    const size_t count = candidates ? candidates->count : lists_.count(group);
    const auto results = std::span(results_).subspan(group * outputs_.size(), outputs_.size());
    std::ranges::fill(results, std::nan(""));
    if (count == 0) return;
    const std::vector<Position> positions = positions_in(count);
    const std::vector<size_t> ranks = ranks_of(positions, count);
    std::vector<double> found(ranks.size());
    if (candidates) {
      select.select(lists_, group, candidates->values, found);
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
  bool counts_ = false;                            // whether some group has counts
  std::vector<std::unique_ptr<Counted>> counted_;  // by group; null: all values are kept
  size_t counted_bytes_ = 0;
  std::shared_ptr<const QuantileCandidates> candidates_;  // null: all values
  std::vector<double> results_;                           // by group, then output
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
