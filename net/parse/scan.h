// Searches for delimiters, 16 bytes at a time with SSE2, which every x86-64 processor has.
// tools/bench/parse_bench.cpp measures the gain; TOCSIN_PORTABLE leaves SSE2 out.
#pragma once

#include <cstddef>
#include <cstring>
#include <string_view>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace tocsin::scan {

/// "Not found", as an index.
inline constexpr size_t kNone = std::string_view::npos;

/// The first byte of [p, end) that is one of the characters, or `end`.
template <char... kCharacters>
inline const char* find_any(const char* p, const char* end) {
#if defined(__SSE2__) && !defined(TOCSIN_PORTABLE)
  for (; end - p >= 16; p += 16) {
    const __m128i block = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
    __m128i hits = _mm_setzero_si128();
    ((hits = _mm_or_si128(hits, _mm_cmpeq_epi8(block, _mm_set1_epi8(kCharacters)))), ...);
    const int mask = _mm_movemask_epi8(hits);
    if (mask != 0) return p + __builtin_ctz(static_cast<unsigned>(mask));
  }
#endif
  for (; p != end; ++p) {
    if (((*p == kCharacters) || ...)) return p;
  }
  return end;
}

/// The number of bytes of `text` that equal `c`.
inline size_t count_byte(std::string_view text, char c) {
  const char* p = text.data();
  const char* const end = p + text.size();
  size_t count = 0;
#if defined(__SSE2__) && !defined(TOCSIN_PORTABLE)
  while (end - p >= 16) {
    __m128i counts = _mm_setzero_si128();  // a byte holds up to 255 hits
    for (int i = 0; i < 255 && end - p >= 16; ++i, p += 16) {
      const __m128i block = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
      counts = _mm_sub_epi8(counts, _mm_cmpeq_epi8(block, _mm_set1_epi8(c)));
    }
    const __m128i sums = _mm_sad_epu8(counts, _mm_setzero_si128());
    count += static_cast<size_t>(_mm_cvtsi128_si32(sums)) +
             static_cast<size_t>(_mm_extract_epi16(sums, 4));
  }
#endif
  for (; p != end; ++p) count += *p == c ? 1 : 0;
  return count;
}

/// The index of the first `c` in text[start, end), or kNone. Requires: end <= text.size().
inline size_t find_byte(std::string_view text, char c, size_t start, size_t end) {
  if (start >= end) return kNone;
  const void* hit = std::memchr(text.data() + start, c, end - start);
  if (hit == nullptr) return kNone;
  return static_cast<size_t>(static_cast<const char*>(hit) - text.data());
}

}  // namespace tocsin::scan
