// Hot loops: free functions over spans that the compiler can vectorise.
//
// They ignore null maps unless stated otherwise: a null row holds a harmless value, whose result is
// computed and then masked. `rows` are ascending positions in one vector.
#pragma once

#include <bit>
#include <cmath>
#include <compare>
#include <cstdint>
#include <cstring>
#include <limits>
#include <span>
#include <string_view>
#include <type_traits>

namespace tocsin::kernels {

__extension__ typedef __int128 Int128;

// ---- exact comparison ---------------------------------------------------------------------------

/// Three-way comparison of numbers of any two types, mathematically exact: no operand is rounded.
/// Requires: no NaN.
template <class A, class B>
inline int compare_exact(A a, B b) {
  if constexpr (std::is_same_v<A, B>) {
    return a < b ? -1 : a > b ? 1 : 0;
  } else if constexpr (std::is_same_v<A, double>) {
    return -compare_exact(b, a);
  } else if constexpr (std::is_same_v<B, double>) {
    constexpr double kUpper = std::is_same_v<A, int64_t> ? 0x1p63 : 0x1p64;
    constexpr double kLower = std::is_same_v<A, int64_t> ? -0x1p63 : 0.0;
    if (b >= kUpper) return -1;
    if (b < kLower) return 1;
    const double whole = std::trunc(b);
    const A integer = static_cast<A>(whole);
    if (a != integer) return a < integer ? -1 : 1;
    return whole < b ? -1 : whole > b ? 1 : 0;
  } else if constexpr (std::is_same_v<A, int64_t>) {  // and B is uint64_t
    if (a < 0) return -1;
    return compare_exact(static_cast<uint64_t>(a), b);
  } else {
    return -compare_exact(b, a);
  }
}

struct Equal {
  template <class T>
  bool operator()(const T& a, const T& b) const {
    return a == b;
  }
  bool holds(int order) const { return order == 0; }
};
struct NotEqual {
  template <class T>
  bool operator()(const T& a, const T& b) const {
    return a != b;
  }
  bool holds(int order) const { return order != 0; }
};
struct Less {
  template <class T>
  bool operator()(const T& a, const T& b) const {
    return a < b;
  }
  bool holds(int order) const { return order < 0; }
};
struct LessEqual {
  template <class T>
  bool operator()(const T& a, const T& b) const {
    return a <= b;
  }
  bool holds(int order) const { return order <= 0; }
};
struct Greater {
  template <class T>
  bool operator()(const T& a, const T& b) const {
    return a > b;
  }
  bool holds(int order) const { return order > 0; }
};
struct GreaterEqual {
  template <class T>
  bool operator()(const T& a, const T& b) const {
    return a >= b;
  }
  bool holds(int order) const { return order >= 0; }
};

/// out[i] = a[i] OP b[i]; operands of different numeric types are compared exactly.
template <class Op, class A, class B>
void compare(std::span<const A> a, std::span<const B> b, std::span<uint8_t> out) {
  const Op op;
  if constexpr (std::is_same_v<A, B>) {
    for (size_t i = 0; i < out.size(); ++i) out[i] = op(a[i], b[i]);
  } else {
    for (size_t i = 0; i < out.size(); ++i) out[i] = op.holds(compare_exact(a[i], b[i]));
  }
}

// ---- masks and selections -----------------------------------------------------------------------

inline void mask_and(std::span<const uint8_t> a, std::span<uint8_t> out) {
  for (size_t i = 0; i < out.size(); ++i) out[i] &= a[i];
}
inline void mask_or(std::span<const uint8_t> a, std::span<uint8_t> out) {
  for (size_t i = 0; i < out.size(); ++i) out[i] |= a[i];
}
inline void mask_not(std::span<const uint8_t> a, std::span<uint8_t> out) {
  for (size_t i = 0; i < out.size(); ++i) out[i] = a[i] == 0;
}

/// Whether few enough rows are selected that processing only these is faster than processing all.
inline bool are_few(size_t selected, size_t count) {
  constexpr size_t kFewShare = 8;
  return selected * kFewShare < count;
}

/// Keeps the rows whose mask is set, in place and without branches; returns their number.
inline size_t select_rows(std::span<const uint8_t> mask, std::span<uint32_t> rows) {
  size_t kept = 0;
  for (const uint32_t row : rows) {
    rows[kept] = row;
    kept += mask[row];
  }
  return kept;
}

/// Like select_rows, for two parallel lists.
inline size_t select_pairs(std::span<const uint8_t> mask, std::span<uint32_t> rows,
                           std::span<uint32_t> groups) {
  size_t kept = 0;
  for (size_t i = 0; i < rows.size(); ++i) {
    const uint32_t row = rows[i];
    rows[kept] = row;
    groups[kept] = groups[i];
    kept += mask[row];
  }
  return kept;
}

/// out[i] = table[index[i]]
template <class T>
void gather(std::span<const T> table, std::span<const uint32_t> index, std::span<T> out) {
  for (size_t i = 0; i < out.size(); ++i) out[i] = table[index[i]];
}

/// Sets `valid` and the value to 0 wherever the value is NaN or infinite; true if there was one.
inline bool drop_not_finite(std::span<double> values, std::span<uint8_t> valid) {
  bool any = false;
  for (size_t i = 0; i < values.size(); ++i) {
    const bool finite = std::isfinite(values[i]);
    valid[i] &= finite;
    values[i] = finite ? values[i] : 0.0;
    any |= !finite;
  }
  return any;
}

inline bool all_finite(std::span<const double> values) {
  // The exponent bits of NaN and infinity are all ones.
  constexpr uint64_t kExponent = 0x7ff0000000000000;
  bool finite = true;
  for (const double value : values) {
    finite &= (std::bit_cast<uint64_t>(value) & kExponent) != kExponent;
  }
  return finite;
}

// ---- arithmetic ---------------------------------------------------------------------------------

template <class From, class To>
void convert(std::span<const From> in, std::span<To> out) {
  for (size_t i = 0; i < out.size(); ++i) out[i] = static_cast<To>(in[i]);
}

/// out[i] = f(a[i], b[i]) for doubles; the caller masks results that are not finite.
template <class F>
void apply_f64(std::span<const double> a, std::span<const double> b, std::span<double> out, F f) {
  for (size_t i = 0; i < out.size(); ++i) out[i] = f(a[i], b[i]);
}

/// out[i] = f(a[i], b[i]), computed in 128 bits; out[i] and valid[i] become 0 if the result does
/// not fit into R.
template <class R, class A, class B, class F>
void apply_integer(std::span<const A> a, std::span<const B> b, std::span<R> out,
                   std::span<uint8_t> valid, F f) {
  for (size_t i = 0; i < out.size(); ++i) {
    const Int128 wide = f(Int128{a[i]}, Int128{b[i]});
    const bool fits = wide >= Int128{std::numeric_limits<R>::min()} &&
                      wide <= Int128{std::numeric_limits<R>::max()};
    out[i] = fits ? static_cast<R>(wide) : R{0};
    valid[i] &= fits;
  }
}

/// Integer quotient or remainder, truncated towards zero; null if b[i] is 0 or the result does not
/// fit.
template <bool kRemainder, class R, class A, class B>
void divide_integer(std::span<const A> a, std::span<const B> b, std::span<R> out,
                    std::span<uint8_t> valid) {
  for (size_t i = 0; i < out.size(); ++i) {
    out[i] = 0;
    if (b[i] == 0) {
      valid[i] = 0;
      continue;
    }
    const Int128 wide = kRemainder ? Int128{a[i]} % Int128{b[i]} : Int128{a[i]} / Int128{b[i]};
    const bool fits = wide >= Int128{std::numeric_limits<R>::min()} &&
                      wide <= Int128{std::numeric_limits<R>::max()};
    if (fits) out[i] = static_cast<R>(wide);
    valid[i] &= fits;
  }
}

// ---- aggregation --------------------------------------------------------------------------------

/// Counts cells, alternating between two arrays of `cell_count` counters, one after the other:
/// neighbouring cells are mostly equal, and incrementing the same counter would wait for the
/// increment before.
inline void count_cells(std::span<const uint32_t> cells, size_t cell_count,
                        std::span<uint32_t> counts) {
  uint32_t* even = counts.data();
  uint32_t* odd = even + cell_count;
  size_t i = 0;
  for (; i + 1 < cells.size(); i += 2) {
    ++even[cells[i]];
    ++odd[cells[i + 1]];
  }
  if (i < cells.size()) ++even[cells[i]];
}

/// cells[i] += stride * codes[i]
inline void add_digit(std::span<const uint32_t> codes, uint32_t stride, std::span<uint32_t> cells) {
  for (size_t i = 0; i < cells.size(); ++i) cells[i] += stride * codes[i];
}

/// counts[groups[i]] += 1
inline void count_groups(std::span<const uint32_t> groups, std::span<int64_t> counts) {
  for (const uint32_t group : groups) ++counts[group];
}

/// counts[groups[i]] += 1 where row rows[i] is valid
inline void count_valid(std::span<const uint32_t> rows, std::span<const uint32_t> groups,
                        std::span<const uint8_t> valid, std::span<int64_t> counts) {
  for (size_t i = 0; i < rows.size(); ++i) counts[groups[i]] += valid[rows[i]];
}

}  // namespace tocsin::kernels
