// quantile, median and mad: exact, by collecting every value.
//
// Values are appended to blocks with their group beside them and sorted by group only at the end
// (a counting sort), so that a million small groups cost no allocation each.
#include <algorithm>
#include <cmath>
#include <utility>

#include "query/aggregate.h"
#include "query/function_kernels.h"

namespace tocsin {
namespace {

constexpr size_t kBlockValues = 32 * 1024;

struct Block {
  std::vector<uint32_t> groups;
  std::vector<double> values;
};

class ValuesAccumulator final : public Accumulator {
 public:
  explicit ValuesAccumulator(std::span<const Aggregate* const> aggregates) {
    for (const Aggregate* aggregate : aggregates) {
      outputs_.push_back({aggregate->kind == AggregateKind::kMad, aggregate->quantile});
    }
  }

  void resize(size_t group_count) override { group_count_ = group_count; }

  void update(const AggregateInput& input) override {
    const Vector& argument = *input.argument;
    const auto values = as_f64(argument, argument.size, buffer_);
    Block& block = open_block(input.rows.size());
    const size_t before = block.values.size();
    block.groups.resize(before + input.rows.size());
    block.values.resize(before + input.rows.size());
    size_t at = before;
    for (size_t i = 0; i < input.rows.size(); ++i) {
      const uint32_t row = input.rows[i];
      block.groups[at] = input.groups[i];
      block.values[at] = values[row];
      at += !argument.is_null(row);
    }
    block.groups.resize(at);
    block.values.resize(at);
  }

  void merge(Accumulator& other, std::span<const uint32_t> map) override {
    for (Block& block : std::exchange(dynamic_cast<ValuesAccumulator&>(other).blocks_, {})) {
      for (uint32_t& group : block.groups) group = map[group];
      blocks_.push_back(std::move(block));
    }
  }

  Status finish(std::span<TableColumn* const> outputs, StringArena&) override {
    std::vector<size_t> ends(group_count_ + 1);
    std::vector<double> sorted = sort_by_group(ends);
    size_t start = 0;
    for (size_t group = 0; group < group_count_; ++group) {
      const std::span<double> values(sorted.data() + start, ends[group] - start);
      start = ends[group];
      for (size_t i = 0; i < outputs.size(); ++i) {
        append_number(outputs_[i].mad ? mad_of(values) : quantile_of(values, outputs_[i].quantile),
                      *outputs[i]);
      }
    }
    return {};
  }

  size_t memory_bytes() const override {
    return blocks_.size() * kBlockValues * (sizeof(uint32_t) + sizeof(double));
  }

 private:
  struct Output {
    bool mad;
    double quantile;
  };

  Block& open_block(size_t need) {
    if (blocks_.empty() || blocks_.back().values.size() + need > kBlockValues) {
      blocks_.emplace_back();
      blocks_.back().groups.reserve(kBlockValues);
      blocks_.back().values.reserve(kBlockValues);
    }
    return blocks_.back();
  }

  // Gives the blocks back one by one while it fills the result. ends[g] is where group g ends.
  std::vector<double> sort_by_group(std::vector<size_t>& ends) {
    size_t total = 0;
    for (const Block& block : blocks_) {
      for (const uint32_t group : block.groups) ++ends[group + 1];
      total += block.groups.size();
    }
    for (size_t group = 1; group <= group_count_; ++group) ends[group] += ends[group - 1];
    std::vector<double> sorted(total);
    // ends[g] starts as the start of g and becomes its end.
    while (!blocks_.empty()) {
      const Block block = std::move(blocks_.back());
      blocks_.pop_back();
      for (size_t i = 0; i < block.groups.size(); ++i) {
        sorted[ends[block.groups[i]]++] = block.values[i];
      }
    }
    return sorted;
  }

  std::vector<Output> outputs_;
  size_t group_count_ = 0;
  std::vector<Block> blocks_;
  std::vector<double> buffer_;
};

}  // namespace

std::unique_ptr<Accumulator> make_values(std::span<const Aggregate* const> aggregates) {
  return std::make_unique<ValuesAccumulator>(aggregates);
}

// percentile_cont: the value at position q * (n - 1) of the sorted list, linear between two.
double quantile_of(std::span<double> values, double q) {
  if (values.empty()) return std::nan("");
  const double position = q * static_cast<double>(values.size() - 1);
  const auto lower = static_cast<size_t>(std::floor(position));
  const auto nth = values.begin() + static_cast<ptrdiff_t>(lower);
  std::nth_element(values.begin(), nth, values.end());
  const double fraction = position - std::floor(position);
  if (fraction == 0 || lower + 1 == values.size()) return *nth;
  const double next = *std::min_element(nth + 1, values.end());
  return *nth + fraction * (next - *nth);
}

double mad_of(std::span<double> values) {
  if (values.empty()) return std::nan("");
  const double median = quantile_of(values, 0.5);
  std::vector<double> distances(values.size());
  std::ranges::transform(values, distances.begin(),
                         [&](double value) { return std::fabs(value - median); });
  return quantile_of(distances, 0.5);
}

}  // namespace tocsin
