#include "db/encoding/float.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>

#include "db/limits.h"

namespace tocsin {
namespace {

constexpr std::array<double, kDecimalExponentMax + 1> kPowers = {
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15};

// 2^52 + 2^51. Adding it to a double of magnitude under 2^51 leaves the rounded integer in the low
// bits of the sum; subtracting it converts back. Both directions vectorise on plain SSE2.
constexpr double kMagic = 6755399441055744.0;
constexpr uint64_t kMagicBits = 0x4338000000000000;
constexpr double kScaledMax = 2251799813685248.0;  // 2^51

constexpr size_t kSampleCount = 64;
constexpr size_t kExceptionShareMin = 8;  // at most one value in 8 may be an exception

bool to_decimal(double value, double power, int64_t& out) {
  const double scaled = value * power;
  if (!(std::fabs(scaled) < kScaledMax - 1)) return false;
  const double rounded = (scaled + kMagic) - kMagic;
  out = static_cast<int64_t>(rounded);
  return std::bit_cast<uint64_t>(static_cast<double>(out) / power) ==
         std::bit_cast<uint64_t>(value);
}

/// Of every `step`th value, how many are not decimals of that power of ten.
size_t failures(std::span<const double> values, size_t step, double power) {
  size_t count = 0;
  int64_t ignored;
  for (size_t i = 0; i < values.size(); i += step) {
    count += to_decimal(values[i], power, ignored) ? 0 : 1;
  }
  return count;
}

uint8_t best_exponent(std::span<const double> values) {
  const size_t step = std::max<size_t>(1, values.size() / kSampleCount);
  uint8_t best = 0;
  size_t best_failures = SIZE_MAX;
  for (uint8_t e = 0; e <= kDecimalExponentMax && best_failures != 0; ++e) {
    const size_t count = failures(values, step, kPowers[e]);
    if (count < best_failures) {
      best = e;
      best_failures = count;
    }
  }
  return best;
}

}  // namespace

std::optional<DecimalColumn> encode_decimals(std::span<const double> values) {
  DecimalColumn column;
  column.exponent = best_exponent(values);
  const double power = kPowers[column.exponent];
  std::vector<uint64_t> integers(values.size());
  int64_t previous = 0;
  for (size_t i = 0; i < values.size(); ++i) {
    int64_t scaled;
    if (to_decimal(values[i], power, scaled)) {
      previous = scaled;
    } else {
      column.positions.push_back(static_cast<uint32_t>(i));
      column.exceptions.push_back(values[i]);
      if (column.positions.size() * kExceptionShareMin > values.size() + kExceptionShareMin) {
        return std::nullopt;
      }
    }
    integers[i] = static_cast<uint64_t>(previous);
  }
  encode_integers(integers, column.integers);
  return column;
}

void decode_decimals(const IntegerStream& integers, uint8_t exponent,
                     std::span<const uint32_t> positions, std::span<const double> exceptions,
                     size_t start, std::span<double> out, std::span<const uint32_t> only) {
  const double power = kPowers[exponent];
  const auto decimal = [power](uint64_t scaled) {
    return (std::bit_cast<double>(scaled + kMagicBits) - kMagic) / power;
  };
  std::array<uint64_t, kVectorRows> scaled;
  if (!only.empty() && out.size() <= kVectorRows) {
    integers.read(start, out.size(), scaled.data(), only);
    std::ranges::fill(out, 0.0);
    for (const uint32_t i : only) out[i] = decimal(scaled[i]);
  } else {
    for (size_t done = 0; done < out.size(); done += kVectorRows) {
      const size_t n = std::min(kVectorRows, out.size() - done);
      integers.read(start + done, n, scaled.data());
      double* target = out.data() + done;
      for (size_t i = 0; i < n; ++i) target[i] = decimal(scaled[i]);
    }
  }
  auto at = std::lower_bound(positions.begin(), positions.end(), start);
  for (; at != positions.end() && *at < start + out.size(); ++at) {
    out[*at - start] = exceptions[static_cast<size_t>(at - positions.begin())];
  }
}

}  // namespace tocsin
