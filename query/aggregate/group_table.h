// Maps group keys to dense group numbers, for `stats … by …` and `distinct`.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "query/aggregate/key_values.h"
#include "query/base/arena.h"
#include "query/base/large_memory.h"
#include "query/vector/table.h"
#include "query/vector/vector.h"

namespace tocsin {

/// Numbers pairs (a, b) densely in order of appearance. Uses a matrix while that is small or dense.
/// After that, an array holds the first pair with each a (or b), because mostly there is only one
/// (an id has one service); only further pairs are found in a hash table.
class PairTable {
 public:
  uint32_t find_or_add(uint32_t a, uint32_t b);
  /// The same for many pairs: replaces each `a[i]` by the number of (a[i], b[i]).
  void number(std::span<uint32_t> a, std::span<const uint32_t> b);
  uint32_t count() const { return static_cast<uint32_t>(pairs_.size()); }
  uint64_t pair(uint32_t number) const { return pairs_[number]; }  ///< a << 32 | b
  size_t memory_bytes() const;

 private:
  uint32_t add(uint64_t pair);
  bool grow_matrix(uint32_t a, uint32_t b);
  void drop_matrix();
  uint32_t* first_of(uint64_t pair);
  uint32_t find_without_matrix(uint64_t pair);

  std::vector<uint64_t, LargeAllocator<uint64_t>> pairs_;   // by number
  std::vector<uint32_t, LargeAllocator<uint32_t>> matrix_;  // [a * stride + b], or kNoNumber
  uint32_t matrix_rows_ = 0;
  uint32_t stride_ = 0;
  bool has_matrix_ = true;
  // Without the matrix: the number of the first pair with each a (or b), and a hash table with the
  // numbers of all other pairs, plus 1.
  bool first_by_a_ = false;
  std::vector<uint32_t, LargeAllocator<uint32_t>> first_;  // or kNoNumber
  size_t first_end_ = SIZE_MAX;  // numbers from here on are not in `first_`
  HashIndex others_;
};

/// Groups of rows with equal keys, numbered from 0 in order of appearance. Not thread-safe.
class GroupTable {
 public:
  explicit GroupTable(std::span<const ValueType> key_types);

  /// Sets `groups` to the group of each of `rows`. Requires: keys.size() is the number of key
  /// types; groups.size() == rows.size().
  void assign(std::span<const Vector* const> keys, std::span<const uint32_t> rows,
              std::span<uint32_t> groups);
  /// Reserves memory for that many groups. Has an effect only if there is one key.
  void reserve(size_t group_count);
  /// Adds the groups of another thread's table. Returns a map: `map[other's group]` is the group
  /// here.
  std::vector<uint32_t> absorb(const GroupTable& other);

  size_t group_count() const;
  /// Appends the value of a key for every group, in group order, or for the given groups.
  void append_key(size_t key, TableColumn& column);
  void append_key(size_t key, std::span<const uint32_t> groups, TableColumn& column);
  /// Returns the strings that appended columns point to. After this call the table can only be
  /// destroyed.
  std::vector<StringArena> take_arenas();
  size_t memory_bytes() const;

 private:
  void number_first(const Vector& key, std::span<const uint32_t> rows, std::span<uint32_t> ids);
  uint32_t first_id(uint32_t number) const;
  uint32_t key_number(size_t key, uint32_t group) const;

  std::vector<KeyValues> keys_;
  // The ids of level 0 are the numbers of the first key, except that they start at 0 and that null
  // has one too, by its first appearance: `null_id_`, which is kNoNumber until there is a null.
  uint32_t null_id_ = kNoNumber;
  // levels_[k - 1] numbers the pairs (id of level k - 1, number of key k); these are the ids of
  // level k. The ids of the last level are the groups.
  std::vector<PairTable> levels_;
  std::vector<uint32_t> numbers_;  // scratch
};

}  // namespace tocsin
