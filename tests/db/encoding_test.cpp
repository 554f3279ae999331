// Each encoding against the values that went in.
#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <random>

#include <catch2/catch.hpp>

#include "db/bit_packing.h"
#include "db/encoding_float.h"
#include "db/encoding_integer.h"
#include "db/encoding_text.h"
#include "db/string_pool.h"

namespace tocsin {
namespace {

TEST_CASE("bit packing: every width and many counts come back", "[db]") {
  std::mt19937_64 random(1);
  for (unsigned width = 0; width <= 64; ++width) {
    for (size_t count :
         {size_t{1}, size_t{63}, size_t{64}, size_t{65}, size_t{1000}, kVectorRows}) {
      std::vector<uint64_t> values(count), words(packed_words(count, width)), out(count);
      for (uint64_t& value : values) value = width == 0 ? 0 : random() >> (64 - width);
      pack_bits(values.data(), count, width, words.data());
      unpack_bits(words.data(), count, width, uint64_t{5}, out.data());
      for (uint64_t& value : values) value += 5;
      REQUIRE(out == values);
    }
  }
}

void check_integers(const std::vector<uint64_t>& values) {
  std::vector<uint8_t> bytes;
  encode_integers(values, bytes);
  const AlignedBytes aligned{ByteView(bytes)};
  IntegerStream stream;
  REQUIRE(stream.open(aligned.view(), values.size()));
  std::vector<uint64_t> out(values.size());
  stream.read(0, out.size(), out.data());
  REQUIRE(out == values);
  for (size_t start : {size_t{0}, values.size() / 2, values.size() - 1}) {
    std::vector<int64_t> part(std::min<size_t>(values.size() - start, 3000));
    stream.read(start, part.size(), part.data());
    for (size_t i = 0; i < part.size(); ++i) {
      REQUIRE(static_cast<uint64_t>(part[i]) == values[start + i]);
    }
  }
  CHECK_FALSE(stream.open(aligned.view(), values.size() + 1));
  CHECK_FALSE(stream.open(aligned.view().first(8), values.size()));
}

TEST_CASE("integers: constant, framed, ascending and extreme values come back", "[db]") {
  std::mt19937_64 random(2);
  for (size_t count :
       {size_t{1}, size_t{2}, size_t{2047}, size_t{2048}, size_t{2049}, size_t{10'000}}) {
    std::vector<uint64_t> values(count, 42);
    check_integers(values);
    for (size_t i = 0; i < count; ++i) values[i] = 1'000'000 + random() % 100;
    check_integers(values);
    for (size_t i = 0; i < count; ++i) values[i] = i * 1000 + random() % 10;
    check_integers(values);
    for (size_t i = 0; i < count; ++i) values[i] = random();
    check_integers(values);
    for (size_t i = 0; i < count; ++i) {
      values[i] = static_cast<uint64_t>(i % 2 == 0 ? INT64_MIN : INT64_MAX);
    }
    check_integers(values);
  }
}

TEST_CASE("integers: ascending values take a few bits each", "[db]") {
  std::vector<uint64_t> times(100'000);
  for (size_t i = 0; i < times.size(); ++i) times[i] = i * 1'000'000'000;
  std::vector<uint8_t> bytes;
  encode_integers(times, bytes);
  CHECK(bytes.size() < times.size() / 50);
}

TEST_CASE("integers: lower_bound finds what std::lower_bound finds", "[db]") {
  std::mt19937_64 random(3);
  std::vector<uint64_t> values(7000);
  for (uint64_t& value : values) value = random() % 3000;
  std::sort(values.begin(), values.end());
  std::vector<uint8_t> bytes;
  encode_integers(values, bytes);
  const AlignedBytes aligned{ByteView(bytes)};
  IntegerStream stream;
  REQUIRE(stream.open(aligned.view(), values.size()));
  for (int64_t wanted = -2; wanted < 3002; wanted += 3) {
    const auto expected =
        std::lower_bound(values.begin(), values.end(), wanted,
                         [](uint64_t a, int64_t b) { return static_cast<int64_t>(a) < b; });
    REQUIRE(stream.lower_bound(wanted) == static_cast<size_t>(expected - values.begin()));
  }
}

TEST_CASE("integers: a damaged stream is refused or stays in its bounds", "[db]") {
  std::mt19937_64 random(4);
  std::vector<uint64_t> values(5000);
  for (uint64_t& value : values) value = random() % 1000;
  std::vector<uint8_t> bytes;
  encode_integers(values, bytes);
  for (int i = 0; i < 2000; ++i) {
    AlignedBytes damaged{ByteView(bytes)};
    damaged.data()[random() % 200] ^= static_cast<uint8_t>(1 + random() % 255);
    IntegerStream stream;
    if (!stream.open(damaged.view(), values.size())) continue;
    std::vector<uint64_t> out(values.size());
    stream.read(0, out.size(), out.data());  // the sanitizers watch
  }
}

void check_decimals(const std::vector<double>& values, bool expect_encoded) {
  const auto column = encode_decimals(values);
  REQUIRE(column.has_value() == expect_encoded);
  if (!column) return;
  const AlignedBytes aligned{ByteView(column->integers)};
  IntegerStream stream;
  REQUIRE(stream.open(aligned.view(), values.size()));
  for (size_t start : {size_t{0}, values.size() / 3}) {
    std::vector<double> out(values.size() - start);
    decode_decimals(stream, column->exponent, column->positions, column->exceptions, start, out);
    for (size_t i = 0; i < out.size(); ++i) {
      REQUIRE(std::bit_cast<uint64_t>(out[i]) == std::bit_cast<uint64_t>(values[start + i]));
    }
  }
}

TEST_CASE("decimals: short decimals come back bit by bit, with exceptions among them", "[db]") {
  std::mt19937_64 random(5);
  std::vector<double> values(5000);
  for (double& value : values) value = static_cast<double>(random() % 1'000'000) / 100;
  check_decimals(values, true);
  values[7] = NAN;
  values[8] = -0.0;
  values[9] = INFINITY;
  values[10] = -INFINITY;
  values[11] = std::numeric_limits<double>::denorm_min();
  values[12] = 1e300;
  values[4999] = 0.1 + 0.2;
  check_decimals(values, true);
  check_decimals({0.1}, true);
  check_decimals({-123.456789, 8.0605, 1e15, 0.000001}, true);
}

TEST_CASE("decimals: floats of full precision are left to the raw encoding", "[db]") {
  std::mt19937_64 random(6);
  std::uniform_real_distribution<double> uniform(0, 1);
  std::vector<double> values(5000);
  for (double& value : values) value = uniform(random);
  check_decimals(values, false);
}

TEST_CASE("text: blocks come back, compressed or not", "[db]") {
  std::mt19937_64 random(7);
  std::vector<std::string> texts(5000);
  for (size_t i = 0; i < texts.size(); ++i) {
    texts[i] =
        i % 10 == 0 ? "" : "user " + std::to_string(random()) + " logged in from the usual host";
  }
  texts[4000] = std::string(300'000, 'x');
  std::vector<std::string_view> values(texts.begin(), texts.end());
  for (bool compress : {false, true}) {
    const TextColumn column = encode_text(values, compress);
    CHECK((column.compression != Compression::kNone) == compress);
    size_t value = 0;
    for (const TextBlock& block : column.blocks) {
      std::string raw(block.raw_size, '\0');
      ByteView stored = ByteView(column.bytes).subspan(block.offset, block.stored_size);
      REQUIRE(decompress_block(column.compression, stored, raw));
      std::string expected;
      for (size_t i = 0; i < kVectorRows && value < texts.size(); ++i) expected += texts[value++];
      REQUIRE(raw == expected);
      if (compress && stored.size() > 1) {
        CHECK_FALSE(decompress_block(column.compression, stored.first(stored.size() - 1), raw));
      }
    }
    CHECK(value == texts.size());
  }
}

TEST_CASE("string pool: equal strings share a code until most are distinct", "[db]") {
  StringPool pool;
  const uint32_t a = pool.add("a");
  const uint32_t b = pool.add("b");
  const uint32_t empty = pool.add("");
  CHECK(pool.add("a") == a);
  CHECK(pool.add("b") == b);
  CHECK(pool.add("") == empty);
  CHECK(pool.size() == 3);
  CHECK(pool.entry(b) == "b");
  for (int i = 0; i < 100'000; ++i) {
    const std::string text = "unique " + std::to_string(i);
    REQUIRE(pool.entry(pool.add(text)) == text);
  }
  CHECK_FALSE(pool.is_exact());
}

}  // namespace
}  // namespace tocsin
