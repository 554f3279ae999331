// sum and mean: integers are summed exactly in 128 bits, doubles with compensation.
#include <cmath>
#include <limits>

#include <fmt/format.h>

#include "query/aggregate/aggregate.h"
#include "query/vector/kernels.h"

namespace tocsin {
namespace {

using kernels::Int128;

/// Integers, times and durations.
class IntegerSum final : public Accumulator {
 public:
  IntegerSum(const Aggregate& aggregate, bool is_unsigned)
      : mean_(aggregate.kind == AggregateKind::kMean),
        is_unsigned_(is_unsigned),
        name_(aggregate.name) {}

  void resize(size_t group_count) override {
    sums_.resize(group_count);
    counts_.resize(group_count);
  }

  void update(const AggregateInput& input) override {
    if (is_unsigned_) {
      add(input, input.argument->u64);
    } else {
      add(input, input.argument->i64);
    }
  }

  void merge(Accumulator& other, std::span<const uint32_t> map) override {
    const auto& from = dynamic_cast<IntegerSum&>(other);
    for (size_t i = 0; i < from.sums_.size(); ++i) {
      sums_[map[i]] += from.sums_[i];
      counts_[map[i]] += from.counts_[i];
    }
  }

  Status finish(std::span<TableColumn* const> outputs, StringArena&) override {
    TableColumn& out = *outputs.front();
    for (size_t group = 0; group < sums_.size(); ++group) {
      const Int128 sum = sums_[group];
      if (mean_) {
        if (counts_[group] == 0) {
          out.append_null();
        } else {
          append_number(mean(sum, counts_[group]), out);
        }
        continue;
      }
      if (out.type == ValueType::kF64) {
        append_number(static_cast<double>(sum), out);
        continue;
      }
      const bool to_unsigned = out.type == ValueType::kU64;
      const bool fits = to_unsigned ? sum >= 0 && sum <= Int128{UINT64_MAX}
                                    : sum >= Int128{INT64_MIN} && sum <= Int128{INT64_MAX};
      if (!fits) {
        return fail(
            ErrorCode::kLimit,
            fmt::format("`{}` does not fit into 64 bits (about {:.6g}); sum a float instead, "
                        "for example with `* 1.0`",
                        name_, static_cast<double>(sum)));
      }
      out.valid.push_back(1);
      if (to_unsigned) {
        out.u64.push_back(static_cast<uint64_t>(sum));
      } else {
        out.i64.push_back(static_cast<int64_t>(sum));
      }
    }
    return {};
  }

  size_t memory_bytes() const override {
    return sums_.capacity() * sizeof(Int128) + counts_.capacity() * sizeof(uint64_t);
  }

 private:
  // Computes the whole and the fractional part separately, so that a large sum is not rounded
  // before the division.
  static double mean(Int128 sum, uint64_t count) {
    const auto n = static_cast<Int128>(count);
    const Int128 whole = sum / n;
    return static_cast<double>(whole) + static_cast<double>(sum % n) / static_cast<double>(count);
  }

  template <class T>
  void add(const AggregateInput& input, std::span<const T> values) {
    for (size_t i = 0; i < input.rows.size(); ++i) {
      const uint32_t row = input.rows[i];
      if (input.argument->is_null(row)) continue;
      const uint32_t weight = input.weight(row);
      sums_[input.groups[i]] += Int128{values[row]} * weight;
      counts_[input.groups[i]] += weight;
    }
  }

  bool mean_;
  bool is_unsigned_;
  std::string name_;
  std::vector<Int128> sums_;
  std::vector<uint64_t> counts_;
};

/// Doubles, with the compensation of Neumaier 1974 ("Rundungsfehleranalyse einiger Verfahren zur
/// Summation endlicher Summen"). The result hardly depends on the order, and so on the threads.
class FloatSum final : public Accumulator {
 public:
  explicit FloatSum(const Aggregate& aggregate) : mean_(aggregate.kind == AggregateKind::kMean) {}

  void resize(size_t group_count) override { groups_.resize(group_count); }

  void update(const AggregateInput& input) override {
    const Vector& argument = *input.argument;
    for (size_t i = 0; i < input.rows.size(); ++i) {
      const uint32_t row = input.rows[i];
      if (argument.is_null(row)) continue;
      Group& group = groups_[input.groups[i]];
      const uint32_t weight = input.weight(row);
      group.add(argument.f64[row] * weight);
      group.count += weight;
    }
  }

  void merge(Accumulator& other, std::span<const uint32_t> map) override {
    const auto& from = dynamic_cast<FloatSum&>(other).groups_;
    for (size_t i = 0; i < from.size(); ++i) {
      Group& group = groups_[map[i]];
      group.add(from[i].sum);
      group.add(from[i].compensation);
      group.count += from[i].count;
    }
  }

  Status finish(std::span<TableColumn* const> outputs, StringArena&) override {
    for (const Group& group : groups_) {
      const double sum = group.sum + group.compensation;
      if (mean_ && group.count == 0) {
        outputs.front()->append_null();
      } else {
        append_number(mean_ ? sum / static_cast<double>(group.count) : sum, *outputs.front());
      }
    }
    return {};
  }

  size_t memory_bytes() const override { return groups_.capacity() * sizeof(Group); }

 private:
  struct Group {
    double sum = 0;
    double compensation = 0;
    uint64_t count = 0;

    void add(double value) {
      const double total = sum + value;
      compensation +=
          std::fabs(sum) >= std::fabs(value) ? (sum - total) + value : (value - total) + sum;
      sum = total;
    }
  };

  bool mean_;
  std::vector<Group> groups_;
};

}  // namespace

std::unique_ptr<Accumulator> make_sum(const Aggregate& aggregate, ValueType argument) {
  if (argument == ValueType::kF64) return std::make_unique<FloatSum>(aggregate);
  return std::make_unique<IntegerSum>(aggregate, argument == ValueType::kU64);
}

}  // namespace tocsin
