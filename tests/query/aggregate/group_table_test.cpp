// Numbers values and pairs, in arrays and in hash tables.
#include "query/aggregate/group_table.h"

#include <map>
#include <random>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

namespace tocsin {
namespace {

TEST_CASE("hash index: finds the numbers stored in it, even with equal hashes", "[query]") {
  const auto check = [](auto hash_of) {
    HashIndex index;
    const auto find = [&](uint32_t thing) -> uint32_t& {
      return index.find(hash_of(thing), [&](uint32_t number) { return number == thing; });
    };
    for (uint32_t thing = 1; thing <= 3000; ++thing) {
      uint32_t& number = find(thing);
      REQUIRE(number == 0);
      number = thing;
    }
    for (uint32_t thing = 1; thing <= 3000; ++thing) REQUIRE(find(thing) == thing);
  };
  check([](uint32_t thing) { return mix_word(thing); });
  check([](uint32_t) { return uint64_t{0}; });
  check([](uint32_t) { return UINT64_MAX; });  // all in the last slot first
  check([](uint32_t thing) { return uint64_t{thing} << 55; });
}

TEST_CASE("pair table: equal pairs have the same number, whatever the shape", "[query]") {
  std::mt19937 random(7);
  const auto check = [&](uint32_t a_count, uint32_t b_count, size_t rows) {
    PairTable table;
    std::map<std::pair<uint32_t, uint32_t>, uint32_t> expected;
    for (size_t done = 0; done < rows; done += 1000) {
      std::vector<uint32_t> a(1000), b(1000);
      for (uint32_t& value : a) value = static_cast<uint32_t>(random() % a_count);
      for (uint32_t& value : b) value = static_cast<uint32_t>(random() % b_count);
      std::vector<uint32_t> numbers = a;
      table.number(numbers, b);
      for (size_t i = 0; i < a.size(); ++i) {
        const auto [found, added] =
            expected.emplace(std::pair(a[i], b[i]), static_cast<uint32_t>(expected.size()));
        REQUIRE(numbers[i] == found->second);
        REQUIRE(table.pair(numbers[i]) == (uint64_t{a[i]} << 32 | b[i]));
      }
      REQUIRE(table.count() == expected.size());
    }
  };
  check(1, 100'000, 100'000);       // one row: an array
  check(40, 50, 20'000);            // a small array
  check(50'000, 3, 60'000);         // sparse: drops the array
  check(2'000'000'000, 7, 10'000);  // never has an array
}

}  // namespace
}  // namespace tocsin
