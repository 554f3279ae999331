#include "net/parse/syslog_frames.h"

#include <random>
#include <regex>
#include <vector>

#include <catch2/catch.hpp>

namespace tocsin {
namespace {

using Kind = SyslogFrame::Kind;

std::vector<std::string> frames_of(std::string_view body) {
  std::vector<std::string> out;
  while (const auto frame = next_frame(body)) {
    out.push_back(std::string(1, static_cast<char>(frame->kind)) + ":" + std::string(frame->text));
  }
  REQUIRE(body.empty());
  return out;
}

std::vector<std::string> frame(const std::vector<std::string>& pieces, bool clean = true) {
  SyslogFramer framer;
  std::string body;
  for (const std::string& piece : pieces) framer.add(piece, body);
  framer.end(clean, body);
  return frames_of(body);
}

using Frames = std::vector<std::string>;

TEST_CASE("syslog frames: lengths and newlines are told apart for each message", "[net]") {
  CHECK(frame({"<1>a\n<2>b\r\n5 <3>cd<4>e\n\n4 <5>f\n4 <6>g"}) ==
        Frames{"m:<1>a", "m:<2>b\r", "m:<3>cd", "m:<4>e", "m:<5>f", "m:<6>g"});
  CHECK(frame({"9 <1>two\nl\n"}) == Frames{"m:<1>two\nl\n"});
  CHECK(frame({std::string("<1>a\0<2>b", 9)}) == Frames{"m:<1>a", "m:<2>b"});
  CHECK(frame({"no priority\n12 monkeys\n012 <3>\n"}) ==
        Frames{"m:no priority", "m:12 monkeys", "m:012 <3>"});
}

TEST_CASE("syslog frames: after a wrong length, nothing is lost silently", "[net]") {
  // Too small: the rest is no message.
  CHECK(frame({"5 <1>hello world\n<2>b\n"}) == Frames{"m:<1>he", "s:llo world", "m:<2>b"});
  CHECK(frame({"5 <1>hello6 <2>abc"}) == Frames{"m:<1>he", "s:llo", "m:<2>abc"});
  CHECK(frame({"5 <1>hello 12345 <2>abc\n"}, false) == Frames{"m:<1>he", "s:llo ", "c:<2>abc\n"});
  // Too large: it ends in another message.
  CHECK(frame({"13 <1>a6 <2>bcd6 <3>xyz"}) == Frames{"m:<1>a6 <2>bcd6", "s: <3>xyz"});
  CHECK(frame({"99 <1>a"}) == Frames{"c:<1>a"});
  CHECK(frame({"1048577 <1>a\n<2>b\n"}) == Frames{"w:1048577 <1>a", "m:<2>b"});
  CHECK(frame({"99999999 <1>a6 <2>bcd"}) == Frames{"w:99999999 <1>a", "m:<2>bcd"});
}

TEST_CASE("syslog frames: a message has kSyslogMessageBytesMax bytes at most", "[net]") {
  const std::string text = "<1>" + std::string(kSyslogMessageBytesMax - 3, 'x');
  const std::string size = std::to_string(text.size());
  const std::string more = std::to_string(text.size() + 9);
  CHECK(frame({text + "\n<2>b\n"}) == Frames{"m:" + text, "m:<2>b"});
  CHECK(frame({size + " " + text + "<2>b\n"}) == Frames{"m:" + text, "m:<2>b"});
  CHECK(frame({text + "yz\n<2>b\n"}) == Frames{"l:" + text + "y", "m:<2>b"});
  CHECK(frame({more + " " + text + "yz       <2>b\n"}) == Frames{"l:" + text + "y", "m:<2>b"});
}

TEST_CASE("syslog frames: what a broken connection cuts off is no message", "[net]") {
  CHECK(frame({"<1>a\n<2>b"}, true) == Frames{"m:<1>a", "m:<2>b"});
  CHECK(frame({"<1>a\n<2>b"}, false) == Frames{"m:<1>a", "c:<2>b"});
  CHECK(frame({"12"}, true) == Frames{"m:12"});
  CHECK(frame({"12 "}, false) == Frames{"c:12 "});
}

// The same, with the whole stream at hand.
Frames slow_frames(std::string text, bool clean) {
  static const std::regex head("[1-9][0-9]{0,9} <");
  static const std::regex sure("(^|[^0-9])([1-9][0-9]{0,9} <[0-9]{1,3}>)");
  Frames out;
  const auto add = [&](char kind, const std::string& frame) {
    if (frame.find_first_not_of(std::string(" \r\n\0", 4)) == frame.npos) return;
    const bool long_one = kind == 'm' && frame.size() > kSyslogMessageBytesMax;
    out.push_back(std::string(1, long_one ? 'l' : kind) + ":" +
                  frame.substr(0, kSyslogMessageBytesMax + 1));
  };
  const auto line_end = [&] { return text.find_first_of(std::string("\n\0", 2)); };
  bool after_counted = false;
  while (!text.empty()) {
    if (std::string("\r\n\0", 3).find(text[0]) != std::string::npos) {
      text.erase(0, 1);
      continue;
    }
    std::smatch match;
    const bool counted =
        std::regex_search(text, match, head, std::regex_constants::match_continuous);
    const uint64_t length = counted ? std::stoull(text) : 0;
    if (counted && length <= kSyslogSkippedBytesMax) {
      text.erase(0, static_cast<size_t>(match.length()) - 1);
      add(text.size() < length ? 'c' : 'm', text.substr(0, length));
      text.erase(0, length);
      after_counted = true;
      continue;
    }
    if (!counted && (text[0] == '<' || !after_counted)) {
      const size_t end = line_end();
      add(end == text.npos && !clean ? 'c' : 'm', text.substr(0, end));
      text.erase(0, end == text.npos ? end : end + 1);
      after_counted = false;
      continue;
    }
    size_t end = std::min(line_end(), text.size());
    const size_t from = counted ? text.find(' ') + 1 : 0;
    const std::string rest = text.substr(from);
    if (std::regex_search(rest, match, sure))
      end = std::min(end, from + static_cast<size_t>(match.position(2)));
    add(counted ? 'w' : 's', text.substr(0, end));
    text.erase(0, end);
    after_counted = false;
  }
  return out;
}

TEST_CASE("syslog frames: random streams in pieces have the frames of the whole stream", "[net]") {
  const unsigned seed = 8;
  CAPTURE(seed);
  std::mt19937 random(seed);
  const std::vector<std::string> parts = {
      "<1>a\n", "<13>bcd", "6 <2>xyz", "5 <3>hello",         "9 <4>",  "12",
      " ",      "7",       "\n",       std::string(1, '\0'), "\r\n",   "99999999 <5>",
      "text",   "<",       "3>",       "12345678901 <6>",    "01 <1>", "x1 <2>y"};
  for (int round = 0; round < 20'000; ++round) {
    std::string stream;
    for (size_t n = random() % 8; n > 0; --n) stream += parts[random() % parts.size()];
    std::vector<std::string> pieces;
    for (size_t at = 0; at < stream.size();) {
      const size_t size = 1 + random() % 6;
      pieces.push_back(stream.substr(at, size));
      at += size;
    }
    const bool clean = random() % 2 == 0;
    CAPTURE(stream, clean);
    const Frames expected = slow_frames(stream, clean);
    CHECK(frame({stream}, clean) == expected);
    CHECK(frame(pieces, clean) == expected);
  }
}

}  // namespace
}  // namespace tocsin
