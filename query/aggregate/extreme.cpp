// min, max, first and last of any type.
#include <string_view>

#include "query/aggregate/aggregate.h"
#include "query/aggregate/text_cells.h"
#include "query/format/typed_values.h"

namespace tocsin {
namespace {

template <class Stored>
Status finish_values(const std::vector<uint8_t>& present, const std::vector<Stored>& values,
                     TableColumn& out) {
  for (size_t group = 0; group < values.size(); ++group) {
    if (!present[group]) {
      out.append_null();
      continue;
    }
    out.valid.push_back(1);
    values_of<Stored>(out).push_back(values[group]);
  }
  return {};
}

template <class Stored, bool kLargest>
class Extreme final : public Accumulator {
 public:
  void resize(size_t group_count) override {
    present_.resize(group_count);
    values_.resize(group_count);
  }

  void update(const AggregateInput& input) override {
    for (size_t i = 0; i < input.rows.size(); ++i) {
      const uint32_t row = input.rows[i];
      if (!input.argument->is_null(row)) {
        add(input.groups[i], values_of<Stored>(*input.argument)[row]);
      }
    }
  }

  void merge(Accumulator& other, std::span<const uint32_t> map) override {
    const auto& from = dynamic_cast<Extreme&>(other);
    for (size_t i = 0; i < from.values_.size(); ++i) {
      if (from.present_[i]) add(map[i], from.values_[i]);
    }
  }

  Status finish(std::span<TableColumn* const> outputs, StringArena&) override {
    return finish_values(present_, values_, *outputs.front());
  }

  size_t memory_bytes() const override {
    return present_.capacity() + values_.capacity() * sizeof(Stored);
  }

  void add_rows(uint32_t group, const EntryStatistics& rows) override {
    if constexpr (std::is_same_v<Stored, Timestamp>) {
      if (rows.row_count != 0) add(group, kLargest ? rows.last_time : rows.first_time);
    }
  }

 private:
  void add(uint32_t group, Stored value) {
    if (present_[group] && !(kLargest ? values_[group] < value : value < values_[group])) return;
    present_[group] = 1;
    values_[group] = value;
  }

  std::vector<uint8_t> present_;
  std::vector<Stored> values_;
};

/// first: the smallest value among the rows with the earliest time; last: the largest value among
/// those with the latest. Rows without a value are ignored.
template <class Stored, bool kLast>
class Edge final : public Accumulator {
 public:
  void resize(size_t group_count) override {
    present_.resize(group_count);
    times_.resize(group_count);
    values_.resize(group_count);
  }

  void update(const AggregateInput& input) override {
    for (size_t i = 0; i < input.rows.size(); ++i) {
      const uint32_t row = input.rows[i];
      if (input.argument->is_null(row) || input.time->is_null(row)) continue;
      add(input.groups[i], input.time->i64[row], values_of<Stored>(*input.argument)[row]);
    }
  }

  void merge(Accumulator& other, std::span<const uint32_t> map) override {
    const auto& from = dynamic_cast<Edge&>(other);
    for (size_t i = 0; i < from.values_.size(); ++i) {
      if (from.present_[i]) add(map[i], from.times_[i], from.values_[i]);
    }
  }

  Status finish(std::span<TableColumn* const> outputs, StringArena&) override {
    return finish_values(present_, values_, *outputs.front());
  }

  size_t memory_bytes() const override {
    return present_.capacity() + times_.capacity() * sizeof(Timestamp) +
           values_.capacity() * sizeof(Stored);
  }

 private:
  void add(uint32_t group, Timestamp time, Stored value) {
    const Timestamp old = times_[group];
    if (present_[group]) {
      if (time != old ? (kLast ? time < old : time > old)
                      : !(kLast ? values_[group] < value : value < values_[group])) {
        return;
      }
    }
    present_[group] = 1;
    times_[group] = time;
    values_[group] = value;
  }

  std::vector<uint8_t> present_;
  std::vector<Timestamp> times_;
  std::vector<Stored> values_;
};

template <bool kLargest>
class TextExtreme final : public Accumulator {
 public:
  void resize(size_t group_count) override { cells_.resize(group_count); }

  void update(const AggregateInput& input) override {
    const Vector& argument = *input.argument;
    cells_.begin(argument, input.rows);
    for (size_t i = 0; i < input.rows.size(); ++i) {
      const uint32_t row = input.rows[i];
      if (argument.is_null(row) || !is_better(input.groups[i], argument.text_at(row))) continue;
      cells_.set(input.groups[i], argument, input.rows, i);
    }
  }

  void merge(Accumulator& other, std::span<const uint32_t> map) override {
    const auto& from = dynamic_cast<TextExtreme&>(other).cells_;
    const std::vector<uint32_t> shared = cells_.absorb_shared(from);
    for (size_t i = 0; i < from.size(); ++i) {
      if (!from.is_empty(i) && is_better(map[i], from.at(i))) cells_.copy(map[i], from, i, shared);
    }
  }

