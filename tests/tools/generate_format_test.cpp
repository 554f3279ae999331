// Generated text: every line parses, and files and labels are written to the right places.
#include <filesystem>
#include <fstream>
#include <sstream>

#include <catch2/catch.hpp>
#include <fmt/format.h>
#include <simdjson.h>
#include <unistd.h>

#include "tests/support/temporary_folder.h"
#include "tools/generate/run.h"

namespace tocsin::generate {
namespace {

constexpr Timestamp kMidnight = 20'002 * kDay;

class StringSink final : public Sink {
 public:
  Status write(LogType, Timestamp, std::string_view lines) override {
    text += lines;
    return {};
  }
  bool mixed() const override { return true; }

  std::string text;
};

std::string read(const std::string& path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

RunOptions half_an_hour(TextFormat format = TextFormat::kJson) {
  RunOptions options;
  options.world.birth = options.start = kMidnight;
  options.end = kMidnight + 30 * kMinute;
  options.format = format;
  return options;
}

}  // namespace

TEST_CASE("format: every JSON line parses and has the keys of its log type", "[generate]") {
  StringSink sink;
  const auto report = run(half_an_hour(), sink);
  REQUIRE(report);
  simdjson::dom::parser parser;
  size_t count = 0;
  for (const std::string& line : lines_of(sink.text)) {
    simdjson::dom::object object;
    REQUIRE(parser.parse(line).get(object) == simdjson::SUCCESS);
    ++count;
    for (const char* key :
         {"log_timestamp", "service", "host", "transaction", "status", "level", "message"}) {
      REQUIRE(object[key].is_string());
    }
    REQUIRE(parse_time(object["log_timestamp"].get_string().value()));
    const std::string_view type = object["measurement"].get_string();
    if (type == "audit") CHECK((object["user_id"].is_string() && object["action"].is_string()));
    if (type == "performance")
      CHECK((object["cpu_percent"].is_double() && object["memory_mb"].is_double()));
    if (type == "bpm") {
      const std::string_view event = object["event"].get_string();
      CHECK(object["transaction_id"].get_string().value().size() == 16);
      CHECK(object["duration_ms"].is_double() == (event == "END"));
    } else {
      CHECK(object["duration_ms"].is_double());
    }
  }
  CHECK(count == report->event_count);
  CHECK(count > 10'000);
}

TEST_CASE("format: line protocol has tags, then fields, then nanoseconds", "[generate]") {
  StringSink sink;
  REQUIRE(run(half_an_hour(TextFormat::kLineProtocol), sink));
  const std::string first = lines_of(sink.text).front();
  const std::string tags = first.substr(0, first.find(' '));
  CHECK(std::count(tags.begin(), tags.end(), ',') == 5);
  CHECK(first.find("message=\"") != std::string::npos);
  for (const std::string& line : lines_of(sink.text)) {
    const int64_t time = std::stoll(line.substr(line.rfind(' ') + 1));
    REQUIRE(time >= kMidnight);
    REQUIRE(time < kMidnight + 30 * kMinute);
    REQUIRE(std::count(line.begin(), line.end(), '"') % 2 == 0);
    REQUIRE(line.find('\\') == std::string::npos);
  }
}

TEST_CASE("run: the same options produce the same bytes", "[generate]") {
  StringSink first, again;
  REQUIRE(run(half_an_hour(), first));
  REQUIRE(run(half_an_hour(), again));
  CHECK(first.text == again.text);
}

TEST_CASE("run: a second run continues where the first one ended", "[generate]") {
  StringSink whole, parts;
  REQUIRE(run(half_an_hour(), whole));
  RunOptions options = half_an_hour();
  options.end = kMidnight + 10 * kMinute;
  REQUIRE(run(options, parts));
  options.start = options.end;
  options.end = kMidnight + 30 * kMinute;
  REQUIRE(run(options, parts));
  CHECK(whole.text == parts.text);
}

TEST_CASE("run: there is a file per log type and day, without a measurement key", "[generate]") {
  test::TemporaryFolder folder;
  RunOptions options = half_an_hour();
  options.world.events_per_batch = 2;
  options.end = kMidnight + kDay + kHour;
  const auto sink = make_file_sink(folder / "logs", "json", false);
  const auto report = run(options, *sink);
  REQUIRE(report);
  size_t count = 0;
  for (const char* type : {"audit", "bpm", "performance"}) {
    for (const char* day : {"2024-10-06", "2024-10-07"}) {
      const std::string text = read(folder / fmt::format("logs/{}/{}.json", type, day));
      CHECK(text.find("\"measurement\"") == std::string::npos);
      for (const std::string& line : lines_of(text)) {
        ++count;
        REQUIRE(line.find(fmt::format("\"log_timestamp\":\"{}", day)) == 1);
      }
    }
  }
  CHECK(count == report->event_count);
}

TEST_CASE("run: history never overwrites a file, live mode appends", "[generate]") {
  test::TemporaryFolder folder;
  const RunOptions options = half_an_hour();
  REQUIRE(run(options, *make_file_sink(folder / "logs", "json", false)));
  const auto second = run(options, *make_file_sink(folder / "logs", "json", false));
  REQUIRE(!second);
  CHECK(second.error().code == ErrorCode::kConflict);
  CHECK(second.error().message.find("already exists") != std::string::npos);
  CHECK(run(options, *make_file_sink(folder / "logs", "json", true)));
}

TEST_CASE("run: the labels file has one line per anomaly that began, in order", "[generate]") {
  test::TemporaryFolder folder;
  StringSink sink;
  RunOptions options = half_an_hour();
  options.world.events_per_batch = 1;
  options.labels_path = folder / "labels.jsonl";
  options.end = kMidnight + 6 * kDay;
  const auto report = run(options, sink);
  REQUIRE(report);
  const auto labels = lines_of(read(options.labels_path));
  CHECK(labels.size() == report->anomaly_count);
  CHECK(labels.size() > 20);
  simdjson::dom::parser parser;
  std::string last;
  for (const std::string& line : labels) {
    simdjson::dom::object label;
    REQUIRE(parser.parse(line).get(label) == simdjson::SUCCESS);
    const std::string start(label["start"].get_string().value());
    CHECK(start >= last);
    CHECK(start >= "2024-10-09");
    CHECK(parse_anomaly_kind(label["kind"].get_string().value()));
    CHECK(find_service(label["service"].get_string().value()) < services().size());
    last = start;
  }
}

TEST_CASE("run: only the selected log types are written", "[generate]") {
  StringSink sink;
  RunOptions options = half_an_hour();
  options.types = {false, true, false};
  REQUIRE(run(options, sink));
  for (const std::string& line : lines_of(sink.text)) {
    REQUIRE(line.find("\"measurement\":\"bpm\"") != std::string::npos);
  }
}

}  // namespace tocsin::generate
