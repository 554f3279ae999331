// The distinct values of a string column that is stored as codes.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "db/encoding/integer.h"
#include "db/segment/stored_column.h"

namespace tocsin {

/// Entries and their statistics; the codes are read separately. Immutable; borrows the segment's
/// bytes.
class StringDictionary {
 public:
  static Result<std::unique_ptr<StringDictionary>> open(const StoredColumn& column);

  std::span<const std::string_view> entries() const& { return entries_; }
  std::span<const std::string_view> entries() const&& = delete;
  /// Of the entry with the same index.
  std::span<const EntryStatistics> statistics() const { return statistics_; }

  /// Whether each code has an entry.
  bool has_all(std::span<const uint32_t> codes) const;
  /// Sets texts[i] to the entry of value values[i], unless that is UINT32_MAX. False if a code has
  /// no entry. Requires: `values` are below codes.count(), texts.size() == values.size().
  bool read(std::span<const uint32_t> values, const IntegerStream& codes,
            std::span<std::string_view> texts) const;

 private:
  std::vector<std::string_view> entries_;
  std::span<const EntryStatistics> statistics_;
};

}  // namespace tocsin
