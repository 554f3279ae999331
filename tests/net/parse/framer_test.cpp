// Splitting a byte stream into lines.
#include "net/parse/framer.h"

#include <string>
#include <vector>

#include <catch2/catch.hpp>

namespace tocsin {
namespace {

std::vector<std::string> lines_of(std::string_view data) {
  std::vector<std::string> lines;
  while (!data.empty()) lines.emplace_back(next_line(data));
  return lines;
}

using Lines = std::vector<std::string>;

TEST_CASE("framer: lines end at newlines, and a carriage return before one is dropped", "[net]") {
  CHECK(lines_of("") == Lines{});
  CHECK(lines_of("a") == Lines{"a"});
  CHECK(lines_of("a\nb\n") == Lines{"a", "b"});
  CHECK(lines_of("a\r\nb\r\n") == Lines{"a", "b"});
  CHECK(lines_of("\n\na\n") == Lines{"", "", "a"});
  CHECK(lines_of("  \n{\"a\": 1}\n") == Lines{"  ", "{\"a\": 1}"});
}

TEST_CASE("framer: a newline inside a quoted field value belongs to the line", "[net]") {
  CHECK(lines_of("m,t=1 f=\"a\nb\" 1\nn f=1\n") == Lines{"m,t=1 f=\"a\nb\" 1", "n f=1"});
  CHECK(lines_of("m f=\"a\n\n\nb\",g=\"\n\" 1\nn f=1\n") ==
        Lines{"m f=\"a\n\n\nb\",g=\"\n\" 1", "n f=1"});
  CHECK(lines_of("m f=\"a \\\" \\\\\" 1\nn f=1") == Lines{"m f=\"a \\\" \\\\\" 1", "n f=1"});
  CHECK(lines_of("m f=\"a\n\"\nn f=1") == Lines{"m f=\"a\n\"", "n f=1"});
}

TEST_CASE("framer: a quote that does not open a field value ends with its line", "[net]") {
  CHECK(lines_of("# it's \"open\nm f=1") == Lines{"# it's \"open", "m f=1"});
  CHECK(lines_of("m,t=\"x f=1\nm f=1") == Lines{"m,t=\"x f=1", "m f=1"});
  CHECK(lines_of("m\\ n=\"x\nm f=1") == Lines{"m\\ n=\"x", "m f=1"});
  CHECK(lines_of("m f\\=\"x\nm f=1") == Lines{"m f\\=\"x", "m f=1"});
  CHECK(lines_of("m f=1\"\nm f=1") == Lines{"m f=1\"", "m f=1"});
  CHECK(lines_of("{\"a\": \" f=\"\nm f=1") == Lines{"{\"a\": \" f=\"", "m f=1"});
}

TEST_CASE("framer: a broken quote costs only its own line", "[net]") {
  CHECK(lines_of("m f=\"open\nm f=1\nm f=2") == Lines{"m f=\"open", "m f=1", "m f=2"});
  CHECK(lines_of("m f=\"open\nm g=\"fine\"\nm f=2") ==
        Lines{"m f=\"open", "m g=\"fine\"", "m f=2"});
  CHECK(lines_of("m f=\"he said \"no\"\" 1\nm f=2") == Lines{"m f=\"he said \"no\"\" 1", "m f=2"});
}

TEST_CASE("framer: a quote that holds lines back can be given up", "[net]") {
  const auto given_up = [](std::string_view data) {
    StreamFramer framer;
    REQUIRE(framer.whole_lines(data) == 0);
    const size_t size = framer.give_up_quote();
    const size_t rest = framer.whole_lines(data.substr(size));
    return std::pair(size, size == 0 ? 0 : rest);
  };
  using Sizes = std::pair<size_t, size_t>;
  CHECK(given_up("m f=\"open\nm f=1\nm f=2\nm") == Sizes(10, 12));
  CHECK(given_up("m f=\"a\nb\",g=\"open\nm f=1\n") == Sizes(7, 17));
  CHECK(given_up("m f=\"open") == Sizes(0, 0));
  CHECK(given_up("m f=\"a\nb\"") == Sizes(0, 0));
  CHECK(given_up("m f=\"a\nb\",g=1") == Sizes(0, 0));
  CHECK(given_up("") == Sizes(0, 0));
}

TEST_CASE("framer: incomplete lines are not whole", "[net]") {
  const auto whole = [](std::string_view data) { return whole_lines(data, false); };
  CHECK(whole("") == 0);
  CHECK(whole("abc") == 0);
  CHECK(whole("abc\n") == 4);
  CHECK(whole("abc\ndef") == 4);
  CHECK(whole("m f=\"a\nb") == 0);
  CHECK(whole("m f=\"a\nb\"") == 0);
  CHECK(whole("m f=\"a\nb\"\n") == 10);
  CHECK(whole("m f=\"a\nb\\") == 0);
  CHECK(whole("m f=\"a\nb\"x") == 7);
  CHECK(whole_lines("abc\ndef", true) == 7);
}

TEST_CASE("framer: a quote that stays open for more than kLineBytesMax is broken", "[net]") {
  const std::string open = "m f=\"x\n" + std::string(kLineBytesMax - 8, 'y');
  CHECK(whole_lines(open, false) == 0);
  CHECK(whole_lines(open + "zz", false) == 7);
  std::string no_newline = "m f=\"" + std::string(kLineBytesMax, 'y');
  CHECK(whole_lines(no_newline, false) == 0);
  no_newline += "\nm f=1\n";
  CHECK(whole_lines(no_newline, false) == no_newline.size());
}

TEST_CASE("framer: a stream in pieces yields the same lines as the whole", "[net]") {
  const std::string data =
      "m,t=a f=\"x\ny\\\" \\\\\",g=1i 1\n# c \"\n\n{\"a\":\"b\\n\"}\nm\\ x f=\"q\" \nm f=\"z\n\n\" "
      "3\n";
  for (size_t piece = 1; piece <= data.size(); ++piece) {
    StreamFramer framer;
    std::string pending;
    Lines lines;
    for (size_t i = 0; i < data.size(); i += piece) {
      pending += data.substr(i, piece);
      const size_t whole = framer.whole_lines(pending);
      for (const auto& line : lines_of(std::string_view(pending).substr(0, whole))) {
        lines.push_back(line);
      }
      pending.erase(0, whole);
    }
    CAPTURE(piece);
    CHECK(pending.empty());
    CHECK(lines == lines_of(data));
  }
}

TEST_CASE("framer: a brace begins JSON", "[net]") {
  CHECK(format_of_line("{}") == LineFormat::kJson);
  CHECK(format_of_line(" \t{}") == LineFormat::kJson);
  CHECK(format_of_line("m f=1") == LineFormat::kLineProtocol);
  CHECK(format_of_line("") == LineFormat::kLineProtocol);
}

}  // namespace
}  // namespace tocsin
