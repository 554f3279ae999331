// Floats as decimal-scaled integers where that is lossless.
//
// Most measured floats are short decimals: v == n / 10^e for an integer n and one small e for the
// whole column. The n go into an integer stream. Values for which this does not hold bit by bit
// (NaN, infinities, -0, long fractions) are exceptions, stored with their positions. The idea is
// ALP's (Afroozeh & Boncz, SIGMOD 2023); dividing by 10^e instead of multiplying by two rounded
// factors is exact for every decimal of up to 15 digits, so one exponent is enough.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "db/encoding/integer.h"

namespace tocsin {

struct DecimalColumn {
  uint8_t exponent = 0;
  std::vector<uint8_t> integers;    ///< an integer stream; an exception repeats the one before it
  std::vector<uint32_t> positions;  ///< of the exceptions, ascending
  std::vector<double> exceptions;
};

inline constexpr uint8_t kDecimalExponentMax = 15;

/// Returns nothing if too many values would be exceptions.
std::optional<DecimalColumn> encode_decimals(std::span<const double> values);

/// Writes values [start, start + out.size()). With `only`, a few ascending indexes of `out`, all
/// other values may come out as 0. Requires: exponent <= kDecimalExponentMax.
void decode_decimals(const IntegerStream& integers, uint8_t exponent,
                     std::span<const uint32_t> positions, std::span<const double> exceptions,
                     size_t start, std::span<double> out, std::span<const uint32_t> only = {});

}  // namespace tocsin
