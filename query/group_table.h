// Group keys to dense group numbers: what `stats … by …` and `distinct` stand on.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "query/arena.h"
#include "query/table.h"
#include "query/vector.h"

namespace tocsin {

/// The distinct values of one key column, numbered from 1 as they appear; 0 is null. A dictionary's
/// entry is looked up once, its codes are then mapped by an array. Not thread-safe.
class KeyValues {
 public:
  explicit KeyValues(ValueType type) : type_(type) {}

  /// The number of each of `rows`. Requires: out.size() == rows.size().
  void number(const Vector& vector, std::span<const uint32_t> rows, std::span<uint32_t> out);
  /// Takes over the values of another thread's; `map[number there]` is the number here.
  std::vector<uint32_t> absorb(const KeyValues& other);
  /// Appends the values of `numbers`; strings are views into `arena()`.
  void append_to(TableColumn& column, std::span<const uint32_t> numbers) const;

  ValueType type() const { return type_; }
  size_t count() const { return type_ == ValueType::kString ? texts_.size() : words_.size(); }
  size_t memory_bytes() const;
  StringArena take_arena() { return std::move(arena_); }

 private:
  struct Slot {
    uint32_t tag = 0;     // upper half of the hash
    uint32_t number = 0;  // 0: free
  };
  uint32_t number_of_text(std::string_view text, uint64_t hash);
  uint32_t number_of_word(uint64_t word);
  void number_codes(const Vector& vector, std::span<const uint32_t> rows, std::span<uint32_t> out);
  void number_texts(const Vector& vector, std::span<const uint32_t> rows, std::span<uint32_t> out);
  void number_words(const Vector& vector, std::span<const uint32_t> rows, std::span<uint32_t> out);
  void grow();

  ValueType type_;
  std::vector<std::string_view> texts_;  // by number - 1
  std::vector<uint64_t> words_;          // the same for all other types: the value's bits
  StringArena arena_;
  std::vector<Slot> slots_;  // open addressing, linear probing, at most half full
  uint64_t last_word_ = 0;   // rows sorted by time repeat their bucket
  uint32_t last_number_ = 0;
  uint64_t dictionary_serial_ = 0;
  std::vector<uint32_t> code_numbers_;  // of that dictionary: code -> number, or UINT32_MAX
};

/// Numbers pairs (a, b) densely as they appear: by a matrix while that is small, else by a hash table.
class PairTable {
 public:
  uint32_t find_or_add(uint32_t a, uint32_t b);
  uint32_t count() const { return static_cast<uint32_t>(pairs_.size()); }
  uint64_t pair(uint32_t number) const { return pairs_[number]; }  ///< a << 32 | b
  size_t memory_bytes() const;

 private:
  uint32_t add(uint32_t a, uint32_t b);
  uint32_t find_in_table(uint32_t a, uint32_t b);
  bool grow_matrix(uint32_t a, uint32_t b);
  void grow_table();

  std::vector<uint64_t> pairs_;   // by number
  std::vector<uint32_t> matrix_;  // [a * stride + b], UINT32_MAX: none
  uint32_t matrix_rows_ = 0;
  uint32_t stride_ = 0;
  std::vector<uint32_t> table_;  // number + 1, 0: free; used once the matrix would be too large
};

/// Groups of rows with equal keys, numbered from 0 as they appear. Not thread-safe.
class GroupTable {
 public:
  explicit GroupTable(std::span<const ValueType> key_types);

  /// The group of each of `rows`. Requires: keys.size() == the number of key types;
  /// groups.size() == rows.size().
  void assign(std::span<const Vector* const> keys, std::span<const uint32_t> rows,
              std::span<uint32_t> groups);
  /// Takes over the groups of another thread's table; `map[group there]` is the group here.
  std::vector<uint32_t> absorb(const GroupTable& other);

  size_t group_count() const;
  /// Appends the key's value of every group, in group order, or of the groups listed.
  void append_key(size_t key, TableColumn& column) const;
  void append_key(size_t key, std::span<const uint32_t> groups, TableColumn& column) const;
  /// The strings that appended columns point to. The table can only be destroyed after that.
  std::vector<StringArena> take_arenas();
  size_t memory_bytes() const;

 private:
  uint32_t key_number(size_t key, uint32_t group) const;

  std::vector<KeyValues> keys_;
  // Level 0 maps a number of the first key to an id, level k a pair (id of level k - 1, number of
  // key k). The last level's ids are the groups.
  std::vector<PairTable> levels_;
  std::vector<uint32_t> numbers_;  // scratch
};

}  // namespace tocsin
