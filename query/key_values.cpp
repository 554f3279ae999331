#include "query/key_values.h"

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
constexpr size_t kFirstSlots = 256;

uint64_t hash_of(std::string_view text) { return XXH3_64bits(text.data(), text.size()); }

uint64_t hash_of(std::string_view text, const std::optional<IdFormat>& format) {
  if (format) {
    if (const auto id = format->parse(text)) return mix_word(*id);
  }
  return hash_of(text);
}

// The bits that stand for a value: equal values have equal words.
uint64_t word_of(double value) { return std::bit_cast<uint64_t>(value == 0 ? 0.0 : value); }
uint64_t word_of(int64_t value) { return std::bit_cast<uint64_t>(value); }
uint64_t word_of(uint64_t value) { return value; }
uint64_t word_of(uint8_t value) { return value; }

}  // namespace

// Finalizer of MurmurHash3 (Austin Appleby, public domain).
uint64_t mix_word(uint64_t x) {
  x ^= x >> 33;
  x *= 0xff51afd7ed558ccd;
  x ^= x >> 33;
  x *= 0xc4ceb9fe1a85ec53;
  return x ^ (x >> 33);
}

void hash_texts(const Vector& vector, std::span<const uint32_t> rows,
                const std::optional<IdFormat>& format, std::span<uint64_t> out) {
  const bool same_ids = vector.id_format && format && *vector.id_format == *format;
  for (size_t i = 0; i < rows.size(); ++i) {
    const uint32_t row = rows[i];
    if (vector.is_null(row)) {
      out[i] = 0;
    } else if (same_ids) {
      out[i] = mix_word(vector.ids[row]);
    } else if (vector.id_format) {
      out[i] = hash_of(vector.id_format->text(vector.ids[row]), format);
    } else {
      out[i] = hash_of(vector.text_at(row), format);
    }
  }
}

void KeyValues::grow() {
  const bool texts = holds_texts();
  decltype(slots_) old(std::max(kFirstSlots, slots_.size() * 2));
  while (old.size() < count() * 2 + 2) old.resize(old.size() * 2);
  old.swap(slots_);
  const size_t mask = slots_.size() - 1;
  for (uint32_t number = 1; number <= count(); ++number) {
    const uint64_t hash = texts ? hash_of(texts_[number - 1]) : mix_word(words_[number - 1]);
    size_t at = hash & mask;
    while (slots_[at].number != 0) at = (at + 1) & mask;
    slots_[at] = {static_cast<uint32_t>(hash >> 32), number};
  }
}

// From here on the strings are kept as texts: some are spelled in another way.
void KeyValues::give_up_ids() {
  texts_.reserve(words_.size());
  for (const uint64_t word : words_) texts_.push_back(arena_.keep(format_->text(word)));
  format_.reset();
  words_ = {};
  slots_ = {};
  last_number_ = 0;
  grow();
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
  const uint64_t hash = mix_word(word);
  const auto tag = static_cast<uint32_t>(hash >> 32);
  size_t at = hash & mask;
  while (slots_[at].number != 0 &&
         (slots_[at].tag != tag || words_[slots_[at].number - 1] != word)) {
    at = (at + 1) & mask;
  }
  if (slots_[at].number == 0) {
    words_.push_back(word);
    slots_[at] = {tag, static_cast<uint32_t>(words_.size())};
  }
  last_word_ = word;
  return last_number_ = slots_[at].number;
}

uint32_t KeyValues::number_of_any_text(std::string_view text) {
  if (format_) {
    if (const auto id = format_->parse(text)) return number_of_word(*id);
    give_up_ids();
  }
  return number_of_text(text, hash_of(text));
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
    if (number == kNone) number = number_of_any_text(dictionary.entries[code]);
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

void KeyValues::number_ids(const Vector& vector, std::span<const uint32_t> rows,
                           std::span<uint32_t> out) {
  if (!format_ && count() == 0) format_ = *vector.id_format;
  if (!format_ || *format_ != *vector.id_format) {
    for (size_t i = 0; i < rows.size(); ++i) {
      out[i] = vector.is_null(rows[i])
                   ? 0
                   : number_of_any_text(vector.id_format->text(vector.ids[rows[i]]));
    }
    return;
  }
  if (slots_.empty()) grow();
  for (const uint32_t row : rows) {
    __builtin_prefetch(&slots_[mix_word(vector.ids[row]) & (slots_.size() - 1)]);
  }
  for (size_t i = 0; i < rows.size(); ++i) {
    out[i] = vector.is_null(rows[i]) ? 0 : number_of_word(vector.ids[rows[i]]);
  }
}

void KeyValues::number(const Vector& vector, std::span<const uint32_t> rows,
                       std::span<uint32_t> out) {
  TOCSIN_CHECK(vector.type == type_);
  if (type_ != ValueType::kString) return number_words(vector, rows, out);
  if (vector.dictionary) return number_codes(vector, rows, out);
  if (vector.id_format) return number_ids(vector, rows, out);
  if (!format_) return number_texts(vector, rows, out);
  for (size_t i = 0; i < rows.size(); ++i) {
    out[i] = vector.is_null(rows[i]) ? 0 : number_of_any_text(vector.text[rows[i]]);
  }
}

std::vector<uint32_t> KeyValues::absorb(const KeyValues& other) {
  std::vector<uint32_t> map(other.count() + 1);
  if (!format_ && count() == 0) format_ = other.format_;
  for (size_t i = 0; i < other.count(); ++i) {
    if (other.holds_texts()) {
      map[i + 1] = number_of_any_text(other.texts_[i]);
    } else if (format_ == other.format_) {
      map[i + 1] = number_of_word(other.words_[i]);
    } else {
      map[i + 1] = number_of_any_text(other.format_->text(other.words_[i]));
    }
  }
  return map;
}

std::string_view KeyValues::text(uint32_t number) {
  return format_ ? arena_.keep(format_->text(words_[number - 1])) : texts_[number - 1];
}

void KeyValues::append_to(TableColumn& column, std::span<const uint32_t> numbers) {
  const size_t before = column.valid.size();
  column.resize(before + numbers.size());
  for (size_t i = 0; i < numbers.size(); ++i) {
    const uint32_t number = numbers[i];
    const size_t row = before + i;
    column.valid[row] = number != 0;
    if (number == 0) continue;
    switch (type_) {
      case ValueType::kString: column.text[row] = text(number); break;
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

}  // namespace tocsin
