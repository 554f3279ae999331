// count() of rows and count(x) of values.
#include "query/aggregate/aggregate.h"
#include "query/base/large_memory.h"
#include "query/vector/kernels.h"

namespace tocsin {
namespace {

class CountAccumulator final : public Accumulator {
 public:
  void resize(size_t group_count) override { counts_.resize(group_count); }

  void reserve(size_t group_count) override { counts_.reserve(group_count); }

  void update(const AggregateInput& input) override {
    if (!input.counted.empty()) {
      for (size_t i = 0; i < input.rows.size(); ++i) {
        if (input.argument->is_null(input.rows[i])) continue;
        counts_[input.groups[i]] += input.counted[input.rows[i]].row_count;
      }
    } else if (!input.argument || input.argument->valid.empty()) {
      kernels::count_groups(input.groups, counts_);
    } else {
      kernels::count_valid(input.rows, input.groups, input.argument->valid, counts_);
    }
  }

  void merge(Accumulator& other, std::span<const uint32_t> map) override {
    const auto& from = dynamic_cast<CountAccumulator&>(other).counts_;
    for (size_t i = 0; i < from.size(); ++i) counts_[map[i]] += from[i];
  }

  Status finish(std::span<TableColumn* const> outputs, StringArena&) override {
    TableColumn& out = *outputs.front();
    out.valid.insert(out.valid.end(), counts_.size(), 1);
    out.i64.insert(out.i64.end(), counts_.begin(), counts_.end());
    return {};
  }

  size_t memory_bytes() const override { return counts_.capacity() * sizeof(int64_t); }
  void add_rows(uint32_t group, const EntryStatistics& rows) override {
    counts_[group] += rows.row_count;
  }

 private:
  std::vector<int64_t, LargeAllocator<int64_t>> counts_;
};

}  // namespace

std::unique_ptr<Accumulator> make_count(const Aggregate&) {
  return std::make_unique<CountAccumulator>();
}

}  // namespace tocsin
