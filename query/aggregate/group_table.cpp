#include "query/aggregate/group_table.h"

#include <algorithm>
#include <bit>
#include <utility>

#include "db/base/check.h"

namespace tocsin {
namespace {

uint64_t pair_of(uint32_t a, uint32_t b) { return uint64_t{a} << 32 | b; }

/// A matrix of more than kMatrixEntriesMin entries must have a pair in one of kMatrixEntriesPerPair
/// entries. Otherwise a hash table needs less memory and cache.
constexpr size_t kMatrixEntriesMin = size_t{1} << 16;
constexpr size_t kMatrixEntriesPerPair = 4;

}  // namespace

// ---- PairTable ----------------------------------------------------------------------------------

uint32_t PairTable::add(uint64_t pair) {
  pairs_.push_back(pair);
  return count() - 1;
}

// Makes room for (a, b) in the matrix; false if the matrix would be too sparse.
bool PairTable::grow_matrix(uint32_t a, uint32_t b) {
  const auto rows = std::bit_ceil(std::max(a + 1, matrix_rows_));
  const auto stride = std::bit_ceil(std::max({b + 1, stride_, 16u}));
  if (size_t{rows} * stride > std::max(kMatrixEntriesMin, kMatrixEntriesPerPair * count())) {
    first_by_a_ = rows > stride;
    return false;
  }
  matrix_rows_ = rows;
  stride_ = stride;
  matrix_.assign(size_t{rows} * stride, kNoNumber);
  for (uint32_t i = 0; i < count(); ++i) {
    matrix_[(pairs_[i] >> 32) * stride_ + (pairs_[i] & UINT32_MAX)] = i;
  }
  return true;
}

void PairTable::drop_matrix() {
  has_matrix_ = false;
  matrix_ = {};
  const auto pairs = std::exchange(pairs_, {});
  pairs_.reserve(pairs.size());
  for (const uint64_t pair : pairs) find_without_matrix(pair);
}

// The entry for the first pair with the same a (or b); null if the number is too large for an
// array.
uint32_t* PairTable::first_of(uint64_t pair) {
  const size_t at = first_by_a_ ? pair >> 32 : pair & UINT32_MAX;
  if (at >= first_end_) return nullptr;
  if (at >= first_.size()) {
    if (at > kMatrixEntriesMin + kMatrixEntriesPerPair * count()) {
      first_end_ = at;  // for good, even if there are more pairs later
      return nullptr;
    }
    first_.resize(std::bit_ceil(at + 1), kNoNumber);
  }
  return &first_[at];
}

uint32_t PairTable::find_without_matrix(uint64_t pair) {
  if (uint32_t* first = first_of(pair)) {
    if (*first == kNoNumber) return *first = add(pair);
    if (pairs_[*first] == pair) return *first;
  }
  uint32_t& number =
      others_.find(mix_word(pair), [&](uint32_t other) { return pairs_[other - 1] == pair; });
  if (number == 0) number = add(pair) + 1;
  return number - 1;
}

uint32_t PairTable::find_or_add(uint32_t a, uint32_t b) {
  if (has_matrix_ && (a >= matrix_rows_ || b >= stride_) && !grow_matrix(a, b)) drop_matrix();
  if (!has_matrix_) return find_without_matrix(pair_of(a, b));
  uint32_t& number = matrix_[size_t{a} * stride_ + b];
  if (number == kNoNumber) number = add(pair_of(a, b));
  return number;
}

void PairTable::number(std::span<uint32_t> a, std::span<const uint32_t> b) {
  if (!others_.empty()) {
    for (size_t i = 0; i < a.size(); ++i) others_.prefetch(mix_word(pair_of(a[i], b[i])));
  }
  for (size_t i = 0; i < a.size(); ++i) a[i] = find_or_add(a[i], b[i]);
}

size_t PairTable::memory_bytes() const {
  return pairs_.capacity() * sizeof(uint64_t) + matrix_.capacity() * sizeof(uint32_t) +
         first_.capacity() * sizeof(uint32_t) + others_.memory_bytes();
}

// ---- GroupTable ---------------------------------------------------------------------------------

GroupTable::GroupTable(std::span<const ValueType> key_types)
    : levels_(key_types.empty() ? 0 : key_types.size() - 1) {
  for (const ValueType type : key_types) keys_.emplace_back(type);
}

size_t GroupTable::group_count() const {
  if (keys_.empty()) return 1;
  return levels_.empty() ? keys_[0].count() + (null_id_ != kNoNumber) : levels_.back().count();
}

uint32_t GroupTable::first_id(uint32_t number) const {
  return number == 0 ? null_id_ : number - (number <= null_id_);
}

void GroupTable::number_first(const Vector& key, std::span<const uint32_t> rows,
                              std::span<uint32_t> ids) {
  const auto before = static_cast<uint32_t>(keys_[0].count());
  keys_[0].number(key, rows, ids);
  if (null_id_ == kNoNumber) {
    const auto null = std::ranges::find(ids, 0u);
    // The number of values before the first null; later ones have no id yet.
    if (null != ids.end()) null_id_ = std::max(before, *std::max_element(ids.begin(), null + 1));
  }
  if (null_id_ == kNoNumber) {
    for (uint32_t& id : ids) --id;
  } else {
    for (uint32_t& id : ids) id = first_id(id);
  }
}

void GroupTable::assign(std::span<const Vector* const> keys, std::span<const uint32_t> rows,
                        std::span<uint32_t> groups) {
  TOCSIN_CHECK(keys.size() == keys_.size() && groups.size() == rows.size());
  if (keys.empty()) return std::ranges::fill(groups, 0u), void();
  number_first(*keys[0], rows, groups);
  numbers_.resize(rows.size());
  for (size_t k = 1; k < keys.size(); ++k) {
    keys_[k].number(*keys[k], rows, numbers_);
    levels_[k - 1].number(groups, numbers_);
  }
}

void GroupTable::reserve(size_t group_count) {
  if (keys_.size() == 1) keys_[0].reserve(group_count);
}

std::vector<uint32_t> GroupTable::absorb(const GroupTable& other) {
  if (keys_.empty()) return {0};
  const auto before = static_cast<uint32_t>(keys_[0].count());
  std::vector<uint32_t> map = keys_[0].absorb(other.keys_[0]);  // by number
  if (null_id_ == kNoNumber && other.null_id_ != kNoNumber) null_id_ = before;
  std::vector<uint32_t> ids(map.size() - (other.null_id_ == kNoNumber));
  for (uint32_t number = other.null_id_ == kNoNumber; number < map.size(); ++number) {
    ids[other.first_id(number)] = first_id(map[number]);
  }
  map = std::move(ids);
  for (size_t k = 1; k < keys_.size(); ++k) {
    const std::vector<uint32_t> numbers = keys_[k].absorb(other.keys_[k]);
    const PairTable& from = other.levels_[k - 1];
    std::vector<uint32_t> next(from.count());
    for (uint32_t i = 0; i < from.count(); ++i) {
      const uint64_t pair = from.pair(i);
      next[i] = levels_[k - 1].find_or_add(map[pair >> 32], numbers[pair & UINT32_MAX]);
    }
    map = std::move(next);
  }
  return map;
}

uint32_t GroupTable::key_number(size_t key, uint32_t group) const {
  uint32_t id = group;
  for (size_t level = levels_.size(); level > key; --level) {
    id = static_cast<uint32_t>(levels_[level - 1].pair(id) >> 32);
  }
  if (key != 0) return static_cast<uint32_t>(levels_[key - 1].pair(id) & UINT32_MAX);
  return id == null_id_ ? 0 : id + (id < null_id_);
}

void GroupTable::append_key(size_t key, TableColumn& column) {
  std::vector<uint32_t> numbers(group_count());
  for (uint32_t group = 0; group < numbers.size(); ++group) numbers[group] = key_number(key, group);
  keys_[key].append_to(column, numbers);
}

void GroupTable::append_key(size_t key, std::span<const uint32_t> groups, TableColumn& column) {
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
