// The distinct values of one column, numbered in order of appearance.
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

/// Sets `out` to a hash of the value in each of `rows`; the hash of null is 0. Strings that spell
/// numbers in `format` are hashed as numbers. With the same `format`, equal values have equal
/// hashes, however the vectors represent them.
void hash_values(const Vector& vector, std::span<const uint32_t> rows,
                 const std::optional<IdFormat>& format, std::span<uint64_t> out);
/// The same for the strings that spell `ids` in the format `spelling`.
void hash_ids(std::span<const uint64_t> ids, const IdFormat& spelling,
              const std::optional<IdFormat>& format, std::span<uint64_t> out);

/// Instead of a number that is not known yet, or that does not exist.
inline constexpr uint32_t kNoNumber = UINT32_MAX;

/// Numbers values from 1 on; 0 is null. Each entry of a dictionary is looked up once; its codes are
/// then mapped by an array. Strings that spell numbers are kept as numbers as long as all of them
/// have the same format. Not thread-safe.
class KeyValues {
 public:
  explicit KeyValues(ValueType type) : type_(type) {}

  /// Sets `out` to the number of each of `rows`. Requires: out.size() == rows.size().
  void number(const Vector& vector, std::span<const uint32_t> rows, std::span<uint32_t> out);
  /// Reserves memory for that many values.
  void reserve(size_t count);
  /// Adds the values of another thread's object. Returns a map: `map[other's number]` is the number
  /// here.
  std::vector<uint32_t> absorb(const KeyValues& other);
  /// Appends the values of `numbers`; strings are views into the arena.
  void append_to(TableColumn& column, std::span<const uint32_t> numbers);

  ValueType type() const { return type_; }
  size_t count() const { return holds_texts() ? texts_.size() : words_.size(); }
  /// The view lives as long as the arena. Requires: a column of strings.
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
  void convert_ids_to_texts();

  ValueType type_;
  std::optional<IdFormat> format_;       // if set, words_ has the numbers that the strings spell
  std::vector<std::string_view> texts_;  // by number - 1
  // By number - 1: the bits of values that are not kept as texts.
  std::vector<uint64_t, LargeAllocator<uint64_t>> words_;
  StringArena arena_;
  HashIndex index_;
  uint64_t dictionary_serial_ = 0;
  // By code of the dictionary with that serial: its number, or kNoNumber. The last
  // entry is for null.
  std::vector<uint32_t> code_numbers_;
};

}  // namespace tocsin
