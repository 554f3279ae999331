// Container logs, access logs, expressions and events of several lines, against examples and
// against slow second implementations.
#include <algorithm>
#include <map>
#include <random>
#include <string>
#include <vector>

#include <catch2/catch.hpp>
#include <fmt/format.h>

#include "db/base/ascii.h"
#include "net/parse/access_log.h"
#include "net/parse/container_log.h"
#include "net/parse/event_parser.h"
#include "net/parse/line_pattern.h"
#include "net/parse/multi_line.h"
#include "tests/net/parse/event_text.h"

namespace tocsin {
namespace {

using Strings = std::vector<std::string>;

EventText as(InputFormat format, const std::string& text) {
  return parse_events({format, false}, text, {});
}

std::string auto_rows(const std::string& text, Strings* errors = nullptr) {
  ParseOptions options;
  const FormatGuess guess = guess_format(text, "auto", "f.log", options);
  const auto parsed = parse_events(event_format_of(guess, false, {}), text, options);
  if (errors != nullptr) *errors = parsed.errors;
  return parsed.rows;
}

std::string row_at(const char* text) { return fmt::format("m @{} ", *parse_time(text)); }

std::shared_ptr<const LinePattern> pattern_of(const std::string& text) {
  auto pattern = LinePattern::create(text);
  REQUIRE(pattern);
  return *pattern;
}

std::string cri_line(const std::string& stream, bool partial, const std::string& text) {
  return "2026-11-02T08:15:04Z " + stream + (partial ? " P " : " F ") + text + "\n";
}

// Joins the cut lines of each stream by keeping all of them until the end.
Strings slow_cri_texts(const std::string& text) {
  std::map<std::string, std::string> open;
  Strings texts;
  for (std::string_view rest = text; !rest.empty();) {
    const auto line = read_cri_line(rest.substr(0, rest.find('\n')));
    rest.remove_prefix(rest.find('\n') + 1);
    if (!line) continue;
    std::string& whole = open[std::string(line->stream)];
    whole += line->text;
    if (line->partial) continue;
    if (!whole.empty()) texts.push_back(whole);
    whole.clear();
  }
  for (const auto& [stream, whole] : open) {
    if (!whole.empty()) texts.push_back(whole);
  }
  std::sort(texts.begin(), texts.end());
  return texts;
}

Strings texts_of(const EventFormat& format, const std::string& text) {
  Batch batch(ConflictPolicy::kKeepInRest);
  LineErrors errors;
  ParseOptions options;
  options.measurement = "m";
  std::optional<Timestamp> time;
  EventParser().parse(format, batch.keep(text), options, time, batch, errors);
  Strings texts;
  for (const RowBatch& rows : batch.measurements()) {
    for (const Lane& lane : rows.lanes()) {
      for (size_t i = 0; lane.name == "message" && i < lane.rows.size(); ++i) {
        texts.emplace_back(lane.text_of(i));
      }
    }
  }
  return texts;
}

// The same events must be found however the file is cut into chunks of whole events.
void check_chunks(const EventFormat& format, const std::string& text, std::mt19937& random) {
  const Strings whole = texts_of(format, text);
  Strings chunked;
  std::string rest;
  size_t read = 0;
  while (read < text.size()) {
    const size_t piece = 1 + random() % 200;
    rest += text.substr(read, piece);
    read += std::min(piece, text.size() - read);
    const size_t lines = rest.rfind('\n') + 1;
    const size_t events = whole_events(format, std::string_view(rest).substr(0, lines));
    REQUIRE(events <= lines);
    REQUIRE((events == 0 || rest[events - 1] == '\n'));
    const Strings more = texts_of(format, rest.substr(0, events));
    chunked.insert(chunked.end(), more.begin(), more.end());
    rest.erase(0, events);
  }
  const Strings last = texts_of(format, rest);
  chunked.insert(chunked.end(), last.begin(), last.end());
  REQUIRE(chunked == whole);
}

}  // namespace

TEST_CASE("event formats: the shared cases are recognised and read as people need them", "[net]") {
  CHECK(auto_rows("2026-11-02T08:15:04.250000000Z stdout F {\"level\":\"info\",\"msg\":\"ready\"}\n"
                  "2026-11-02T08:15:05.000000000Z stderr P a long line that \n"
                  "2026-11-02T08:15:05.000000001Z stderr F was cut in two\n") ==
        row_at("2026-11-02T08:15:04.25Z") + "msg='ready' tag:level='info' tag:stream='stdout'\n" +
            row_at("2026-11-02T08:15:05Z") +
            "message='a long line that was cut in two' tag:stream='stderr'");
  CHECK(auto_rows(R"({"log":"{\"level\":\"warn\",\"msg\":\"slow\"}\n","stream":"stdout",)"
                  R"("time":"2026-11-02T08:15:04.250000001Z"})"
                  "\n") == row_at("2026-11-02T08:15:04.250000001Z") +
                               "msg='slow' tag:level='warn' tag:stream='stdout'");
  CHECK(auto_rows("ts=2026-11-02T08:15:04Z level=info msg=\"server started\" port=8080\n"
                  "ts=2026-11-02T08:15:05Z level=error msg=\"bind: address in use\" port=8080\n") ==
        row_at("2026-11-02T08:15:04Z") + "msg='server started' port=8080i tag:level='info'\n" +
            row_at("2026-11-02T08:15:05Z") +
            "msg='bind: address in use' port=8080i tag:level='error'");
  CHECK(auto_rows("2026-11-02 08:15:04,250 ERROR [worker-3] billing: card declined\n"
                  "  at Billing.pay(Billing.java:41)\n"
                  "  at Shop.checkout(Shop.java:17)\n"
                  "2026-11-02 08:15:05,000 INFO [worker-1] billing: took 12 ms\n") ==
        row_at("2026-11-02T08:15:04.25Z") +
            "message='[worker-3] billing: card declined\n  at Billing.pay(Billing.java:41)\n"
            "  at Shop.checkout(Shop.java:17)' tag:level='ERROR'\n" +
            row_at("2026-11-02T08:15:05Z") +
            "message='[worker-1] billing: took 12 ms' tag:level='INFO'");
}

TEST_CASE("container logs: text has its level, JSON and logfmt their values and time", "[net]") {
  const std::string time = row_at("2026-11-02T08:15:04Z");
  const auto row = [](const std::string& text) {
    return as(InputFormat::kCri, cri_line("stdout", false, text)).rows;
  };
  CHECK(row("[main] INFO up") ==
        time + "message='[main] INFO up' tag:level='INFO' tag:stream='stdout'");
  CHECK(row("\x1b[31mERROR\x1b[0m x") ==
        time + "message='ERROR x' tag:level='ERROR' tag:stream='stdout'");
  CHECK(row(R"({"time":"2026-11-02T08:15:00Z","a":{"b":1},"c":"\u00e9"})") ==
        row_at("2026-11-02T08:15:00Z") + "a.b=1i c='\xc3\xa9' tag:stream='stdout'");
  CHECK(row(R"({"stream":"own","n":1,"n":2})") == time + "n=2i stream='own'");
  CHECK(row("{broken") == time + "message='{broken' tag:stream='stdout'");
  CHECK(row("level=warn msg=\"a b\" n=1") ==
        time + "msg='a b' n=1i tag:level='warn' tag:stream='stdout'");
  CHECK(row("x=1") == time + "message='x=1' tag:stream='stdout'");
  CHECK(row("").empty());
  CHECK(
      as(InputFormat::kDocker,
         R"({"log":"a\tb\\n\n","stream":"stderr","attrs":{"tag":"web"},"time":"2026-11-02T08:15:04Z"})")
          .rows == time + "message='a\tb\\n' tag:stream='stderr' tag:tag='web'");
  CHECK(as(InputFormat::kDocker,
           R"({"log":"cut ","stream":"stdout","time":"2026-11-02T08:15:04Z"})"
           "\n"
           R"({"log":"in two\n","stream":"stdout","time":"2026-11-02T08:15:05Z"})"
           "\n")
            .rows == time + "message='cut in two' tag:stream='stdout'");
}

TEST_CASE("container logs: lines of another form are rejected with a reason", "[net]") {
  CHECK(as(InputFormat::kCri, "plain\n" + cri_line("stdout", false, "x")).errors ==
        Strings{"1: not a line of a container's log (CRI): expected `TIME stdout F text`"});
  CHECK(as(InputFormat::kCri, cri_line("stdout", false, "x") + "2026-13-02T08:15:04Z stdout F x\n")
            .errors ==
        Strings{"2: not a line of a container's log: `2026-13-02T08:15:04Z` is not a time"});
  CHECK(as(InputFormat::kDocker, "{\"log\":1}\n").errors.size() == 1);
  for (const char* line :
       {"2026-11-02T08:15:04Z stdout X text", "2026-11-02T08:15:04Z other F text",
        "2026-11-02T08:15:04Z stdout", "2026-11-02T08:15:04Z", ""}) {
    CAPTURE(line);
    CHECK_FALSE(read_cri_line(line));
  }
  CHECK(read_cri_line("2026-11-02T08:15:04Z stdout F")->text.empty());
}

TEST_CASE("container logs: cut lines are joined by stream, and chunks end between events",
          "[net]") {
  const unsigned seed = 3;
  CAPTURE(seed);
  std::mt19937 random(seed);
  for (int round = 0; round < 300; ++round) {
    std::string text;
    for (int i = 0; i < 30; ++i) {
      text += cri_line(random() % 2 ? "stdout" : "stderr", random() % 3 == 0,
                       std::string(random() % 4, 'a' + static_cast<char>(random() % 3)));
      if (random() % 20 == 0) text += "broken line\n";
    }
    Strings texts = texts_of({InputFormat::kCri, false}, text);
    std::sort(texts.begin(), texts.end());
    REQUIRE(texts == slow_cri_texts(text));
    check_chunks({InputFormat::kCri, false}, text, random);
    EventFormat joined{InputFormat::kCri, false};
    joined.multi_line = *MultiLine::by_pattern("^a");
    check_chunks(joined, text, random);
  }
}

TEST_CASE("container logs: an event that stays open ends after kEventBytesMax", "[net]") {
  std::string text;
  while (text.size() < 3 * kEventBytesMax) {
    text += cri_line("stdout", true, std::string(5000, 'x')) + cri_line("stderr", true, "y");
  }
  const EventFormat format{InputFormat::kCri, false};
  const size_t whole = whole_events(format, text);
  CHECK(whole > kEventBytesMax);
  const Strings texts = texts_of(format, text.substr(0, whole));
  CHECK(texts.size() >= 2);
}

TEST_CASE("container logs: with a start, the lines of a stack trace are one event", "[net]") {
  EventFormat format{InputFormat::kDocker, false};
  format.multi_line = *MultiLine::by_pattern("^\\d{4}-");
  const auto line = [](const std::string& text, const std::string& stream) {
    return R"({"log":")" + text + R"(\n","stream":")" + stream +
           R"(","time":"2026-11-02T08:15:04Z"})" + "\n";
  };
  CHECK(texts_of(format, line("2026- a", "stdout") + line("\\tat b", "stdout") +
                             line("2026- c", "stdout") + line("d", "stderr") +
                             line("e", "stdout")) ==
        Strings{"2026- a\n\tat b", "2026- c", "d", "e"});
}

