// Group keys to dense group numbers: what `stats … by …` and `distinct` stand on.
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

/// Numbers pairs (a, b) densely as they appear: by a matrix while that is small or dense. After
/// that one side is looked up in an array, as a and b are numbers themselves and one of them mostly
/// has no other partner (an id and its service); only further partners are found by a hash table.
class PairTable {
 public:
  uint32_t find_or_add(uint32_t a, uint32_t b);
  /// The same for many pairs: `a[i]` becomes the number of (a[i], b[i]).
  void number(std::span<uint32_t> a, std::span<const uint32_t> b);
  uint32_t count() const { return static_cast<uint32_t>(pairs_.size()); }
  uint64_t pair(uint32_t number) const { return pairs_[number]; }  ///< a << 32 | b
  size_t memory_bytes() const;

 private:
  uint32_t add(uint64_t pair);
  bool grow_matrix(uint32_t a, uint32_t b);
  void give_up_matrix();
  uint32_t* first_of(uint64_t pair);
  uint32_t find_without_matrix(uint64_t pair);

  std::vector<uint64_t, LargeAllocator<uint64_t>> pairs_;   // by number
  std::vector<uint32_t, LargeAllocator<uint32_t>> matrix_;  // [a * stride + b], UINT32_MAX: none
  uint32_t matrix_rows_ = 0;
  uint32_t stride_ = 0;
  bool has_matrix_ = true;
  // Without it: the number of the first pair with an a, or b, and by pair that of all others,
  // plus 1.
  bool first_by_a_ = false;
  std::vector<uint32_t, LargeAllocator<uint32_t>> first_;  // UINT32_MAX: none
  size_t first_end_ = SIZE_MAX;                            // numbers from here on are not in it
  HashIndex others_;
};

/// Groups of rows with equal keys, numbered from 0 as they appear. Not thread-safe.
class GroupTable {
 public:
  explicit GroupTable(std::span<const ValueType> key_types);

  /// The group of each of `rows`. Requires: keys.size() == the number of key types;
  /// groups.size() == rows.size().
  void assign(std::span<const Vector* const> keys, std::span<const uint32_t> rows,
              std::span<uint32_t> groups);
  /// Makes room for so many groups, where each has a first key of its own.
  void reserve(size_t group_count);
  /// Takes over the groups of another thread's table; `map[group there]` is the group here.
  std::vector<uint32_t> absorb(const GroupTable& other);

  size_t group_count() const;
  /// Appends the key's value of every group, in group order, or of the groups listed.
  void append_key(size_t key, TableColumn& column);
  void append_key(size_t key, std::span<const uint32_t> groups, TableColumn& column);
  /// The strings that appended columns point to. The table can only be destroyed after that.
  std::vector<StringArena> take_arenas();
  size_t memory_bytes() const;

 private:
  void number_first(const Vector& key, std::span<const uint32_t> rows, std::span<uint32_t> ids);
  uint32_t first_id(uint32_t number) const;
  uint32_t key_number(size_t key, uint32_t group) const;

  std::vector<KeyValues> keys_;
  // The numbers of the first key, but that null has one too, as of where it first appeared, and all
  // begin with 0: the ids of level 0. `null_id_` is UINT32_MAX until there is a null.
  uint32_t null_id_ = UINT32_MAX;
  // levels_[k - 1] numbers pairs (id of level k - 1, number of key k): the ids of level k. Those of
  // the last are the groups.
  std::vector<PairTable> levels_;
  std::vector<uint32_t> numbers_;  // scratch
};

}  // namespace tocsin
