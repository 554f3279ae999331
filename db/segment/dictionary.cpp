#include "db/segment/dictionary.h"

#include <algorithm>
#include <array>

#include "db/limits.h"

namespace tocsin {

Result<std::unique_ptr<StringDictionary>> StringDictionary::open(const StoredColumn& column) {
  auto dictionary = std::make_unique<StringDictionary>();
  TOCSIN_TRY(const auto ends,
             column.open_items<uint32_t>(column->entry_offsets(), "entry_offsets"));
  TOCSIN_TRY(const ByteView bytes, column.open_bytes(column->entry_bytes(), "entry_bytes"));
  TOCSIN_TRY(dictionary->statistics_,
             column.open_array<EntryStatistics>(column->entry_stats(), "entry_stats", ends.size()));
  dictionary->entries_.reserve(ends.size());
  uint32_t start = 0;
  for (uint32_t end : ends) {
    if (end < start || end > bytes.size()) return column.damaged("entry offsets are wrong");
    dictionary->entries_.push_back(text_of(bytes.subspan(start, end - start)));
    start = end;
  }
  return dictionary;
}

bool StringDictionary::has_all(std::span<const uint32_t> codes) const {
  // A code that is too large makes the sign bit of `last - code`, or its own, 1. Unlike a maximum
  // of unsigned 32-bit integers, this vectorises on plain SSE2.
  const auto last = static_cast<uint32_t>(entries_.size()) - 1;
  uint32_t signs = 0;
  for (const uint32_t code : codes) signs |= code | (last - code);
  return codes.empty() || (signs >> 31) == 0;
}

bool StringDictionary::read(std::span<const uint32_t> values, const IntegerStream& codes,
                            std::span<std::string_view> texts) const {
  std::array<uint32_t, kVectorRows> window_codes;
  size_t window = SIZE_MAX;
  for (size_t i = 0; i < values.size(); ++i) {
    if (values[i] == UINT32_MAX) continue;
    if (values[i] / kVectorRows != window) {
      window = values[i] / kVectorRows;
      const size_t n = std::min(kVectorRows, codes.count() - window * kVectorRows);
      codes.read(window * kVectorRows, n, window_codes.data());
      if (!has_all(std::span(window_codes).first(n))) return false;
    }
    texts[i] = entries_[window_codes[values[i] % kVectorRows]];
  }
  return true;
}

}  // namespace tocsin
