// A column of up to kVectorRows rows while a query works on it, and where such columns come from.
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

/// The distinct strings that the codes of a Vector stand for; may hold a string twice. `serial` is
/// unique in the process, so that what was derived from a dictionary can be told apart.
struct Dictionary {
  std::vector<std::string_view> entries;
  uint64_t serial = 0;
};

/// The same for strings that spell numbers, in one way: these. Holds each once.
struct IdDictionary {
  std::vector<uint64_t> ids;
  uint64_t serial = 0;
};

/// Returns the next unused serial of dictionaries. Thread-safe.
uint64_t next_dictionary_serial();

/// One column of `size` rows. The spans point into the vector's own buffers or at something that
/// outlives it; exactly the one of the type is filled. A null row holds 0, false or an empty
/// string. Invariant: every f64 of a row that is not null is finite.
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
  /// kString with a dictionary: an index into its entries, `entries.size()` where the row is null.
  std::span<const uint32_t> codes;
  const Dictionary* dictionary = nullptr;
  /// kString as a group key (ColumnSource::read_ids): how the strings spell numbers, and these, or
  /// their codes as with a dictionary.
  const IdFormat* id_format = nullptr;
  std::span<const uint64_t> ids;
  const IdDictionary* id_dictionary = nullptr;

  /// Empties the vector for `row_count` rows of that type; the buffers keep their memory.
  void reset(ValueType new_type, size_t row_count);
  /// As reset, and every row is null.
  void reset_null(ValueType new_type, size_t row_count);

  // Buffers of `size` rows, uninitialised, which the matching span then shows.
  std::span<uint8_t> make_valid();
  std::span<int64_t> make_i64();
  std::span<uint64_t> make_u64();
  std::span<double> make_f64();
  std::span<uint8_t> make_boolean();
  std::span<std::string_view> make_text();
  std::span<uint32_t> make_codes();
  std::span<uint64_t> make_ids();
  /// A copy of the null map that may be written to; all ones when there was none.
  std::span<uint8_t> writable_valid();

  bool is_null(size_t row) const { return !valid.empty() && valid[row] == 0; }
  std::string_view text_at(size_t row) const;
  /// Requires: id_format; the row is not null.
  uint64_t id_at(size_t row) const {
    return id_dictionary ? id_dictionary->ids[codes[row]] : ids[row];
  }
  Value at(size_t row) const;

  /// Where strings that no segment holds live: results of string functions.
  StringVector& string_buffer() { return string_buffer_; }
  /// Keeps a copy of `value` until the next reset; views of earlier ones stay valid.
  std::string_view keep(std::string_view value) { return kept_.keep(value); }

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

/// Rows that expressions read: a segment, a table, or the entries of a dictionary. Not thread-safe.
class ColumnSource {
 public:
  virtual ~ColumnSource() = default;

  /// Rows [start, start + count) of `column` into `out`. Strings without a dictionary are read for
  /// the rows of `selection` only (ascending, relative to `start`), others stay empty.
  virtual Status read(uint32_t column, size_t start, size_t count,
                      std::span<const uint32_t> selection, Vector& out) = 0;
  /// As read, for a string column whose strings spell numbers: these or their codes alone, of all
  /// rows. False when it is none; then nothing was read.
  virtual Result<bool> read_ids(uint32_t /*column*/, size_t /*start*/, size_t /*count*/,
                                Vector& /*out*/) {
    return false;
  }
  /// The templates of the strings of `column`; empty when it has none. Live as long as the source
  /// is bound.
  virtual Result<std::span<const TextTemplate>> templates(uint32_t /*column*/) {
    return std::span<const TextTemplate>();
  }
  /// Rows [start, start + count): `codes` are indexes into templates(), there is no dictionary.
  virtual Status read_template_ids(uint32_t column, size_t start, size_t count, Vector& out);
  /// The dictionary of `column`, or null when it has none. Lives as long as the source is bound.
  virtual Result<const Dictionary*> dictionary(uint32_t column) = 0;
  /// What is known of all values of a column, or nothing.
  virtual Result<std::optional<ColumnStatistics>> statistics(uint32_t /*column*/) {
    return std::nullopt;
  }
  /// Rows of the source; null_count of statistics compares to it. 0: unknown.
  virtual size_t row_count() const { return 0; }
};

}  // namespace tocsin
