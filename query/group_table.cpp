#include "query/group_table.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <algorithm>
#include <array>
#include <bit>
#include <utility>

#include "db/base/check.h"

namespace tocsin {
namespace {

constexpr uint32_t kNone = UINT32_MAX;
constexpr size_t kMatrixEntriesMax = size_t{1} << 22;
constexpr size_t kFirstSlots = 256;

// Finalizer of MurmurHash3 (Austin Appleby, public domain): mixes all bits of a word.
uint64_t mix(uint64_t x) {
  x ^= x >> 33;
  x *= 0xff51afd7ed558ccd;
  x ^= x >> 33;
  x *= 0xc4ceb9fe1a85ec53;
  return x ^ (x >> 33);
}

uint64_t hash_of(std::string_view text) { return XXH3_64bits(text.data(), text.size()); }

// The bits that stand for a value: equal values have equal words.
uint64_t word_of(double value) { return std::bit_cast<uint64_t>(value == 0 ? 0.0 : value); }
uint64_t word_of(int64_t value) { return std::bit_cast<uint64_t>(value); }
uint64_t word_of(uint64_t value) { return value; }
uint64_t word_of(uint8_t value) { return value; }

}  // namespace

// ---- KeyValues ----------------------------------------------------------------------------------

void KeyValues::grow() {
  const bool text = type_ == ValueType::kString;
  std::vector<Slot> old(std::max(kFirstSlots, slots_.size() * 2));
  old.swap(slots_);
  const size_t mask = slots_.size() - 1;
  for (uint32_t number = 1; number <= count(); ++number) {
    const uint64_t hash = text ? hash_of(texts_[number - 1]) : mix(words_[number - 1]);
    size_t at = hash & mask;
    while (slots_[at].number != 0) at = (at + 1) & mask;
    slots_[at] = {static_cast<uint32_t>(hash >> 32), number};
  }
}

uint32_t KeyValues::number_of_text(std::string_view text, uint64_t hash) {
  if (texts_.size() * 2 >= slots_.size()) grow();
  const size_t mask = slots_.size() - 1;
  const auto tag = static_cast<uint32_t>(hash >> 32);
  for (size_t at = hash & mask;; at = (at + 1) & mask) {
    Slot& slot = slots_[at];
    if (slot.number == 0) {
      texts_.push_back(arena_.keep(text));
      slot = {tag, static_cast<uint32_t>(texts_.size())};
      return slot.number;
    }
    if (slot.tag == tag && texts_[slot.number - 1] == text) return slot.number;
  }
}

uint32_t KeyValues::number_of_word(uint64_t word) {
  if (last_number_ != 0 && word == last_word_) return last_number_;
  if (words_.size() * 2 >= slots_.size()) grow();
  const size_t mask = slots_.size() - 1;
  const uint64_t hash = mix(word);
  size_t at = hash & mask;
  while (slots_[at].number != 0 && words_[slots_[at].number - 1] != word) at = (at + 1) & mask;
  if (slots_[at].number == 0) {
    words_.push_back(word);
    slots_[at] = {static_cast<uint32_t>(hash >> 32), static_cast<uint32_t>(words_.size())};
  }
  last_word_ = word;
  return last_number_ = slots_[at].number;
}

void KeyValues::number_codes(const Vector& vector, std::span<const uint32_t> rows,
                             std::span<uint32_t> out) {
  const Dictionary& dictionary = *vector.dictionary;
  if (dictionary.serial != dictionary_serial_) {
    dictionary_serial_ = dictionary.serial;
    code_numbers_.assign(dictionary.entries.size() + 1, kNone);
    code_numbers_.back() = 0;
  }
  for (size_t i = 0; i < rows.size(); ++i) {
    const uint32_t code = vector.codes[rows[i]];
    uint32_t& number = code_numbers_[code];
    if (number == kNone) {
      const std::string_view text = dictionary.entries[code];
      number = number_of_text(text, hash_of(text));
    }
    out[i] = number;
  }
}

// In two passes, so that the cache misses of a large table overlap.
void KeyValues::number_texts(const Vector& vector, std::span<const uint32_t> rows,
                             std::span<uint32_t> out) {
  std::array<uint64_t, kVectorRows> hashes;
  TOCSIN_CHECK(rows.size() <= hashes.size());
  if (slots_.empty()) grow();
  for (size_t i = 0; i < rows.size(); ++i) {
    hashes[i] = hash_of(vector.text[rows[i]]);
    __builtin_prefetch(&slots_[hashes[i] & (slots_.size() - 1)]);
  }
  for (size_t i = 0; i < rows.size(); ++i) {
    out[i] = vector.is_null(rows[i]) ? 0 : number_of_text(vector.text[rows[i]], hashes[i]);
  }
}

void KeyValues::number_words(const Vector& vector, std::span<const uint32_t> rows,
                             std::span<uint32_t> out) {
  const auto each = [&](auto values) {
    for (size_t i = 0; i < rows.size(); ++i) {
      const uint32_t row = rows[i];
      out[i] = vector.is_null(row) ? 0 : number_of_word(word_of(values[row]));
    }
  };
  switch (type_) {
    case ValueType::kBool: each(vector.boolean); break;
    case ValueType::kU64: each(vector.u64); break;
    case ValueType::kF64: each(vector.f64); break;
    default: each(vector.i64); break;
  }
}

void KeyValues::number(const Vector& vector, std::span<const uint32_t> rows,
                       std::span<uint32_t> out) {
  TOCSIN_CHECK(vector.type == type_);
  if (type_ != ValueType::kString) return number_words(vector, rows, out);
  if (vector.dictionary) return number_codes(vector, rows, out);
  number_texts(vector, rows, out);
}

std::vector<uint32_t> KeyValues::absorb(const KeyValues& other) {
  std::vector<uint32_t> map(other.count() + 1);
  for (size_t i = 0; i < other.count(); ++i) {
    map[i + 1] = type_ == ValueType::kString
                     ? number_of_text(other.texts_[i], hash_of(other.texts_[i]))
                     : number_of_word(other.words_[i]);
  }
  return map;
}

void KeyValues::append_to(TableColumn& column, std::span<const uint32_t> numbers) const {
  const size_t before = column.valid.size();
  column.resize(before + numbers.size());
  for (size_t i = 0; i < numbers.size(); ++i) {
    const uint32_t number = numbers[i];
    const size_t row = before + i;
    column.valid[row] = number != 0;
    if (number == 0) continue;
    switch (type_) {
      case ValueType::kString: column.text[row] = texts_[number - 1]; break;
      case ValueType::kBool: column.boolean[row] = words_[number - 1] != 0; break;
      case ValueType::kU64: column.u64[row] = words_[number - 1]; break;
      case ValueType::kF64: column.f64[row] = std::bit_cast<double>(words_[number - 1]); break;
      default: column.i64[row] = std::bit_cast<int64_t>(words_[number - 1]); break;
    }
  }
}

size_t KeyValues::memory_bytes() const {
  return arena_.memory_bytes() + texts_.capacity() * sizeof(std::string_view) +
         words_.capacity() * sizeof(uint64_t) + slots_.capacity() * sizeof(Slot) +
         code_numbers_.capacity() * sizeof(uint32_t);
}

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
    size_t at = mix(pairs_[i]) & mask;
    while (table_[at] != 0) at = (at + 1) & mask;
    table_[at] = i + 1;
  }
}

uint32_t PairTable::find_in_table(uint32_t a, uint32_t b) {
  if (size_t{count()} * 2 >= table_.size()) grow_table();
  const uint64_t key = uint64_t{a} << 32 | b;
  const size_t mask = table_.size() - 1;
  for (size_t at = mix(key) & mask;; at = (at + 1) & mask) {
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

void GroupTable::append_key(size_t key, TableColumn& column) const {
  std::vector<uint32_t> numbers(group_count());
  for (uint32_t group = 0; group < numbers.size(); ++group) numbers[group] = key_number(key, group);
  keys_[key].append_to(column, numbers);
}

void GroupTable::append_key(size_t key, std::span<const uint32_t> groups,
                            TableColumn& column) const {
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