TEST_CASE("container logs: tags of the path", "[net]") {
  using Tags = std::vector<std::pair<std::string, std::string>>;
  const Tags pod = {{"namespace", "shop"}, {"pod", "pay-7f9-x2"}, {"container", "app"}};
  CHECK(container_tags("/var/log/pods/shop_pay-7f9-x2_0b1c/app/0.log") == pod);
  CHECK(container_tags("/var/log/pods/shop_pay-7f9-x2_0b1c/app/0.log.20261102-081504.gz") == pod);
  CHECK(container_tags("/var/log/containers/pay-7f9-x2_shop_app-0b1c.log") == pod);
  CHECK(container_tags("/var/lib/docker/containers/0123456789abcdef/0123456789abcdef-json.log") ==
        Tags{{"container", "0123456789ab"}});
  for (const char* path : {"", "/", "a.log", "/var/log/pods/x/0.log", "/var/log/containers/x.log",
                           "/var/log/pods/a_b/app/0.log", "/srv/containers/a_b.log"}) {
    CAPTURE(path);
    CHECK(container_tags(path).empty());
  }
}

TEST_CASE("access logs: common, combined, and what servers add", "[net]") {
  const std::string time = row_at("2026-11-02T08:15:04Z");
  const auto row = [](const std::string& text) { return as(InputFormat::kAccess, text).rows; };
  CHECK(row(R"(192.0.2.7 - - [02/Nov/2026:09:15:04 +0100] "GET /a?b=c HTTP/1.1" 200 12)") ==
        time +
            "bytes=12i path='/a?b=c' protocol='HTTP/1.1' remote='192.0.2.7' status=200i "
            "tag:method='GET'");
  CHECK(row(R"(::1 x "a b" [02/Nov/2026:08:15:04 +0000] "POST / HTTP/2.0" 204 - "https://x/" )"
            R"("Moz \"q\" \x41\\" 0.125)") ==
        time +
            "ident='x' path='/' protocol='HTTP/2.0' referer='https://x/' remote='::1' "
            "request_time=0.125f status=204i tag:method='POST' user='\"a b\"' "
            "user_agent='Moz \"q\" A\\'");
  CHECK(row(R"(h - - [02/Nov/2026:08:15:04 +0000] "\x16\x03" 400 0 "-" "-" "10.0.0.1" rt=0.1 x)") ==
        time +
            "bytes=0i forwarded_for='10.0.0.1' remote='h' request='\x16\x03' rest='rt=0.1 x' "
            "status=400i");
  CHECK(row(R"(h - - [02/Nov/2026:08:15:04 +0000] "GET /a b" 400 0)") ==
        time + "bytes=0i path='/a b' remote='h' status=400i tag:method='GET'");
  const auto reason = [](const std::string& text) {
    return as(InputFormat::kAccess, text).errors.at(0);
  };
  CHECK(reason("hello") ==
        "1: not a line of an access log: expected `REMOTE IDENT USER [` at byte 6");
  CHECK(reason("h - - [02/Nov/2026 \"GET / HTTP/1.1\" 200 1").find("`]` after the time") !=
        std::string::npos);
  CHECK(reason("h - - [02/Nov/2026:08:15:04 +0000] GET 200 1")
            .find("the request in quotes at byte 36") != std::string::npos);
  CHECK(reason("h - - [02/Nov/2026:08:15:04 +0000] \"GET / HTTP/1.1\" OK 1")
            .find("the status at byte 53") != std::string::npos);
  Strings errors;
  CHECK(auto_rows("h - - [02/Nov/2026:08:15:04 +0000] \"GET / HTTP/1.1\" 200 1\nstarting up\n"
                  "h - - [02/Nov/2026:08:15:04 +0000] \"-\" 408 -\n",
                  &errors) ==
        time + "bytes=1i path='/' protocol='HTTP/1.1' remote='h' status=200i tag:method='GET'\n" +
            time + "message='starting up'\n" + time + "remote='h' status=408i");
  CHECK(errors.empty());
}

