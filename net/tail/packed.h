// Recognises compressed files, as rotations make them: their original size and first bytes.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tocsin {

/// What a compressed file contains.
struct PackedContent {
  std::string head;     ///< its first bytes, up to kHeadBytesMax
  uint64_t size = 0;    ///< 0: the file does not say
  bool modulo = false;  ///< gzip: `size` is the remainder of a division by 4 GiB
};

/// How much of the start of a compressed file packed_content() needs at most.
inline constexpr size_t kPackedStartMax = size_t{256} << 10;
/// How much of its end.
inline constexpr size_t kPackedEnd = 4;

/// Whether a file with this start may be compressed with gzip (RFC 1952) or zstd (RFC 8878).
bool is_packed(std::string_view start);
/// Nothing if it is not compressed after all, or damaged.
std::optional<PackedContent> packed_content(std::string_view start, std::string_view end);

}  // namespace tocsin
