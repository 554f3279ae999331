// Blocks of NUL bytes in every text format.
#include "net/parse/nul_blocks.h"

#include <catch2/catch.hpp>

#include "net/parse/csv_rows.h"
#include "net/parse/framer.h"
#include "net/parse/json_lines.h"
#include "net/parse/line_protocol.h"
#include "tests/support/batch_text.h"

namespace tocsin {
namespace {

const std::string kNuls(500, '\0');

struct Parsed {
  Batch batch;
  LineErrors errors;
  std::string rows() const { return batch_text(batch); }
  std::string reasons() const {
    std::string out;
    for (const LineError& error : errors) {
      out +=
          std::to_string(error.line) + ": " + error.reason + " <" + std::string(error.text) + ">\n";
    }
    return out;
  }
};

ParseOptions options() {
  ParseOptions options;
  options.now = 7;
  options.measurement = "m";
  return options;
}

Parsed lines_with_nuls(const std::string& text) {
  Parsed out;
  parse_line_protocol(out.batch.keep(text), options(), out.batch, out.errors);
  return out;
}

Parsed json_with_nuls(const std::string& text) {
  Parsed out;
  JsonLinesParser().parse(out.batch.keep(text), options(), out.batch, out.errors);
  return out;
}

TEST_CASE("nul blocks: the line after the block is stored", "[net]") {
  CHECK(json_with_nuls("{\"n\":1}\n" + kNuls + "{\"n\":2}\n").rows() == "m @7 n=1i\nm @7 n=2i");
  CHECK(lines_with_nuls("m n=1i 1\n" + kNuls + "m n=2i 2\n").rows() == "m @1 n=1i\nm @2 n=2i");
  CHECK(lines_with_nuls(kNuls + "# comment\n" + kNuls + "\nm n=2i 2").rows() == "m @2 n=2i");
  CHECK(json_with_nuls("{\"n\":1}\n" + kNuls).reasons().empty());
  std::string csv = "time,n\n1,1\n" + kNuls + "2,2\n";
  std::string_view records = csv;
  const auto header = read_csv_header(records);
  REQUIRE(header);
  Parsed out;
  parse_csv(out.batch.keep(std::string(records)), *header, options(), out.batch, out.errors);
  CHECK(out.errors.empty());
  CHECK(out.batch.row_count() == 2);
}

TEST_CASE("nul blocks: of a torn line only that line is rejected", "[net]") {
  Parsed json = json_with_nuls("{\"n\":1}\n{\"n\":" + kNuls + "{\"n\":2}\n{\"n\":3}\n");
  CHECK(json.rows() == "m @7 n=1i\nm @7 n=2i\nm @7 n=3i");
  CHECK(json.reasons().starts_with("2: invalid JSON: the line ends before a value"));
  CHECK(json.reasons().ends_with("<{\"n\":>\n"));
  Parsed lp = lines_with_nuls("m n=" + kNuls + "m n=2i 2\nm n=3i 3\n");
  CHECK(lp.rows() == "m @2 n=2i\nm @3 n=3i");
  CHECK(lp.errors.size() == 1);
}

TEST_CASE("nul blocks: whole lines on both sides are stored", "[net]") {
  CHECK(json_with_nuls("{\"n\":1}" + kNuls + "{\"n\":2}" + "\n").rows() == "m @7 n=1i\nm @7 n=2i");
  CHECK(json_with_nuls("{\"n\":1}" + kNuls).rows() == "m @7 n=1i");
}

TEST_CASE("nul blocks: a value may contain NUL bytes", "[net]") {
  const std::string line("m s=\"a\0b\" 1", 11);
  const Parsed lp = lines_with_nuls(line + "\n");
  CHECK(lp.errors.empty());
  REQUIRE(lp.batch.row_count() == 1);
  CHECK(lp.batch.measurements().front().lanes()[0].text_of(0) == std::string("a\0b", 3));
}

TEST_CASE("nul blocks: text with many NUL bytes is one rejected line", "[net]") {
  const std::string utf16("{\0\"\0a\0\"\0:\0001\0}\0", 14);
  const Parsed json = json_with_nuls(utf16 + "\n");
  CHECK(json.rows().empty());
  CHECK(json.errors.size() == 1);
}

TEST_CASE("nul blocks: they do not hide the format of a line, or its quotes", "[net]") {
  CHECK(format_of_line(kNuls + "{\"a\":1}") == LineFormat::kJson);
  CHECK(format_of_line(kNuls + "m n=1") == LineFormat::kLineProtocol);
  const std::string text = kNuls + "{\"a\":\"x y=\\\"z\"}\n{\"a\":2}\n";
  CHECK(whole_lines(text, false) == text.size());
}

TEST_CASE("nul blocks: a line with the block longer than the limit is split as well", "[net]") {
  const std::string block(kLineBytesMax, '\0');
  CHECK(json_with_nuls("{\"n\":1}" + block + "{\"n\":2}\n").rows() == "m @7 n=1i\nm @7 n=2i");
  CHECK(lines_with_nuls("m n=1i 1" + block + "m n=2i 2\n").rows() == "m @1 n=1i\nm @2 n=2i");
}

}  // namespace
}  // namespace tocsin
