#include "query/group_table.h"

#include <algorithm>
#include <bit>
#include <utility>

#include "db/base/check.h"

namespace tocsin {
namespace {

constexpr uint32_t kNone = UINT32_MAX;
constexpr size_t kMatrixEntriesMax = size_t{1} << 22;
constexpr size_t kFirstSlots = 256;

}  // namespace

// ---- PairTable ----------------------------------------------------------------------------------

uint32_t PairTable::add(uint32_t a, uint32_t b) {
  pairs_.push_back(uint64_t{a} << 32 | b);
  return count() - 1;
}

// Makes room for (a, b) in the matrix; false once it is too large, and it is given up for good.
bool PairTable::grow_matrix(uint32_t a, uint32_t b) {
  const auto rows = std::bit_ceil(std::max(a + 1, matrix_rows_));
  const auto stride = std::bit_ceil(std::max({b + 1, stride_, 16u}));
  if (size_t{rows} * stride > kMatrixEntriesMax) {
    matrix_ = {};
    matrix_rows_ = stride_ = 0;
    grow_table();
    return false;
  }
  matrix_rows_ = rows;
  stride_ = stride;
  matrix_.assign(size_t{rows} * stride, kNone);
  for (uint32_t i = 0; i < count(); ++i) {
    matrix_[(pairs_[i] >> 32) * stride_ + (pairs_[i] & UINT32_MAX)] = i;
  }
  return true;
}

void PairTable::grow_table() {
  table_.assign(std::max(kFirstSlots, std::bit_ceil(size_t{count()} * 4)), 0);
  const size_t mask = table_.size() - 1;
  for (uint32_t i = 0; i < count(); ++i) {
    size_t at = mix_word(pairs_[i]) & mask;
    while (table_[at] != 0) at = (at + 1) & mask;
    table_[at] = i + 1;
  }
}

uint32_t PairTable::find_in_table(uint32_t a, uint32_t b) {
  if (size_t{count()} * 2 >= table_.size()) grow_table();
  const uint64_t key = uint64_t{a} << 32 | b;
  const size_t mask = table_.size() - 1;
  for (size_t at = mix_word(key) & mask;; at = (at + 1) & mask) {
    if (table_[at] == 0) {
      table_[at] = add(a, b) + 1;
      return count() - 1;
    }
    if (pairs_[table_[at] - 1] == key) return table_[at] - 1;
  }
}

uint32_t PairTable::find_or_add(uint32_t a, uint32_t b) {
  if (!table_.empty()) return find_in_table(a, b);
  if ((a >= matrix_rows_ || b >= stride_) && !grow_matrix(a, b)) return find_in_table(a, b);
  uint32_t& number = matrix_[size_t{a} * stride_ + b];
  if (number == kNone) number = add(a, b);
  return number;
}

size_t PairTable::memory_bytes() const {
  return pairs_.capacity() * sizeof(uint64_t) +
         (matrix_.capacity() + table_.capacity()) * sizeof(uint32_t);
}

// ---- GroupTable ---------------------------------------------------------------------------------

GroupTable::GroupTable(std::span<const ValueType> key_types) : levels_(key_types.size()) {
  for (const ValueType type : key_types) keys_.emplace_back(type);
}

size_t GroupTable::group_count() const { return levels_.empty() ? 1 : levels_.back().count(); }

void GroupTable::assign(std::span<const Vector* const> keys, std::span<const uint32_t> rows,
                        std::span<uint32_t> groups) {
  TOCSIN_CHECK(keys.size() == keys_.size() && groups.size() == rows.size());
  std::ranges::fill(groups, 0u);
  numbers_.resize(rows.size());
  for (size_t k = 0; k < keys.size(); ++k) {
    keys_[k].number(*keys[k], rows, numbers_);
    PairTable& level = levels_[k];
    for (size_t i = 0; i < rows.size(); ++i) groups[i] = level.find_or_add(groups[i], numbers_[i]);
  }
}

std::vector<uint32_t> GroupTable::absorb(const GroupTable& other) {
  std::vector<uint32_t> map(1, 0);
  for (size_t k = 0; k < keys_.size(); ++k) {
    const std::vector<uint32_t> numbers = keys_[k].absorb(other.keys_[k]);
    const PairTable& from = other.levels_[k];
    std::vector<uint32_t> next(from.count());
    for (uint32_t i = 0; i < from.count(); ++i) {
      const uint64_t pair = from.pair(i);
      next[i] = levels_[k].find_or_add(map[pair >> 32], numbers[pair & UINT32_MAX]);
    }
    map = std::move(next);
  }
  return map;
}

uint32_t GroupTable::key_number(size_t key, uint32_t group) const {
  uint32_t id = group;
  for (size_t level = levels_.size() - 1; level > key; --level) {
    id = static_cast<uint32_t>(levels_[level].pair(id) >> 32);
  }
  return static_cast<uint32_t>(levels_[key].pair(id) & UINT32_MAX);
}

void GroupTable::append_key(size_t key, TableColumn& column) {
  std::vector<uint32_t> numbers(group_count());
  for (uint32_t group = 0; group < numbers.size(); ++group) numbers[group] = key_number(key, group);
  keys_[key].append_to(column, numbers);
}

void GroupTable::append_key(size_t key, std::span<const uint32_t> groups,
                            TableColumn& column) {
  std::vector<uint32_t> numbers;
  numbers.reserve(groups.size());
  for (const uint32_t group : groups) numbers.push_back(key_number(key, group));
  keys_[key].append_to(column, numbers);
}

std::vector<StringArena> GroupTable::take_arenas() {
  std::vector<StringArena> arenas;
  for (KeyValues& key : keys_) arenas.push_back(key.take_arena());
  return arenas;
}

size_t GroupTable::memory_bytes() const {
  size_t bytes = 0;
  for (const KeyValues& key : keys_) bytes += key.memory_bytes();
  for (const PairTable& level : levels_) bytes += level.memory_bytes();
  return bytes;
}

}  // namespace tocsin