TEST_CASE("access logs: an expression finds the same values in random lines", "[net]") {
  const auto pattern = pattern_of(
      R"re(^(?P<remote>\S+) (?P<ident>\S+) (?P<user>[^\[]*) \[(?P<time>[^\]]*)\] "(?P<method>[A-Z]+) (?P<path>\S+) (?P<protocol>HTTP/\S+)" (?P<status>\d+) (?P<bytes>\d+)(?: "(?P<referer>[^"]*)" "(?P<user_agent>[^"]*)")?(?: (?P<request_time>[0-9.]+))?$)re");
  std::mt19937 random(9);
  const auto one_of = [&](const Strings& of) { return of[random() % of.size()]; };
  size_t good = 0;
  for (int round = 0; round < 3000; ++round) {
    std::string line = one_of({"10.0.0.1", "::1", "host"}) + " " + one_of({"-", "x"}) + " " +
                       one_of({"-", "bob", "a b"}) + " [02/Nov/2026:08:15:04 +0000] \"" +
                       one_of({"GET", "POST"}) + " " + one_of({"/", "/a?b", "*"}) + " HTTP/1.1\" " +
                       one_of({"200", "404"}) + " " + one_of({"0", "12345"});
    if (random() % 2)
      line += " \"" + one_of({"-", "https://x"}) + "\" \"" + one_of({"curl/8", "-", "a b"}) + "\"";
    if (random() % 2) line += " " + one_of({"0.5", "12"});
    if (random() % 3 == 0) line[random() % line.size()] = "\"[ -x"[random() % 5];
    CAPTURE(line);
    std::vector<JsonValue> expected, found;
    if (!pattern->read(line, expected)) continue;
    Batch batch;
    if (!read_access_log(line, batch, found).empty()) continue;  // brackets and quotes elsewhere
    ++good;
    std::erase_if(expected,
                  [](const JsonValue& value) { return value.text == "-" || value.text.empty(); });
    REQUIRE(found.size() == expected.size());
    for (size_t i = 0; i < found.size(); ++i) {
      CHECK(found[i].path == expected[i].path);
      CHECK(trimmed(found[i].text) == trimmed(expected[i].text));
      const std::string_view name = found[i].path;
      const bool number = name == "status" || name == "bytes" || name == "request_time";
      CHECK((!number || found[i].kind == expected[i].kind));
    }
  }
  CHECK(good > 1500);
}

