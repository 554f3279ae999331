// Random numbers that depend only on the seed, on every platform.
//
// Sources: xoshiro256** 1.0 and splitmix64 (Blackman and Vigna, "Scrambled linear pseudorandom
// number generators", 2021; prng.di.unimi.it). Normals by Box and Muller (1958), exponentials by
// inversion.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>
#include <numbers>

namespace tocsin::generate {

/// Scrambles a word. Also used as the hash for values drawn once per hour, day or service.
inline uint64_t splitmix64(uint64_t x) {
  x += 0x9e3779b97f4a7c15;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  return x ^ (x >> 31);
}

/// Not thread-safe. Cheap to construct, so each tick and each hour has a generator seeded by its
/// key.
class Random {
 public:
  explicit Random(uint64_t seed) {
    for (uint64_t& word : state_) word = seed = splitmix64(seed);
  }
  /// A separate stream for each (seed, purpose, index).
  Random(uint64_t seed, uint64_t purpose, uint64_t index)
      : Random(splitmix64(splitmix64(seed ^ purpose * 0xd1342543de82ef95) ^ index)) {}

  uint64_t next() {
    const uint64_t result = std::rotl(state_[1] * 5, 7) * 9;
    const uint64_t shifted = state_[1] << 17;
    state_[2] ^= state_[0];
    state_[3] ^= state_[1];
    state_[1] ^= state_[2];
    state_[0] ^= state_[3];
    state_[2] ^= shifted;
    state_[3] = std::rotl(state_[3], 45);
    return result;
  }

  /// Uniform in [0, 1), with 53 bits.
  double uniform() { return static_cast<double>(next() >> 11) * 0x1.0p-53; }
  double uniform(double low, double high) { return low + (high - low) * uniform(); }
  bool chance(double probability) { return uniform() < probability; }
  /// Uniform in [0, bound). Biased by less than bound / 2^32. Requires: 0 < bound < 2^32.
  uint64_t below(uint64_t bound) { return ((next() >> 32) * bound) >> 32; }
  /// Exponential with mean 1.
  double exponential() { return -std::log1p(-uniform()); }
  double normal() {
    const double radius = std::sqrt(2 * exponential());
    return radius * std::cos(2 * std::numbers::pi * uniform());
  }

 private:
  uint64_t state_[4];
};

}  // namespace tocsin::generate
