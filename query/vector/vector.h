// A column of up to kVectorRows rows that a query processes at a time, and the sources of such
// columns.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "db/base/result.h"
#include "db/base/time.h"
#include "db/encoding/text_template.h"
#include "db/limits.h"
#include "db/segment/segment.h"
#include "query/base/arena.h"
#include "query/base/value.h"

namespace tocsin {

/// The strings that the codes of a Vector refer to. A string may occur twice. `serial` is unique in
/// the process and identifies the dictionary that cached data was derived from.
struct Dictionary {
  std::vector<std::string_view> entries;
  uint64_t serial = 0;
};

/// A dictionary of strings that spell numbers in the same format: holds the numbers, each once.
struct IdDictionary {
  std::vector<uint64_t> ids;
  uint64_t serial = 0;
};

/// Returns the next unused serial of dictionaries. Thread-safe.
uint64_t next_dictionary_serial();

/// A column of `size` rows. The spans point into the vector's own buffers or to memory that
/// outlives it; only the span of the type is filled. A null row holds 0, false or an empty string.
/// Invariant: every f64 that is not null is finite.
class Vector {
 public:
  ValueType type = ValueType::kNull;
  size_t size = 0;
  std::span<const uint8_t> valid;  ///< 0 is null; empty when no row is null
  std::span<const int64_t> i64;    ///< kI64, kTime, kDuration
  std::span<const uint64_t> u64;
  std::span<const double> f64;
  std::span<const uint8_t> boolean;
  std::span<const std::string_view> text;  ///< kString without a dictionary
  /// kString with a dictionary: indexes of its entries; `entries.size()` for null.
  std::span<const uint32_t> codes;
  const Dictionary* dictionary = nullptr;
  /// kString as a group key (ColumnSource::read_ids): the format in which the strings spell
  /// numbers, and either the numbers, or `codes` into `id_dictionary`.
  const IdFormat* id_format = nullptr;
  std::span<const uint64_t> ids;
  const IdDictionary* id_dictionary = nullptr;

  /// Empties the vector for `row_count` rows of that type; the buffers keep their memory.
  void reset(ValueType new_type, size_t row_count);
  /// Like reset, and makes every row null.
  void reset_null(ValueType new_type, size_t row_count);

  // Uninitialised buffers of `size` rows, which the matching span shows from then on.
  std::span<uint8_t> make_valid();
  std::span<int64_t> make_i64();
  std::span<uint64_t> make_u64();
  std::span<double> make_f64();
  std::span<uint8_t> make_boolean();
  std::span<std::string_view> make_text();
  std::span<uint32_t> make_codes();
  std::span<uint64_t> make_ids();
  /// A writable copy of the null map; all ones if there was none.
  std::span<uint8_t> writable_valid();

  bool is_null(size_t row) const { return !valid.empty() && valid[row] == 0; }
  std::string_view text_at(size_t row) const&;
  std::string_view text_at(size_t row) const&& = delete;
  /// Requires: id_format is set, and the row is not null.
  uint64_t id_at(size_t row) const {
    return id_dictionary ? id_dictionary->ids[codes[row]] : ids[row];
  }
  Value at(size_t row) const;

  /// Holds decoded strings that `text` points to.
  StringVector& string_buffer() { return string_buffer_; }
  /// Keeps a copy of `value` until the next reset; views of earlier copies stay valid.
  std::string_view keep(std::string_view value) { return kept_.keep(value); }
  size_t kept_bytes() const { return kept_.memory_bytes(); }
  /// Of all buffers.
  size_t memory_bytes() const;

 private:
  std::vector<uint8_t> valid_buffer_;
  std::vector<int64_t> i64_buffer_;
  std::vector<uint64_t> u64_buffer_;
  std::vector<double> f64_buffer_;
  std::vector<uint8_t> boolean_buffer_;
  std::vector<std::string_view> text_buffer_;
  std::vector<uint32_t> codes_buffer_;
  StringVector string_buffer_;
  StringArena kept_;
};

/// The columns that every source of a query starts with.
inline constexpr uint32_t kSourceTime = 0;
inline constexpr uint32_t kSourceMeasurement = 1;

/// The rows that expressions read: a segment, a table, or a dictionary's entries. Not thread-safe.
class ColumnSource {
 public:
  virtual ~ColumnSource() = default;

  /// Reads the rows [start, start + count) of `column` into `out`. Strings without a dictionary are
  /// read only for the rows in `selection` (ascending, relative to `start`); the others stay empty.
  virtual Status read(uint32_t column, size_t start, size_t count,
                      std::span<const uint32_t> selection, Vector& out) = 0;
  /// Like read, for a column of strings that spell numbers: reads only the numbers or their codes,
  /// for all rows. Returns false, reading nothing, for any other column.
  virtual Result<bool> read_ids(uint32_t /*column*/, size_t /*start*/, size_t /*count*/,
                                Vector& /*out*/) {
    return false;
  }
  /// The templates of the strings of `column`; empty if it has none. Live as long as the source is
  /// bound.
  virtual Result<std::span<const TextTemplate>> templates(uint32_t /*column*/) {
    return std::span<const TextTemplate>();
  }
  /// Reads rows [start, start + count): `codes` become indexes into templates(). Sets no
  /// dictionary.
  virtual Status read_template_ids(uint32_t column, size_t start, size_t count, Vector& out);
  /// The dictionary of `column`, or null if it has none. Lives as long as the source is bound.
  virtual Result<const Dictionary*> dictionary(uint32_t column) = 0;
  /// The statistics of all values of a column, if known.
  virtual Result<std::optional<ColumnStatistics>> statistics(uint32_t /*column*/) {
    return std::nullopt;
  }
  /// The number of rows of the source, for comparison with a null_count. 0: unknown.
  virtual size_t row_count() const { return 0; }
};

}  // namespace tocsin