TEST_CASE("expressions: named groups are typed columns, other lines are rejected", "[net]") {
  EventFormat format{InputFormat::kRegex, false};
  format.pattern =
      pattern_of(R"(^(?<time>\S+) (?<level>\w+) (?<ms>[\d.]+)?(?: (?P<message>.*))?$)");
  const auto parsed = parse_events(
      format, "2026-11-02T08:15:04Z INFO 12.5 a b\n2026-11-02T08:15:05Z WARN 7\nno\n", {});
  CHECK(parsed.rows == row_at("2026-11-02T08:15:04Z") +
                           "message='a b' ms=12.5f tag:level='INFO'\n" +
                           row_at("2026-11-02T08:15:05Z") + "ms=7i tag:level='WARN'");
  CHECK(parsed.errors == Strings{"3: the line does not match the pattern"});
  format.multi_line = *MultiLine::by_pattern("^2026");
  format.pattern = pattern_of("(?s)^(?P<time>\\S+) (?P<message>.*)");
  CHECK(parse_events(format, "2026-11-02T08:15:04Z a\n at b\n\n at c\n2026-11-02T08:15:05Z d\n", {})
            .rows == row_at("2026-11-02T08:15:04Z") + "message='a\n at b\n\n at c'\n" +
                         row_at("2026-11-02T08:15:05Z") + "message='d'");
  const auto wrong = [](const std::string& text) {
    return LinePattern::create(text).error().message;
  };
  CHECK(wrong("(a").find("`(a` is not a valid regular expression") == 0);
  CHECK(wrong("(a)b") == "`(a)b` has no named groups; each `(?P<name>...)` becomes a column");
  CHECK(read_event_settings({}, "regex").error().message.find("needs a pattern") !=
        std::string::npos);
  EventSettings settings;
  settings.pattern = "(?P<a>.)";
  CHECK(read_event_settings(settings, "text").error().message ==
        "a pattern is only used with the format `regex`");
  settings.pattern.clear();
  settings.start = "^x";
  CHECK(read_event_settings(settings, "auto"));
  CHECK(read_event_settings(settings, "json").error().message.find("not with json") !=
        std::string::npos);
}

