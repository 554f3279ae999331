// The distinct values of one column, numbered as they appear.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "db/encoding/text_template.h"
#include "query/base/arena.h"
#include "query/base/hash_index.h"
#include "query/base/large_memory.h"
#include "query/vector/table.h"
#include "query/vector/vector.h"

namespace tocsin {

/// A hash of each of `rows`; equal values have equal ones however the vectors hold them, given the
/// same `format`: strings that it can spell are hashed as their numbers. Null is 0.
void hash_values(const Vector& vector, std::span<const uint32_t> rows,
                 const std::optional<IdFormat>& format, std::span<uint64_t> out);
/// The same of strings that spell `ids` as `spelling` says.
void hash_ids(std::span<const uint64_t> ids, const IdFormat& spelling,
              const std::optional<IdFormat>& format, std::span<uint64_t> out);

/// Numbers from 1 on; 0 is null. A dictionary's entry is looked up once, its codes are then mapped
/// by an array. Strings that spell numbers are kept as these, while all of them are spelled alike.
/// Not thread-safe.
class KeyValues {
 public:
  explicit KeyValues(ValueType type) : type_(type) {}

  /// The number of each of `rows`. Requires: out.size() == rows.size().
  void number(const Vector& vector, std::span<const uint32_t> rows, std::span<uint32_t> out);
  /// Makes room for so many values.
  void reserve(size_t count);
  /// Takes over the values of another thread's; `map[number there]` is the number here.
  std::vector<uint32_t> absorb(const KeyValues& other);
  /// Appends the values of `numbers`; strings are views into `arena()`.
  void append_to(TableColumn& column, std::span<const uint32_t> numbers);

  ValueType type() const { return type_; }
  size_t count() const { return holds_texts() ? texts_.size() : words_.size(); }
  /// Requires: a string; the view lives as long as the arena.
  std::string_view text(uint32_t number);
  size_t memory_bytes() const;
  StringArena take_arena() { return std::move(arena_); }

 private:
  bool holds_texts() const { return type_ == ValueType::kString && !format_; }
  uint32_t number_of_text(std::string_view text, uint64_t hash);
  uint32_t number_of_word(uint64_t word, uint64_t hash);
  void open_dictionary(uint64_t serial, size_t entry_count);
  void number_codes(const Vector& vector, std::span<const uint32_t> rows, std::span<uint32_t> out);
  void number_texts(const Vector& vector, std::span<const uint32_t> rows, std::span<uint32_t> out);
  void number_words(const Vector& vector, std::span<const uint32_t> rows, std::span<uint32_t> out);
  void number_ids(const Vector& vector, std::span<const uint32_t> rows, std::span<uint32_t> out);
  void number_id_codes(const Vector& vector, std::span<const uint32_t> rows,
                       std::span<uint32_t> out);
  void number_foreign_ids(const Vector& vector, std::span<const uint32_t> rows,
                          std::span<uint32_t> out);
  uint32_t number_of_any_text(std::string_view text);
  void give_up_ids();

  ValueType type_;
  std::optional<IdFormat> format_;       // set: words_ holds the numbers that the strings spell
  std::vector<std::string_view> texts_;  // by number - 1
  std::vector<uint64_t, LargeAllocator<uint64_t>>
      words_;  // the same for all else: the value's bits
  StringArena arena_;
  HashIndex index_;
  uint64_t dictionary_serial_ = 0;
  std::vector<uint32_t>
      code_numbers_;  // of that dictionary, and null behind it: code -> number, or UINT32_MAX
};

}  // namespace tocsin
