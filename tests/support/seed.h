// The seed of tests that draw their inputs at random.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <random>

namespace tocsin::test {

/// Whether TOCSIN_LONG_TESTS is set: thousands of inputs instead of hundreds.
inline bool long_tests() { return std::getenv("TOCSIN_LONG_TESTS") != nullptr; }

/// TOCSIN_SEED if set, else a random seed for the long tests and a fixed one for the quick ones.
inline uint32_t seed_of_run() {
  const char* given = std::getenv("TOCSIN_SEED");
  if (given) return static_cast<uint32_t>(std::strtoul(given, nullptr, 10));
  return long_tests() ? std::random_device()() : 1;
}

}  // namespace tocsin::test