TEST_CASE("expressions: the fast path finds what RE2 finds", "[net]") {
  const unsigned seed = 21;
  CAPTURE(seed);
  std::mt19937 random(seed);
  const Strings atoms = {"a",  "b",   "\\d",    "\\w", "\\S", "\\s", "[^\"]", "[a-c]", "[^ ]", " ",
                         "\"", "\\[", "[\\d.]", ".",   "-",   ":",   "\\]",   "[]x]",  "\\W"};
  const Strings texts = {"a", "b", "c", "1", "23", " ", "\"", "[",
                         "]", "-", ":", ".", "_",  "x", "é"};
  size_t linear = 0, matched = 0;
  for (int round = 0; round < 20'000; ++round) {
    std::string pattern = "^";
    const unsigned groups = 1 + random() % 3;
    for (unsigned g = 0; g < groups; ++g) {
      const auto some = [&] {
        for (unsigned n = 1 + random() % 2; n > 0; --n) {
          pattern += atoms[random() % atoms.size()];
          if (random() % 2) pattern += "+*"[random() % 2];
        }
      };
      pattern += "(?P<g" + std::to_string(g) + ">";
      some();
      pattern += ")";
      if (random() % 2) some();
    }
    if (random() % 2) pattern += "$";
    const auto made = LinePattern::create(pattern);
    REQUIRE(made);
    if (!(*made)->is_linear()) continue;
    ++linear;
    for (int n = 0; n < 10; ++n) {
      std::string line;
      for (unsigned k = random() % 10; k > 0; --k) line += texts[random() % texts.size()];
      if (random() % 9 == 0) line += "\n";
      std::vector<std::string_view> fast, slow;
      const bool found = (*made)->match(line, fast);
      CAPTURE(pattern, line);
      REQUIRE(found == (*made)->match(line, slow, false));
      if (found) REQUIRE(fast == slow);
      matched += found ? 1 : 0;
    }
  }
  CHECK(linear > 2000);
  CHECK(matched > 2000);
  CHECK(
      pattern_of(
          R"re(^(?P<remote>\S+) \S+ (?P<user>\S+) \[(?P<time>[^\]]+)\] "(?P<m>\w+) (?P<p>[^" ]+) [^"]*" (?P<s>\d+) (?P<b>\d+)$)re")
          ->is_linear());
  for (const char* pattern :
       {"(?P<a>.*)b", "^(?P<a>.*)b", "^(?P<a>\\w+)\\d", "^(?P<a>a|b)", "^(?i)(?P<a>a)",
        "^(?P<a>a)?", "^(?P<a>a{2})", "^(a)(?P<b>c)", "^(?P<a>(?P<b>a))", "^(?P<a>)"}) {
    CAPTURE(pattern);
    CHECK_FALSE(pattern_of(pattern)->is_linear());
  }
}

TEST_CASE("multi-line: chunks end between events, whatever is in them", "[net]") {
  const unsigned seed = 31;
  CAPTURE(seed);
  std::mt19937 random(seed);
  const Strings lines = {"2026-11-02 08:15:04 INFO a",
                         "  at b",
                         "Caused by: c",
                         "",
                         "\tat d",
                         "{\"time\":\"2026-11-02T08:15:04Z\",\"message\":\"j\"}",
                         "loose"};
  for (int round = 0; round < 300; ++round) {
    std::string text;
    for (unsigned n = random() % 40; n > 0; --n) text += lines[random() % lines.size()] + "\n";
    for (const bool recognised : {false, true}) {
      EventFormat format{InputFormat::kText, recognised};
      format.multi_line = MultiLine::by_time();
      check_chunks(format, text, random);
      format.multi_line = *MultiLine::by_pattern("^2026", 1 + random() % 4);
      check_chunks(format, text, random);
    }
  }
}

TEST_CASE("multi-line: events have limits of lines and bytes", "[net]") {
  EventFormat format{InputFormat::kText, false};
  format.multi_line = *MultiLine::by_pattern("^x", 3);
  CHECK(texts_of(format, "x\na\nb\nc\nd\ne\nf\n") == Strings{"x\na\nb", "c\nd\ne", "f"});
  format.multi_line = *MultiLine::by_pattern("^x", 1'000'000);
  std::string text = "x\n";
  while (text.size() < 2 * kEventBytesMax) text += "0123456789\n";
  const Strings texts = texts_of(format, text);
  REQUIRE(texts.size() == 3);
  CHECK(texts[0].size() <= kEventBytesMax);
  CHECK(texts[0].size() > kEventBytesMax - 20);
}

TEST_CASE("multi-line: text is joined only if its first line has a time, at one place", "[net]") {
  const auto joins = [](const std::string& text) {
    return guess_format(text, "auto", "f.log", {}).joins_lines &&
           guess_format(text, "text", "f.log", {}).joins_lines;
  };
  CHECK(joins("2026-11-02 08:15:04 a\n  at b\n"));
  CHECK(joins("INFO 2026-11-02 08:15:04 a\nCaused by: b\nERROR 2026-11-02 08:15:05 c\n"));
  CHECK(joins("2026-11-02 08:15:04 a\nb c d\n"));
  CHECK_FALSE(joins("2026-11-02 08:15:04 a\nb c d\ne f g\n"));
  CHECK_FALSE(joins("banner of it\n2026-11-02 08:15:04 a\n"));
  CHECK_FALSE(joins("2026-11-02 08:15:04 a\nINFO 2026-11-02 08:15:04 a\n"));
  CHECK_FALSE(joins("no time at all\n  here\n"));
}

}  // namespace tocsin
