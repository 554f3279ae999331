// Recognising what a file holds, and cutting JSON documents into events.
#include "net/parse/input_format.h"

#include <catch2/catch.hpp>

#include "net/parse/json_documents.h"
#include "net/parse/line_runs.h"
#include "net/parse/odd_names.h"

namespace tocsin {
namespace {

using Format = InputFormat;
using std::string_view_literals::operator""sv;

FormatGuess guess(std::string_view text, std::string_view path = "x/file",
                  std::string_view name = "auto") {
  return guess_format(text, name, path, ParseOptions());
}

std::string events_of(std::string_view json, const std::string& key = "", size_t piece = 1000) {
  JsonDocuments documents(key);
  std::string out;
  for (size_t at = 0; at < json.size(); at += piece) documents.add(json.substr(at, piece), out);
  documents.finish(out);
  return out;
}

}  // namespace

TEST_CASE("input format: line protocol, JSON and text are told apart by most of their lines",
          "[net]") {
  CHECK(guess("audit n=1i\n").format == Format::kLineProtocol);
  CHECK(guess("# comment\n\naudit,service=pay n=1i 1764000000000000000\n").format ==
        Format::kLineProtocol);
  CHECK(guess("").format == Format::kLineProtocol);
  CHECK(guess("audit n=1i\nbroken\naudit n=2i\naudit m=\"a\nb c d\"\n").format ==
        Format::kLineProtocol);
  CHECK(guess("\n  {\"n\":1}\n").format == Format::kJson);
  CHECK(guess("listening on 80\n{\"n\":1}\n{\"n\":2}\n").format == Format::kJson);
  for (const char* text :
       {"2026-11-02 08:15:04,250 ERROR [w] pay: declined\n  at A\n",
        "2026-11-02T08:15:00Z took_ms=0\n", "\x1b[2m2026-11-02T08:15:00Z\x1b[0m took_ms=0\n",
        "[2026-11-02 08:15:04] up, running\n", "1793607304 took_ms=1\n", "hello world again\n",
        "Nov  2 08:15:04 web1 sshd[1]: a, b\n", "[INFO] x, y\n",
        "<34>1 2026-11-02T08:15:04Z h a - - x\n"}) {
    CAPTURE(text);
    CHECK(guess(text).format == Format::kText);
    CHECK(guess(text).other_lines == Format::kText);
  }
  for (const char* text :
       {"level=info msg=\"x\"\n", "ts=2026-11-02T08:15:04Z level=info port=8080\n",
        "ts=2026-11-02T08:15:04Z msg=\"a b\" n=1\npanic: x\nlevel=warn a=b\n"}) {
    CAPTURE(text);
    CHECK(guess(text).format == Format::kLogfmt);
    CHECK(guess(text).other_lines == Format::kLogfmt);
  }
  CHECK(guess("192.0.2.7 - - [02/Nov/2026:09:15:04 +0100] \"GET / HTTP/1.1\" 200 12\n").format ==
        Format::kAccess);
  CHECK(guess("2026-11-02T08:15:04.25Z stdout F {\"n\":1}\n").other_lines == Format::kCri);
  CHECK(guess(R"({"log":"x\n","stream":"stdout","time":"2026-11-02T08:15:04Z"})").other_lines ==
        Format::kDocker);
  // A measurement that looks like a time is accepted from an export, which has timestamps.
  CHECK(guess("2026-11-02 n=1i 1764000000000000000\n").format == Format::kLineProtocol);
}

TEST_CASE("input format: an unfinished first line decides if there is no other", "[net]") {
  const auto other_lines = [](const std::string& text) {
    ParseOptions options;
    options.more_follows = true;
    return guess_format(text, "auto", "x/file", options).other_lines;
  };
  const std::string long_text(100'000, 'x');
  for (const std::string& text :
       std::vector<std::string>{"m s=\"a\nb c\nd e\n", "m s=\"" + long_text, "m a=1,b", "m s=\"a\\",
                                "audit n=1i\naudit s=\"a\nb c\nd e\n"}) {
    CAPTURE(text.substr(0, 100));
    CHECK(other_lines(text) == Format::kLineProtocol);
  }
  for (const std::string& text :
       std::vector<std::string>{"2026-11-02 08:15:04 " + long_text,
                                "2026-11-02 08:15:04 msg=\"a\nb c\n", "up again\nm s=\"a\n"}) {
    CAPTURE(text.substr(0, 100));
    CHECK(other_lines(text) == Format::kText);
  }
  CHECK(guess("m s=\"" + long_text).format == Format::kLineProtocol);
  CHECK(guess("m s=\"a\nb c\nd e\n").format == Format::kText);  // nothing follows
}

TEST_CASE("input format: the extension of line protocol decides, also of a rotated file", "[net]") {
  CHECK(log_extension("a.b/app.log") == ".log");
  CHECK(log_extension("app.log.1") == ".log");
  CHECK(log_extension("app.log-20261102.GZ") == ".log");
  CHECK(log_extension("app.2026-11-02.log.zst") == ".log");
  CHECK(log_extension("a.b/app").empty());
  CHECK(log_extension("").empty());
  for (const char* path : {"a.lp", "a.ILP.gz", "a.lp.3"}) {
    CAPTURE(path);
    CHECK(guess("hello world again\n", path).format == Format::kLineProtocol);
    CHECK(guess("a,b\n1,2\n", path).format == Format::kLineProtocol);
    CHECK(guess("{\"n\":1}\n", path).format == Format::kJson);
  }
}

TEST_CASE("input format: runs of lines, with blank lines in those around them", "[net]") {
  const auto runs_of = [](std::string_view text, Format other) {
    std::string out;
    for (const LineRun& run : line_runs(text, other)) {
      out += (run.format == Format::kJson   ? "J"
              : run.format == Format::kText ? "T"
                                            : "L") +
             std::string(text.substr(run.start, run.end - run.start)) + "|";
    }
    return out;
  };
  CHECK(runs_of("a\n{1\n\n{2\nb\nc", Format::kText) == "Ta\n|J{1\n\n{2\n|Tb\nc|");
  CHECK(runs_of("m s=\"\n{\"\n{1\n", Format::kLineProtocol) == "Lm s=\"\n{\"\n|J{1\n|");
  CHECK(runs_of("m s=\"\n{\"\n", Format::kText) == "Tm s=\"\n|J{\"\n|");
  CHECK(runs_of("", Format::kText).empty());
}

TEST_CASE("input format: a named format decides, details aside", "[net]") {
  CHECK(guess("{\"n\":1}\n", "x", "lp").format == Format::kLineProtocol);
  CHECK(guess("audit n=1i\n", "x", "text").format == Format::kText);
  CHECK(guess("a;b\n1;2\n", "x", "csv").csv.separator == ';');
  CHECK(guess("[{\"n\":1}]", "x", "json").format == Format::kJsonDocuments);
  CHECK(guess("audit n=1i\n", "x", "json").format == Format::kJson);
}

TEST_CASE("input format: CSV is recognised with any usual separator", "[net]") {
  const auto separator_of = [](std::string_view text, std::string_view path = "x/file") {
    const FormatGuess found = guess(text, path);
    return found.format == Format::kCsv ? found.csv.separator : '?';
  };
  CHECK(separator_of("time,service\n1,pay\n") == ',');
  CHECK(separator_of("time;service;ms\n2026-11-02 08:15:04;pay;1,5\n") == ';');
  CHECK(separator_of("time\tservice\n1\tpay, later\n") == '\t');
  CHECK(separator_of("time|service\n1|pay\n") == '|');
  CHECK(separator_of("2026-11-02T08:15:04Z,edge,200\n") == ',');
  CHECK(separator_of("#measurement,time\nmeasurement,time\n") == ',');
  CHECK(separator_of("time\n1\n", "one.csv") == ',');
  CHECK(separator_of("a=b\tc\n1\t2\n", "one.tsv.gz") == '\t');
  CHECK(separator_of("audit,service=pay n=1i\n") == '?');
  CHECK(separator_of("2026-11-02 08:15:04,250 ERROR x\n2026-11-02 08:15:05,250 ERROR y\n") == '?');
}

TEST_CASE("input format: JSON arrays and wrapped arrays are documents, events with arrays are not",
          "[net]") {
  CHECK(guess("[{\"n\":1},\n{\"n\":2}]").format == Format::kJsonDocuments);
  CHECK(guess("{\n  \"n\": 1\n}\n").format == Format::kJsonDocuments);
  const auto key_of = [](std::string_view text) {
    const FormatGuess found = guess(text);
    return found.format == Format::kJsonDocuments ? found.array_key : "no";
  };
  CHECK(key_of(R"({"Records": [{"time":"2026-11-02T08:15:04Z"}, {"n":1}]})") == "Records");
  CHECK(key_of(R"({"next":"t","events":[{"time":1793607304,"n":2}]})") == "events");
  CHECK(key_of("{\"Records\":[" + std::string(100'000, ' ') + "{\"n\":1}]}") == "no");
  CHECK(key_of("{\"Records\":[{\"n\":\"" + std::string(100'000, 'x') + "\"}]}") == "Records");
  CHECK(key_of(R"({"time":1793607304,"items":[{"time":1793607304}]})") == "no");
  CHECK(key_of(R"({"service":"a","items":[{"n":1}]})") == "no");
  CHECK(key_of(R"({"a":[{"time":1793607304}],"b":[{"time":1793607304}]})") == "no");
  CHECK(guess("{\"broken\":\n{\"n\":1}\n{\"n\":2}\n").format == Format::kJson);
  CHECK(guess("{\"tocsin_columns\":{}}\n").format == Format::kTypedJson);
}

TEST_CASE("input format: notes name what is read only in part", "[net]") {
  CHECK(guess("2026-11-02T08:15:04Z a b\n  at c\n").note.empty());  // they are one event
  CHECK(guess("2026-11-02T08:15:04Z a b\nc d e\nf g h\n").note.find("2 of its first 3 lines") == 0);
  CHECK(guess("hello world again\n").note.empty());
  CHECK(guess("2026-11-02T08:15:04Z a b\n").note.empty());
  CHECK(guess("audit n=1i\n").note.empty());
}

TEST_CASE("input format: encodings and formats that are not text have names", "[net]") {
  CHECK(encoding_of("\x1f\x8b\x08\x00"sv) == TextEncoding::kGzip);
  CHECK(encoding_of("\x28\xb5\x2f\xfd"sv) == TextEncoding::kZstd);
  CHECK(encoding_of("\xff\xfe{\0"sv) == TextEncoding::kUtf16Little);
  CHECK(encoding_of("\xfe\xff\0{"sv) == TextEncoding::kUtf16Big);
  CHECK(encoding_of("{\0\"\0a\0\"\0:\0001\0}\0\n\0"sv) == TextEncoding::kUtf16Little);
  CHECK(encoding_of("\0{\0\"\0a\0\"\0:\0001\0}\0\n"sv) == TextEncoding::kUtf16Big);
  CHECK(encoding_of("{\"n\":1}\n") == TextEncoding::kPlain);
  CHECK(encoding_of("{\"n\":1}\r{\"n\":2}\r") == TextEncoding::kCarriageReturns);
  for (const char* text : {"{\"n\":1}\r", "{\"n\":1}\r\n", "a\rb\n", "none"}) {
    CAPTURE(text);
    CHECK(encoding_of(text) == TextEncoding::kPlain);
  }
  const auto name = [](std::string_view bytes) { return unread_format(bytes).name; };
  CHECK(name("PAR1\x15\x04") == "a Parquet file");
  CHECK(name(std::string(257, 'x') + "ustar") == "a tar archive");
  CHECK(name("PK\x03\x04x") == "a zip archive");
  CHECK(name("<?xml version=\"1.0\"?>") == "XML");
  CHECK(name("\x1E{\"n\":1}\n") == "a sequence of JSON texts (RFC 7464)");
  CHECK(name("\x01\x02\x03\x04\x05 binary") == "binary data");
  CHECK(name("{\"n\":1}\n" + std::string(512, '\0') + "{\"n\":2}\n").empty());
  CHECK(name("\x1b[31mred\x1b[0m text\n").empty());
  CHECK(name("gr\xC3\xBC\xC3\x9F"
             "e\n")
            .empty());
  CHECK(name("").empty());
}

TEST_CASE("JSON documents: each event becomes a line, however the text is cut", "[net]") {
  const std::string array = "[ {\"a\": [1, 2],\n \"b\": \"x, ]}\\\" {\"}\n,{\"c\":{}} , 3]\n";
  const std::string expected = "{\"a\": [1, 2],  \"b\": \"x, ]}\\\" {\"}\n{\"c\":{}}\n3\n";
  for (const size_t piece : {1, 2, 7, 1000}) CHECK(events_of(array, "", piece) == expected);
  const std::string wrapped = "{\"next\": \"Records\", \"Records\": [{\"a\":[{}]},\n{\"b\":1}]}\n";
  for (const size_t piece : {1, 3, 1000}) {
    CHECK(events_of(wrapped + wrapped, "Records", piece) ==
          "{\"a\":[{}]}\n{\"b\":1}\n{\"a\":[{}]}\n{\"b\":1}\n");
  }
  CHECK(events_of("{\n  \"a\": 1\n}\n{\n  \"b\": 2\n}") == "{   \"a\": 1 }\n{   \"b\": 2 }\n");
  CHECK(events_of("[]").empty());
}

TEST_CASE("JSON documents: lines of wrapped events are unwrapped, others stay", "[net]") {
  CHECK(unwrapped_lines("{\"Records\": [{\"a\":1}, {\"b\":[{}]}]}\n{\"n\":1}\n") ==
        "{\"a\":1}\n{\"b\":[{}]}\n{\"n\":1}\n");
  for (const std::string& line : std::vector<std::string>{
           R"({"service":"a","items":[{"n":1}]})", R"({"Records":[{"a":1})", R"({"Records":[]})",
           R"({"Records":[{"a":1}]} {"n":1})", R"({"Records":["a"]})"}) {
    CHECK(unwrapped_lines(line) == line + "\n");
  }
}

TEST_CASE("JSON documents: what does not fit becomes a line that is rejected", "[net]") {
  CHECK(events_of("{\"other\": 1}\n[{\"n\":1}]", "Records") == "{\"other\":1}\n{\"n\":1}\n");
  CHECK(events_of("[{\"a\":1},{\"b\":") == "{\"a\":1}\n{\"b\":\n");
  CHECK(events_of("{\"Rec\": \"", "Records") == "{\"Rec\":\"\n");
  CHECK(events_of("nonsense\n{\"a\":1}] {\"b\":1}") == "nonsense\n{\"a\":1}\n]\n{\"b\":1}\n");
}

TEST_CASE("odd names: a measurement that looks like a time or like key=value", "[net]") {
  for (const char* name :
       {"2026-11-02T08:15:04Z", "2026-11-02", "08:15:04", "1793607304", "[2026-11-02", "level=info",
        "=", "2026/11/02", "\x1b[2m2026-11-02T08:15:04Z\x1b[0m"}) {
    CAPTURE(name);
    CHECK(is_odd_measurement(name));
  }
  for (const char* name : {"audit", "cpu0", "5xx", "404", "a-2026-11-02", "Nov", "10.0.0.1", ""}) {
    CAPTURE(name);
    CHECK(!is_odd_measurement(name));
  }
}

}  // namespace tocsin