  Status finish(std::span<TableColumn* const> outputs, StringArena& arena) override {
    cells_.append_to(*outputs.front(), arena);
    return {};
  }

  size_t memory_bytes() const override { return cells_.memory_bytes(); }

 private:
  bool is_better(uint32_t group, std::string_view text) const {
    if (cells_.is_empty(group)) return true;
    return kLargest ? cells_.at(group) < text : text < cells_.at(group);
  }

  TextCells cells_;
};

template <bool kLast>
class TextEdge final : public Accumulator {
 public:
  void resize(size_t group_count) override {
    times_.resize(group_count);
    cells_.resize(group_count);
  }
  void reserve(size_t group_count) override {
    times_.reserve(group_count);
    cells_.reserve(group_count);
  }

  void update(const AggregateInput& input) override {
    const Vector& argument = *input.argument;
    cells_.begin(argument, input.rows);
    if (cells_.all_shared(argument) && input.time->valid.empty()) return update_shared(input);
    for (size_t i = 0; i < input.rows.size(); ++i) {
      const uint32_t row = input.rows[i];
      if (argument.is_null(row) || input.time->is_null(row)) continue;
      const uint32_t group = input.groups[i];
      const Timestamp time = input.time->i64[row];
      if (!is_better(group, time, argument.text_at(row))) continue;
      times_[group] = time;
      cells_.set(group, argument, input.rows, i);
    }
  }

  void merge(Accumulator& other, std::span<const uint32_t> map) override {
    const auto& from = dynamic_cast<TextEdge&>(other);
    const std::vector<uint32_t> shared = cells_.absorb_shared(from.cells_);
    for (size_t i = 0; i < from.times_.size(); ++i) {
      if (from.cells_.is_empty(i)) continue;
      if (!is_better(map[i], from.times_[i], from.cells_.at(i))) continue;
      times_[map[i]] = from.times_[i];
      cells_.copy(map[i], from.cells_, i, shared);
    }
  }

  Status finish(std::span<TableColumn* const> outputs, StringArena& arena) override {
    cells_.append_to(*outputs.front(), arena);
    return {};
  }

  size_t memory_bytes() const override {
    return cells_.memory_bytes() + times_.capacity() * sizeof(Timestamp);
  }

 private:
  // Without branches, because whether a row is its group's first is unpredictable.
  void update_shared(const AggregateInput& input) {
    const auto numbers = cells_.numbers();
    for (size_t i = 0; i < input.rows.size(); ++i) {
      const uint32_t row = input.rows[i];
      const uint32_t group = input.groups[i];
      const Timestamp time = input.time->i64[row];
      const Timestamp old = times_[group];
      uint32_t& cell = cells_.cell(group);
      bool better = (cell == 0) | (kLast ? time > old : time < old);
      if (time == old && numbers[i] != 0) {
        better = is_better(group, time, input.argument->text_at(row));
      }
      better &= numbers[i] != 0;
      times_[group] = better ? time : old;
      cell = better ? numbers[i] : cell;
    }
  }

  bool is_better(uint32_t group, Timestamp time, std::string_view text) const {
    if (cells_.is_empty(group)) return true;
    if (time != times_[group]) return kLast ? time > times_[group] : time < times_[group];
    return kLast ? cells_.at(group) < text : text < cells_.at(group);
  }

  std::vector<Timestamp, LargeAllocator<Timestamp>> times_;
  TextCells cells_;
};

template <template <class, bool> class Kind, bool kUpper>
std::unique_ptr<Accumulator> make_for(ValueType argument) {
  switch (argument) {
    case ValueType::kBool: return std::make_unique<Kind<uint8_t, kUpper>>();
    case ValueType::kU64: return std::make_unique<Kind<uint64_t, kUpper>>();
    case ValueType::kF64: return std::make_unique<Kind<double, kUpper>>();
    default: return std::make_unique<Kind<int64_t, kUpper>>();
  }
}

}  // namespace

std::unique_ptr<Accumulator> make_extreme(const Aggregate& aggregate, ValueType argument) {
  const bool largest = aggregate.kind == AggregateKind::kMax;
  if (argument == ValueType::kString) {
    if (largest) return std::make_unique<TextExtreme<true>>();
    return std::make_unique<TextExtreme<false>>();
  }
  return largest ? make_for<Extreme, true>(argument) : make_for<Extreme, false>(argument);
}

std::unique_ptr<Accumulator> make_edge(const Aggregate& aggregate, ValueType argument) {
  const bool last = aggregate.kind == AggregateKind::kLast;
  if (argument == ValueType::kString) {
    if (last) return std::make_unique<TextEdge<true>>();
    return std::make_unique<TextEdge<false>>();
  }
  return last ? make_for<Edge, true>(argument) : make_for<Edge, false>(argument);
}

}  // namespace tocsin
