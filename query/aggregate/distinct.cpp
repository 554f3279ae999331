// count_distinct: exact; numbers the values, then counts each pair of group and value once.
#include "query/aggregate/aggregate.h"
#include "query/aggregate/group_table.h"

namespace tocsin {
namespace {

class DistinctAccumulator final : public Accumulator {
 public:
  explicit DistinctAccumulator(ValueType argument) : values_(argument) {}

  void resize(size_t group_count) override { counts_.resize(group_count); }

  void update(const AggregateInput& input) override {
    numbers_.resize(input.rows.size());
    values_.number(*input.argument, input.rows, numbers_);
    for (size_t i = 0; i < numbers_.size(); ++i) {
      if (numbers_[i] != 0) add(input.groups[i], numbers_[i]);
    }
  }

  void merge(Accumulator& other, std::span<const uint32_t> map) override {
    const auto& from = dynamic_cast<DistinctAccumulator&>(other);
    const std::vector<uint32_t> numbers = values_.absorb(from.values_);
    for (uint32_t i = 0; i < from.pairs_.count(); ++i) {
      const uint64_t pair = from.pairs_.pair(i);
      add(map[pair >> 32], numbers[pair & UINT32_MAX]);
    }
  }

  Status finish(std::span<TableColumn* const> outputs, StringArena&) override {
    TableColumn& out = *outputs.front();
    out.valid.insert(out.valid.end(), counts_.size(), 1);
    out.i64.insert(out.i64.end(), counts_.begin(), counts_.end());
    return {};
  }

  size_t memory_bytes() const override {
    return values_.memory_bytes() + pairs_.memory_bytes() + counts_.capacity() * sizeof(int64_t);
  }

 private:
  void add(uint32_t group, uint32_t number) {
    const uint32_t before = pairs_.count();
    pairs_.find_or_add(group, number);
    counts_[group] += pairs_.count() - before;
  }

  KeyValues values_;
  PairTable pairs_;
  std::vector<int64_t> counts_;
  std::vector<uint32_t> numbers_;  // scratch
};

}  // namespace

std::unique_ptr<Accumulator> make_distinct(const Aggregate&, ValueType argument) {
  return std::make_unique<DistinctAccumulator>(argument);
}

}  // namespace tocsin
