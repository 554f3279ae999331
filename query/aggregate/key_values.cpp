#include "query/aggregate/key_values.h"

#define XXH_INLINE_ALL
#include <algorithm>
#include <array>
#include <bit>
#include <utility>

#include <xxhash.h>

#include "db/base/check.h"

namespace tocsin {
namespace {

/// The number of rows whose slots are prefetched before they are read, so few that all slots stay
/// in the L1 cache.
constexpr size_t kBatchRows = 256;

uint64_t hash_of(std::string_view text) { return XXH3_64bits(text.data(), text.size()); }

uint64_t hash_of(std::string_view text, const std::optional<IdFormat>& format) {
  if (format) {
    if (const auto id = format->parse(text)) return mix_word(*id);
  }
  return hash_of(text);
}

// The bits that represent a value: equal values have equal words.
uint64_t word_of(double value) { return std::bit_cast<uint64_t>(value == 0 ? 0.0 : value); }
uint64_t word_of(int64_t value) { return std::bit_cast<uint64_t>(value); }
uint64_t word_of(uint64_t value) { return value; }
uint64_t word_of(uint8_t value) { return value; }

// Calls `visit` with the span that holds the values. Requires: the vector has no strings.
template <class Visit>
void with_values(const Vector& vector, Visit visit) {
  switch (vector.type) {
    case ValueType::kBool: visit(vector.boolean); break;
    case ValueType::kU64: visit(vector.u64); break;
    case ValueType::kF64: visit(vector.f64); break;
    default: visit(vector.i64); break;
  }
}

}  // namespace

void hash_values(const Vector& vector, std::span<const uint32_t> rows,
                 const std::optional<IdFormat>& format, std::span<uint64_t> out) {
  if (vector.type != ValueType::kString) {
    with_values(vector, [&](auto values) {
      for (size_t i = 0; i < rows.size(); ++i) {
        out[i] = vector.is_null(rows[i]) ? 0 : mix_word(word_of(values[rows[i]]));
      }
    });
    return;
  }
  if (vector.id_format && *vector.id_format == format) {
    for (size_t i = 0; i < rows.size(); ++i) {
      out[i] = vector.is_null(rows[i]) ? 0 : mix_word(vector.id_at(rows[i]));
    }
    return;
  }
  for (size_t i = 0; i < rows.size(); ++i) {
    const uint32_t row = rows[i];
    if (vector.is_null(row)) {
      out[i] = 0;
    } else if (vector.id_format) {
      const uint64_t id = vector.id_at(row);
      hash_ids(std::span(&id, 1), *vector.id_format, format, out.subspan(i, 1));
    } else {
      out[i] = hash_of(vector.text_at(row), format);
    }
  }
}

void hash_ids(std::span<const uint64_t> ids, const IdFormat& spelling,
              const std::optional<IdFormat>& format, std::span<uint64_t> out) {
  if (spelling == format) {
    for (size_t i = 0; i < ids.size(); ++i) out[i] = mix_word(ids[i]);
  } else {
    for (size_t i = 0; i < ids.size(); ++i) out[i] = hash_of(spelling.text(ids[i]), format);
  }
}

// Called when a string does not spell a number in the format: from then on all are kept as texts.
void KeyValues::convert_ids_to_texts() {
  const auto words = std::exchange(words_, {});
  const IdFormat format = *std::exchange(format_, std::nullopt);
  index_ = {};
  texts_.reserve(words.size());
  for (const uint64_t word : words) {
    const std::string text = format.text(word);
    number_of_text(text, hash_of(text));
  }
}

uint32_t KeyValues::number_of_text(std::string_view text, uint64_t hash) {
  uint32_t& number = index_.find(hash, [&](uint32_t other) { return texts_[other - 1] == text; });
  if (number == 0) {
    texts_.push_back(arena_.keep(text));
    number = static_cast<uint32_t>(texts_.size());
  }
  return number;
}

inline uint32_t KeyValues::number_of_word(uint64_t word, uint64_t hash) {
  uint32_t& number = index_.find(hash, [&](uint32_t other) { return words_[other - 1] == word; });
  if (number == 0) {
    words_.push_back(word);
    number = static_cast<uint32_t>(words_.size());
  }
  return number;
}

uint32_t KeyValues::number_of_any_text(std::string_view text) {
  if (format_) {
    if (const auto id = format_->parse(text)) return number_of_word(*id, mix_word(*id));
    convert_ids_to_texts();
  }
  return number_of_text(text, hash_of(text));
}

void KeyValues::open_dictionary(uint64_t serial, size_t entry_count) {
  if (std::exchange(dictionary_serial_, serial) == serial) return;
  code_numbers_.assign(entry_count + 1, kNoNumber);
  code_numbers_.back() = 0;
}

void KeyValues::number_codes(const Vector& vector, std::span<const uint32_t> rows,
                             std::span<uint32_t> out) {
  const Dictionary& dictionary = *vector.dictionary;
  open_dictionary(dictionary.serial, dictionary.entries.size());
  for (size_t i = 0; i < rows.size(); ++i) {
    const uint32_t code = vector.codes[rows[i]];
    uint32_t& number = code_numbers_[code];
    if (number == kNoNumber) number = number_of_any_text(dictionary.entries[code]);
    out[i] = number;
  }
}

// In two passes, so that the cache misses of a large table overlap.
void KeyValues::number_texts(const Vector& vector, std::span<const uint32_t> rows,
                             std::span<uint32_t> out) {
  std::array<uint64_t, kVectorRows> hashes;
  TOCSIN_CHECK(rows.size() <= hashes.size());
  for (size_t i = 0; i < rows.size(); ++i) {
    hashes[i] = hash_of(vector.text[rows[i]]);
    index_.prefetch(hashes[i]);
  }
  for (size_t i = 0; i < rows.size(); ++i) {
    out[i] = vector.is_null(rows[i]) ? 0 : number_of_text(vector.text[rows[i]], hashes[i]);
  }
}

void KeyValues::number_words(const Vector& vector, std::span<const uint32_t> rows,
                             std::span<uint32_t> out) {
  with_values(vector, [&](auto values) {
    uint64_t last_word = 0;  // time buckets repeat, because rows are sorted by time
    uint32_t last_number = 0;
    for (size_t i = 0; i < rows.size(); ++i) {
      const uint32_t row = rows[i];
      if (vector.is_null(row)) {
        out[i] = 0;
        continue;
      }
      const uint64_t word = word_of(values[row]);
      if (last_number == 0 || word != last_word) last_number = number_of_word(word, mix_word(word));
      last_word = word;
      out[i] = last_number;
    }
  });
}

void KeyValues::number_ids(const Vector& vector, std::span<const uint32_t> rows,
                           std::span<uint32_t> out) {
  std::array<uint64_t, kBatchRows> hashes;
  for (size_t start = 0; start < rows.size(); start += hashes.size()) {
    const size_t end = std::min(start + hashes.size(), rows.size());
    for (size_t i = start; i < end; ++i) {
      hashes[i - start] = mix_word(vector.ids[rows[i]]);
      index_.prefetch(hashes[i - start]);
    }
    for (size_t i = start; i < end; ++i) {
      out[i] = vector.is_null(rows[i]) ? 0 : number_of_word(vector.ids[rows[i]], hashes[i - start]);
    }
  }
}

// Looks up each id of a segment in the hash table only once.
void KeyValues::number_id_codes(const Vector& vector, std::span<const uint32_t> rows,
                                std::span<uint32_t> out) {
  const std::vector<uint64_t>& ids = vector.id_dictionary->ids;
  open_dictionary(vector.id_dictionary->serial, ids.size());
  std::array<uint32_t, kVectorRows> fresh;  // indexes into rows
  std::array<uint64_t, kVectorRows> hashes;
  TOCSIN_CHECK(rows.size() <= fresh.size());
  size_t fresh_count = 0;
  for (size_t i = 0; i < rows.size(); ++i) {
    out[i] = code_numbers_[vector.codes[rows[i]]];
    fresh[fresh_count] = static_cast<uint32_t>(i);
    fresh_count += out[i] == kNoNumber;
  }
  for (size_t k = 0; k < fresh_count; ++k) {
    hashes[k] = mix_word(ids[vector.codes[rows[fresh[k]]]]);
    index_.prefetch(hashes[k]);
  }
  for (size_t k = 0; k < fresh_count; ++k) {
    const uint32_t code = vector.codes[rows[fresh[k]]];
    out[fresh[k]] = code_numbers_[code] = number_of_word(ids[code], hashes[k]);
  }
}

// For ids in another format than those before.
void KeyValues::number_foreign_ids(const Vector& vector, std::span<const uint32_t> rows,
                                   std::span<uint32_t> out) {
  for (size_t i = 0; i < rows.size(); ++i) {
    out[i] = vector.is_null(rows[i])
                 ? 0
                 : number_of_any_text(vector.id_format->text(vector.id_at(rows[i])));
  }
}

void KeyValues::number(const Vector& vector, std::span<const uint32_t> rows,
                       std::span<uint32_t> out) {
  TOCSIN_CHECK(vector.type == type_);
  if (type_ != ValueType::kString) return number_words(vector, rows, out);
  if (vector.dictionary) return number_codes(vector, rows, out);
  if (vector.id_format) {
    if (!format_ && count() == 0) format_ = *vector.id_format;
    if (format_ != *vector.id_format) return number_foreign_ids(vector, rows, out);
    return vector.id_dictionary ? number_id_codes(vector, rows, out)
                                : number_ids(vector, rows, out);
  }
  if (!format_) return number_texts(vector, rows, out);
  for (size_t i = 0; i < rows.size(); ++i) {
    out[i] = vector.is_null(rows[i]) ? 0 : number_of_any_text(vector.text[rows[i]]);
  }
}

void KeyValues::reserve(size_t count) {
  holds_texts() ? texts_.reserve(count) : words_.reserve(count);
  index_.reserve(count);
}

std::vector<uint32_t> KeyValues::absorb(const KeyValues& other) {
  std::vector<uint32_t> map(other.count() + 1);
  if (!format_ && count() == 0) format_ = other.format_;
  for (size_t i = 0; i < other.count(); ++i) {
    if (other.holds_texts()) {
      map[i + 1] = number_of_any_text(other.texts_[i]);
    } else if (format_ == other.format_) {
      map[i + 1] = number_of_word(other.words_[i], mix_word(other.words_[i]));
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
         words_.capacity() * sizeof(uint64_t) + index_.memory_bytes() +
         code_numbers_.capacity() * sizeof(uint32_t);
}

}  // namespace tocsin
