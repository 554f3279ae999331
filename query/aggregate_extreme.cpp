// min, max, first and last of any type.
#include <algorithm>
#include <string>

#include "query/aggregate.h"

namespace tocsin {
namespace {

// How a type's values are read from a vector and kept per group; strings are owned.
template <class Stored>
struct Access;
template <> struct Access<int64_t> {
  static int64_t get(const Vector& v, uint32_t row) { return v.i64[row]; }
  static void put(int64_t value, TableColumn& out, StringArena&) { out.i64.push_back(value); }
};
template <> struct Access<uint64_t> {
  static uint64_t get(const Vector& v, uint32_t row) { return v.u64[row]; }
  static void put(uint64_t value, TableColumn& out, StringArena&) { out.u64.push_back(value); }
};
template <> struct Access<double> {
  static double get(const Vector& v, uint32_t row) { return v.f64[row]; }
  static void put(double value, TableColumn& out, StringArena&) { out.f64.push_back(value); }
};
template <> struct Access<uint8_t> {
  static uint8_t get(const Vector& v, uint32_t row) { return v.boolean[row]; }
  static void put(uint8_t value, TableColumn& out, StringArena&) { out.boolean.push_back(value); }
};
template <> struct Access<std::string> {
  static std::string_view get(const Vector& v, uint32_t row) { return v.text_at(row); }
  static void put(const std::string& value, TableColumn& out, StringArena& arena) {
    out.text.push_back(arena.keep(value));
  }
};

// Puts a value into its place; `heap_bytes` follows what strings own.
template <class Stored, class T>
void store(Stored& place, const T& value, size_t& heap_bytes) {
  if constexpr (std::is_same_v<Stored, std::string>) heap_bytes += value.size() - place.size();
  place = value;
}

template <class Stored>
Status finish_values(const std::vector<uint8_t>& present, const std::vector<Stored>& values,
                     TableColumn& out, StringArena& arena) {
  for (size_t group = 0; group < values.size(); ++group) {
    if (!present[group]) {
      out.append_null();
      continue;
    }
    out.valid.push_back(1);
    Access<Stored>::put(values[group], out, arena);
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
        add(input.groups[i], Access<Stored>::get(*input.argument, row));
      }
    }
  }

  void merge(Accumulator& other, std::span<const uint32_t> map) override {
    const auto& from = dynamic_cast<Extreme&>(other);
    for (size_t i = 0; i < from.values_.size(); ++i) {
      if (from.present_[i]) add(map[i], from.values_[i]);
    }
  }

  Status finish(std::span<TableColumn* const> outputs, StringArena& arena) override {
    return finish_values(present_, values_, *outputs.front(), arena);
  }

  size_t memory_bytes() const override {
    return present_.capacity() + values_.capacity() * sizeof(Stored) + heap_bytes_;
  }

  void add_rows(uint32_t group, const EntryStatistics& rows) override {
    if constexpr (std::is_same_v<Stored, Timestamp>) {
      if (rows.row_count != 0) add(group, kLargest ? rows.last_time : rows.first_time);
    }
  }

 private:
  template <class T>
  void add(uint32_t group, const T& value) {
    if (present_[group] && !(kLargest ? values_[group] < value : value < values_[group])) return;
    present_[group] = 1;
    store(values_[group], value, heap_bytes_);
  }

  std::vector<uint8_t> present_;
  std::vector<Stored> values_;
  size_t heap_bytes_ = 0;  // of strings
};

/// first: the smallest value among the rows of the earliest time that has one; last: the largest of
/// the latest.
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
      add(input.groups[i], input.time->i64[row], Access<Stored>::get(*input.argument, row));
    }
  }

  void merge(Accumulator& other, std::span<const uint32_t> map) override {
    const auto& from = dynamic_cast<Edge&>(other);
    for (size_t i = 0; i < from.values_.size(); ++i) {
      if (from.present_[i]) add(map[i], from.times_[i], from.values_[i]);
    }
  }

  Status finish(std::span<TableColumn* const> outputs, StringArena& arena) override {
    return finish_values(present_, values_, *outputs.front(), arena);
  }

  size_t memory_bytes() const override {
    return present_.capacity() + times_.capacity() * sizeof(Timestamp) +
           values_.capacity() * sizeof(Stored) + heap_bytes_;
  }

 private:
  template <class T>
  void add(uint32_t group, Timestamp time, const T& value) {
    const Timestamp old = times_[group];
    if (present_[group]) {
      if (time != old ? (kLast ? time < old : time > old)
                      : !(kLast ? values_[group] < value : value < values_[group])) {
        return;
      }
    }
    present_[group] = 1;
    times_[group] = time;
    store(values_[group], value, heap_bytes_);
  }

  std::vector<uint8_t> present_;
  std::vector<Timestamp> times_;
  std::vector<Stored> values_;
  size_t heap_bytes_ = 0;  // of strings
};

template <template <class, bool> class Kind, bool kUpper>
std::unique_ptr<Accumulator> make_for(ValueType argument) {
  switch (argument) {
    case ValueType::kBool: return std::make_unique<Kind<uint8_t, kUpper>>();
    case ValueType::kU64: return std::make_unique<Kind<uint64_t, kUpper>>();
    case ValueType::kF64: return std::make_unique<Kind<double, kUpper>>();
    case ValueType::kString: return std::make_unique<Kind<std::string, kUpper>>();
    default: return std::make_unique<Kind<int64_t, kUpper>>();
  }
}

}  // namespace

std::unique_ptr<Accumulator> make_extreme(const Aggregate& aggregate, ValueType argument) {
  return aggregate.kind == AggregateKind::kMax ? make_for<Extreme, true>(argument)
                                               : make_for<Extreme, false>(argument);
}

std::unique_ptr<Accumulator> make_edge(const Aggregate& aggregate, ValueType argument) {
  return aggregate.kind == AggregateKind::kLast ? make_for<Edge, true>(argument)
                                                : make_for<Edge, false>(argument);
}

}  // namespace tocsin
