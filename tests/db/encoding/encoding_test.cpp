// Each encoding returns the values that were encoded.
#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <map>
#include <random>

#include <catch2/catch.hpp>

#include "db/encoding/bit_packing.h"
#include "db/encoding/float.h"
#include "db/encoding/integer.h"
#include "db/encoding/packed.h"
#include "db/encoding/string_pool.h"
#include "db/encoding/template.h"
#include "db/encoding/text.h"
#include "db/encoding/text_splitter.h"

namespace tocsin {
namespace {

TEST_CASE("bit packing: every width and many counts are restored", "[db]") {
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

/// A few ascending indexes.
std::vector<uint32_t> some_of(size_t count, std::mt19937_64& random) {
  std::vector<uint32_t> some;
  for (size_t i = random() % 40; i < count; i += 1 + random() % 60) {
    some.push_back(static_cast<uint32_t>(i));
  }
  return some;
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
  std::mt19937_64 random(values.size());
  for (size_t start = 0; start < values.size(); start += 1 + random() % 1500) {
    // Mostly within one of the stream's vectors.
    std::vector<uint64_t> part(std::min<size_t>(values.size() - start, 1 + random() % kVectorRows));
    const std::vector<uint32_t> only = some_of(part.size(), random);
    stream.read(start, part.size(), part.data(), only);
    for (const uint32_t i : only) REQUIRE(part[i] == values[start + i]);
  }
  CHECK_FALSE(stream.open(aligned.view(), values.size() + 1));
  CHECK_FALSE(stream.open(aligned.view().first(8), values.size()));
}

TEST_CASE("integers: constant, framed, ascending and extreme values are restored", "[db]") {
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

TEST_CASE("integers: outliers and small shares of large values are patched", "[db]") {
  std::mt19937_64 random(20);
  const auto size_of = [](const std::vector<uint64_t>& values) {
    std::vector<uint8_t> bytes;
    encode_packed(values, bytes);
    return bytes.size();
  };
  std::vector<uint64_t> values(10'000);
  for (uint64_t& value : values) value = random() % 16;
  const size_t without = size_of(values);
  for (size_t i = 0; i < values.size(); i += 500) values[i] = random() >> 1;
  check_integers(values);
  CHECK(size_of(values) < without * 2);
  // Half of the values are small, so a bitmap marks them.
  for (uint64_t& value : values) value = random() % 2 == 0 ? random() % 100 : random() % 100'000;
  check_integers(values);
  CHECK(size_of(values) < values.size() * 14 / 8);
  // Steps with a few jumps are patched deltas.
  uint64_t time = 0;
  for (uint64_t& value : values)
    value = time += random() % 200 == 0 ? random() >> 30 : random() % 8;
  check_integers(values);
  CHECK(size_of(values) < values.size());
  for (size_t width = 1; width <= 64; ++width) {
    for (uint64_t& value : values) {
      value = random() % 9 == 0 ? random() >> (64 - width) : random() >> (64 - (width + 1) / 2);
    }
    check_integers(values);
  }
}

TEST_CASE("integers: wide values that repeat are stored once", "[db]") {
  std::mt19937_64 random(21);
  std::vector<uint64_t> values, recent;
  while (values.size() < 20'000) {
    if (recent.size() < 100 || random() % 3 == 0) {
      recent.push_back(random());
      values.push_back(recent.back());
    } else {
      values.push_back(recent[recent.size() - 1 - random() % 100]);
    }
  }
  check_integers(values);
  std::vector<uint8_t> bytes;
  encode_integers(values, bytes);
  CHECK(bytes.size() < values.size() * 4);
  for (uint64_t& value : values) value >>= 20;
  check_integers(values);
}

TEST_CASE("text splitter: variables are not part of the pattern, and every text is restored",
          "[db]") {
  TextSplitter splitter;
  const auto again = [&] {
    std::string text;
    size_t next = 0;
    const auto pieces = parse_pattern(splitter.pattern());
    REQUIRE(pieces);
    for (const PatternPiece& piece : *pieces) {
      text += piece.literal;
      if (!piece.slot) continue;
      std::array<char, kSlotTextMax> digits;
      text.append(digits.data(),
                  write_slot(*piece.slot, splitter.variables().at(next++), digits.data()));
    }
    CHECK(next == splitter.variables().size());
    return text;
  };
  const auto check = [&](std::string_view text, std::vector<uint64_t> variables) {
    INFO(text);
    REQUIRE(splitter.split(text));
    CHECK(again() == text);
    CHECK(splitter.variables() == variables);
  };
  check("", {});
  check("no digits at all", {});
  check("took 12 ms on svc-07", {12, 7});
  check("0", {0});
  check("00", {0});
  check("v62676x3", {62676, 3});
  check("tx-9e3779b97f4a7c15 done", {0x9e3779b97f4a7c15});
  check("tx-9E3779B97F4A7C15", {0x9E3779B97F4A7C15});
  check("tx-9E3779b97f4a7c15", {9, 3779, 97, 4, 7, 15});
  check("1234567890123456", {0x1234567890123456});
  check("deadbeef", {0xdeadbeef});
  check("facade", {});
  check("7ba7b810-9dad-11d1-80b4-00c04fd430c8",
        {0x7ba7b810, 0x9dad, 0x11d1, 0x80b4, 0x00c04fd430c8});
  check("7ba7b810-9dad-11d1-80b4-00c04fd430c", {0x7ba7b810, 9, 11, 1, 80, 4, 0xc04fd430c});
  check("7ba7b810-9d.d-11d1-80b4-00c04fd430c8", {0x7ba7b810, 9, 11, 1, 80, 4, 0x00c04fd430c8});
  check("123456789012345678901234", {123456789012345678, 901234});
  check("\xff\xfe 5 \x7f", {5});
  CHECK_FALSE(
      splitter.split(std::string_view("a\x01"
                                      "b")));
  REQUIRE(splitter.split(std::string_view("nul \0 5", 7)));
  CHECK(again() == std::string_view("nul \0 5", 7));

  std::mt19937_64 random(22);
  constexpr std::string_view kAlphabet = "0000123456789abcdefABCDEFxyz -:.\x05\xff";
  for (int i = 0; i < 20'000; ++i) {
    std::string text;
    for (size_t size = random() % (i % 8 == 0 ? 200 : 60); size != 0; --size)
      text += kAlphabet[random() % kAlphabet.size()];
    if (i % 4 == 0) {  // a UUID, sometimes an invalid one
      std::string uuid = "7ba7b810-9dad-11d1-80b4-00c04fd430c8";
      if (i % 8 == 0) uuid[random() % uuid.size()] = kAlphabet[random() % kAlphabet.size()];
      text.insert(random() % (text.size() + 1), uuid);
    }
    INFO(text);
    REQUIRE(splitter.split(text));
    REQUIRE(again() == text);
  }
}

/// Owns the buffers of a template column as a segment would.
struct StoredTemplates {
  explicit StoredTemplates(const TemplateColumn& column) {
    std::vector<uint8_t> stream;
    encode_integers(column.numbers, stream);
    numbers = AlignedBytes(ByteView(stream));
    for (const std::string& pattern : column.patterns) {
      patterns += pattern;
      ends.push_back(static_cast<uint32_t>(patterns.size()));
    }
    for (const TemplateColumn::Variables& stream_of : column.variables) {
      variables.emplace_back(AlignedBytes(ByteView(stream_of.values)),
                             AlignedBytes(ByteView(stream_of.starts)));
    }
    slots = column.slot_streams;
    lengths = AlignedBytes(ByteView(column.whole.lengths));
    whole_starts = AlignedBytes(ByteView(column.whole_starts));
    whole = column.whole;
  }

  bool open(size_t value_count, TemplateReader& reader) const {
    if (!reader.open(numbers.view(), value_count)) return false;
    for (const auto& [values, starts] : variables) {
      if (!reader.add_variables(values.view(), starts.view())) return false;
    }
    if (whole_starts.size() != 0) {
      const auto count = reader.open_whole(whole_starts.view());
      TextReader texts;
      if (!count ||
          !texts.open(whole.compression, *count, lengths.view(), whole.blocks, whole.bytes)) {
        return false;
      }
      reader.set_whole(std::move(texts));
    }
    return reader.set_patterns(ends, bytes_of(patterns), slots);
  }

  AlignedBytes numbers, lengths, whole_starts;
  std::string patterns;
  std::vector<uint32_t> ends;
  std::vector<std::pair<AlignedBytes, AlignedBytes>> variables;
  std::vector<uint8_t> slots;
  TextColumn whole;
};

std::optional<TemplateColumn> encode(const std::vector<std::string>& values) {
  std::vector<std::string_view> texts;
  std::vector<uint64_t> codes;
  std::map<std::string_view, uint64_t> code_of;
  for (const std::string& value : values) {
    const auto [it, added] = code_of.emplace(value, texts.size());
    if (added) texts.push_back(value);
    codes.push_back(it->second);
  }
  return encode_templates(texts, codes);
}

std::vector<std::string> log_messages(size_t count, uint64_t seed) {
  std::mt19937_64 random(seed);
  std::vector<std::string> texts;
  for (size_t i = 0; i < count; ++i) {
    const std::string n = std::to_string(random() % 100'000), m = std::to_string(random() % 100);
    switch (random() % 6) {
      case 0: texts.push_back("request " + n + " took " + m + " ms"); break;
      case 1: texts.push_back("cache entry 0" + m + " refreshed"); break;
      case 2: texts.push_back("started"); break;
      case 3: texts.push_back("id 9e3779b97f4a7" + std::to_string(100 + random() % 900)); break;
      case 4: texts.push_back("peer " + n + " closed after " + n + "." + m + " s"); break;
      default:
        texts.push_back(random() % 20 == 0 ? "odd \x02 " + std::to_string(random())
                                           : "waiting for " + n);
    }
  }
  return texts;
}

TEST_CASE("templates: every subset of the texts is restored", "[db]") {
  for (size_t count : {size_t{100}, size_t{2048}, size_t{9000}}) {
    const std::vector<std::string> texts = log_messages(count, count);
    const auto column = encode(texts);
    REQUIRE(column);
    const StoredTemplates stored(*column);
    TemplateReader reader;
    REQUIRE(stored.open(count, reader));
    std::mt19937_64 random(23);
    for (uint64_t share : {1, 2, 50, 1000}) {
      std::vector<uint32_t> wanted;
      for (uint32_t i = 0; i < count; ++i) {
        if (random() % share == 0) wanted.push_back(random() % 5 == 0 ? UINT32_MAX : i);
      }
      std::string bytes;
      std::vector<std::string_view> found(wanted.size());
      REQUIRE(reader.read(wanted, bytes, found));
      for (size_t i = 0; i < wanted.size(); ++i) {
        REQUIRE(found[i] == (wanted[i] == UINT32_MAX ? "" : texts[wanted[i]]));
      }
    }
  }
}

TEST_CASE("templates: texts without common patterns are not encoded", "[db]") {
  std::mt19937_64 random(24);
  std::vector<std::string> texts(5000);
  for (std::string& text : texts) {
    for (size_t i = 0; i < 12; ++i) text += static_cast<char>('g' + random() % 20);
  }
  CHECK_FALSE(encode(texts));
}

TEST_CASE("templates: damage is detected or stays within bounds", "[db]") {
  const std::vector<std::string> texts = log_messages(3000, 25);
  const auto column = encode(texts);
  REQUIRE(column);
  std::mt19937_64 random(26);
  std::vector<uint32_t> all(texts.size());
  for (uint32_t i = 0; i < all.size(); ++i) all[i] = i;
  for (int i = 0; i < 3000; ++i) {
    StoredTemplates stored(*column);
    const auto flip = [&](uint8_t* data, size_t size) {
      if (size != 0)
        data[random() % std::min<size_t>(size, 300)] ^= static_cast<uint8_t>(1 + random() % 255);
    };
    switch (random() % 6) {
      case 0: flip(stored.numbers.data(), stored.numbers.size()); break;
      case 1: {
        auto& [values, starts] = stored.variables[random() % stored.variables.size()];
        flip(values.data(), values.size());
        break;
      }
      case 2: {
        auto& [values, starts] = stored.variables[random() % stored.variables.size()];
        flip(starts.data(), starts.size());
        break;
      }
      case 3:
        flip(reinterpret_cast<uint8_t*>(stored.patterns.data()), stored.patterns.size());
        break;
      case 4: flip(stored.slots.data(), stored.slots.size()); break;
      default: flip(stored.whole_starts.data(), stored.whole_starts.size()); break;
    }
    TemplateReader reader;
    if (!stored.open(texts.size(), reader)) continue;
    std::string bytes;
    std::vector<std::string_view> found(all.size());
    (void)reader.read(all, bytes, found);  // for the sanitizers
  }
}

TEST_CASE("integers: ascending values need a few bits each", "[db]") {
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
  encode_packed(values, bytes);
  const AlignedBytes aligned{ByteView(bytes)};
  PackedIntegers stream;
  REQUIRE(stream.open(aligned.view(), values.size()));
  for (int64_t wanted = -2; wanted < 3002; wanted += 3) {
    const auto expected =
        std::lower_bound(values.begin(), values.end(), wanted,
                         [](uint64_t a, int64_t b) { return static_cast<int64_t>(a) < b; });
    REQUIRE(stream.lower_bound(wanted) == static_cast<size_t>(expected - values.begin()));
  }
}

TEST_CASE("integers: damage is detected or stays within bounds", "[db]") {
  std::mt19937_64 random(4);
  std::vector<uint64_t> framed(5000), patched(5000), repeats(5000);
  for (uint64_t& value : framed) value = random() % 1000;
  for (uint64_t& value : patched) value = random() % (random() % 9 == 0 ? 1'000'000 : 30);
  for (size_t i = 0; i < repeats.size(); ++i)
    repeats[i] = i < 50 ? random() : repeats[random() % 50];
  for (const auto& values : {framed, patched, repeats}) {
    std::vector<uint8_t> bytes;
    encode_integers(values, bytes);
    for (int i = 0; i < 3000; ++i) {
      AlignedBytes damaged{ByteView(bytes)};
      damaged.data()[random() % std::min<size_t>(bytes.size(), i % 2 == 0 ? 200 : 8000)] ^=
          static_cast<uint8_t>(1 + random() % 255);
      IntegerStream stream;
      if (!stream.open(damaged.view(), values.size())) continue;
      std::vector<uint64_t> out(values.size());
      stream.read(0, out.size(), out.data());  // for the sanitizers
    }
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
    std::mt19937_64 random(values.size());
    out.resize(std::min(out.size(), kVectorRows));
    std::vector<uint32_t> only = some_of(out.size(), random);
    if (out.size() > 12) only = {7, 8, 9, 12};
    decode_decimals(stream, column->exponent, column->positions, column->exceptions, start, out,
                    only);
    for (const uint32_t i : only) {
      REQUIRE(std::bit_cast<uint64_t>(out[i]) == std::bit_cast<uint64_t>(values[start + i]));
    }
  }
}

TEST_CASE("decimals: short decimals and exceptions are restored bit by bit", "[db]") {
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

TEST_CASE("decimals: floats of full precision are not encoded", "[db]") {
  std::mt19937_64 random(6);
  std::uniform_real_distribution<double> uniform(0, 1);
  std::vector<double> values(5000);
  for (double& value : values) value = uniform(random);
  check_decimals(values, false);
}

TEST_CASE("text: blocks are restored, compressed or not", "[db]") {
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
    const AlignedBytes lengths{ByteView(column.lengths)};
    TextReader reader;
    REQUIRE(
        reader.open(column.compression, texts.size(), lengths.view(), column.blocks, column.bytes));
    for (size_t step : {size_t{1}, size_t{7}, size_t{1500}}) {
      std::vector<uint32_t> wanted;
      for (size_t i = 0; i < texts.size(); i += step) wanted.push_back(static_cast<uint32_t>(i));
      std::string room(reader.room(wanted), '\0');
      std::vector<std::string_view> found(wanted.size());
      REQUIRE(reader.read(wanted, room, found));
      for (size_t i = 0; i < wanted.size(); ++i) REQUIRE(found[i] == texts[wanted[i]]);
    }
    if (!compress) continue;
    std::vector<TextBlock> cut = column.blocks;
    --cut[1].stored_size;
    REQUIRE(reader.open(column.compression, texts.size(), lengths.view(), cut, column.bytes));
    const std::vector<uint32_t> wanted{3000};
    std::string room(reader.room(wanted), '\0');
    std::vector<std::string_view> found(1);
    CHECK_FALSE(reader.read(wanted, room, found));
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
