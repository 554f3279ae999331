// Compares the fast path of line protocol with the general parser: the same rows, lanes, lines and
// errors.
#include "net/parse/plain_lines.h"

#include <random>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "db/limits.h"
#include "net/parse/framer.h"
#include "net/parse/line_protocol.h"
#include "tests/support/batch_text.h"

namespace tocsin {
namespace {

std::string lines_image(const std::string& text, bool guess_shapes, int64_t time_unit = 1) {
  ParseOptions options;
  options.now = 7;
  options.time_unit = time_unit;
  options.guess_shapes = guess_shapes;
  Batch batch;
  LineErrors errors;
  parse_line_protocol(batch.keep(text), options, batch, errors);
  std::string image = batch_image(batch);
  for (const LineError& error : errors) {
    image += fmt::format("{}: {}: {}\n", error.line, error.reason, error.text);
  }
  const LineWarnings::Entry& odd = errors.warnings()[LineWarning::kOddKey];
  image += fmt::format("odd keys: {} {}\n", odd.count, odd.first);
  return image;
}

// The number of bytes of `text` that the fast path consumes.
size_t bytes_consumed(std::string_view text) {
  const ParseOptions options;
  Batch batch;
  PlainLines plain(text, options, batch);
  std::string_view rest = text;
  plain.consume(rest);
  return text.size() - rest.size();
}

}  // namespace

TEST_CASE("plain lines: lines like the previous one are consumed, the rest is left", "[net]") {
  const auto all = [](std::string_view text) { return bytes_consumed(text) == text.size(); };
  CHECK(all("m,a=b,c=d f=1,g=2i,h=\"x y\",i=t,j=3u,k=-0.5 1700000000000000000\n"));
  CHECK(all("m f=1\nm f=2i\nm f=\"s\"\nm f=t\n"));
  CHECK(all("m f=1\r\nn f=1 5\r\n"));
  CHECK(all("m f=1,g=2\nm g=2,f=1\nm f=1\nm f=1,g=\"a\"\nm f=2i,g=3\n"));
  CHECK(bytes_consumed("m f=1\nm f=1,f=2\nm f=1\n") == 6);
  CHECK(bytes_consumed("m f=1\nm f=1,g=2,f=3\nm f=1\n") == 6);
  CHECK(bytes_consumed("m f=1\nm,a=b,a=c f=1\nm f=1\n") == 6);
  CHECK(all("m f=1.,g=-0,h=00012.500\n"));
  CHECK(bytes_consumed("m f=1\nm f=1\\\nm f=1\n") == 6);
  CHECK(bytes_consumed("m f=1\nm f=\"a\nb\"\n") == 6);
  CHECK(bytes_consumed("m f=1\n# comment\n") == 6);
  CHECK(bytes_consumed("m f=1\n{\"a\":1}\n") == 6);
  CHECK(bytes_consumed("m f=1\nm f=1") == 6);
  for (const char* left : {"",
                           "\n",
                           "m\n",
                           "m \n",
                           "m,\n",
                           "m f\n",
                           "m f=\n",
                           "m f=1,\n",
                           "m f=1 x\n",
                           "m f=1 5 \n",
                           "m  f=1\n",
                           "m \tf=1\n",
                           "m \t=1\n",
                           " m f=1\n",
                           "m,a= f=1\n",
                           "m,a=b=c f=1\n",
                           "m f=1e5\n",
                           "m f=+1\n",
                           "m f=.5\n",
                           "m f=--1\n",
                           "m f=1-\n",
                           "m f=-1u\n",
                           "m f=nan\n",
                           "m f=\"a\"b\n",
                           "m f=\"a\n",
                           "m _=t\n",
                           "m f=1 99999999999999999999\n",
                           "m f=9999999999999999999\n"}) {
    INFO(left);
    CHECK(bytes_consumed(left) == 0);
  }
}

TEST_CASE("plain lines: names and strings at their limits", "[net]") {
  for (const size_t more : {0, 1}) {
    const std::string name(kNameBytesMax + more, 'n');
    const std::string value(kStringBytesMax + more, 'v');
    for (const std::string& line : {name + " f=1\n", "m," + name + "=x f=1\n", "m " + name + "=1\n",
                                    "m,a=" + value + " f=1\n", "m f=\"" + value + "\"\n"}) {
      CHECK((bytes_consumed(line) == line.size()) == (more == 0));
      CHECK(lines_image(line, true) == lines_image(line, false));
    }
  }
}

TEST_CASE("plain lines: many measurements and changing keys yield the same rows", "[net]") {
  std::string text;
  for (int i = 0; i < 400; ++i) {
    text += fmt::format("m{},a=x{} f{}={},g={}i {}\n", i % 23, i % 7, i % 3, i * 0.25, i, i);
  }
  CHECK(bytes_consumed(text) == text.size());
  CHECK(lines_image(text, true) == lines_image(text, false));
}

TEST_CASE("plain lines: changed lines yield the same rows and errors as the general parser",
          "[net]") {
  const std::vector<std::string> corpus = {
      "audit,service=svc-01,host=h duration_ms=165.80,bytes=2571i,event=\"START\",message=\"a 1, "
      "b=2\" 1793577600046456169\n",
      "audit,service=svc-02,host=h2 duration_ms=-1.5e3,bytes=99u,ok=true,message=\"\" "
      "17935776000\r\n",
      "bpm,service=svc-01 a=1,b=2,c=3\nbpm,service=svc-01 a=1,c=3,b=2 5\n",
      "m\\ x,t\\,=v\\=w k\\ =1e5,l=18446744073709551615u\r\n# comment \"\n\n",
      "m,a=b,a=c f=1,g=2,f=3 5\nm,a=b f=1,g=2 5\n",
      "m f=\"a\nb\\\"c\\\\\" 5\nm f=\"open\nm f=1\n",
      "m f=123456789012345678,g=9007199254740993,h=0.1234567890123456789,i=-9223372036854775808i\n",
  };
  const unsigned seed = 11;
  CAPTURE(seed);
  std::mt19937 random(seed);
  const std::string_view spice("\"\\\n\r\t ,=-.+{#0919iutTe\xff\0", 25);
  for (int round = 0; round < 4000; ++round) {
    std::string text;
    for (unsigned lines = 1 + random() % 4; lines > 0; --lines)
      text += corpus[random() % corpus.size()];
    change_text(random, spice, text);
    const int64_t unit = round % 3 == 0 ? 0 : 1;
    const std::string general = lines_image(text, false, unit);
    if (lines_image(text, true, unit) == general) continue;
    INFO(text);
    CHECK(lines_image(text, true, unit) == general);
  }
}

}  // namespace tocsin
