// The parsers with and without each of their fast paths, on generated lines. Both ways must produce
// the same.
//
//   parse_bench [LINES [ROUNDS]]
//
// Prints, for each fast path, the nanoseconds of processor time per line or text without and with
// it, and their ratio. The two ways alternate, and the best of ROUNDS counts.
#include <algorithm>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <functional>
#include <limits>
#include <random>
#include <vector>

#include <fmt/format.h>

#include "tools/bench/parse_work.h"

namespace {

using Work = std::function<size_t(std::string* image)>;

[[noreturn]] void give_up(const std::string& what) {
  fmt::print(stderr, "parse_bench: {}\n", what);
  std::exit(1);
}

size_t argument(int count, char** arguments, int index, size_t fallback) {
  if (index >= count) return fallback;
  size_t value = 0;
  const std::string_view text = arguments[index];
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value == 0) {
    give_up(fmt::format("`{}` is not a positive number", text));
  }
  return value;
}

// ---- input ----

const char* pick(std::mt19937& random, std::initializer_list<const char*> choices) {
  return choices.begin()[random() % choices.size()];
}

/// The values of one event, which all formats write.
struct Event {
  uint64_t time;
  const char* service;
  const char* status;
  double duration_ms;
  uint32_t bytes;
  bool cached;
  std::string message;
};

std::vector<Event> make_events(size_t count) {
  std::mt19937 random(1);
  std::vector<Event> events(count);
  uint64_t time = 1'780'000'000'000'000'000;
  for (Event& event : events) {
    event.time = time += random() % 200'000'000;
    event.service = pick(random, {"gateway", "orders", "payment", "notification"});
    event.status = pick(random, {"SUCCESS", "FAILED"});
    event.duration_ms = static_cast<double>(random() % 100'000) / 10;
    event.bytes = static_cast<uint32_t>(random() % 1'000'000);
    event.cached = random() % 2 == 0;
    event.message = fmt::format("request {} of customer {} answered by shard {:08x}",
                                random() % 1'000'000, random() % 10'000, random());
  }
  return events;
}

std::string line_protocol_of(const std::vector<Event>& events) {
  std::string out;
  for (const Event& e : events) {
    out += fmt::format(
        "audit,service={},status={} duration_ms={},bytes={}i,cached={},message=\"{}\" {}\n",
        e.service, e.status, e.duration_ms, e.bytes, e.cached, e.message, e.time);
  }
  return out;
}

std::string json_lines_of(const std::vector<Event>& events) {
  std::string out;
  for (const Event& e : events) {
    out += fmt::format(
        R"({{"time":{},"measurement":"audit","service":"{}","status":"{}","duration_ms":{},)"
        R"("bytes":{},"cached":{},"message":"{}"}})"
        "\n",
        e.time, e.service, e.status, e.duration_ms, e.bytes, e.cached, e.message);
  }
  return out;
}

std::string rfc3339_of(const Event& e) {
  const auto seconds = static_cast<std::time_t>(e.time / 1'000'000'000);
  std::tm utc{};
  gmtime_r(&seconds, &utc);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:09}Z", utc.tm_year + 1900,
                     utc.tm_mon + 1, utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec,
                     e.time % 1'000'000'000);
}

/// The same events as the lines of a format.
std::string file_of(const std::vector<Event>& events, std::string_view format) {
  std::string out;
  for (const Event& e : events) {
    const std::string time = rfc3339_of(e);
    const std::string json = fmt::format(
        R"({{"service":"{}","status":"{}","duration_ms":{},"bytes":{},"cached":{},"message":"{}"}})",
        e.service, e.status, e.duration_ms, e.bytes, e.cached, e.message);
    if (format == "logfmt") {
      out += fmt::format(
          "time={} service={} status={} duration_ms={} bytes={} cached={} message=\"{}\"\n", time,
          e.service, e.status, e.duration_ms, e.bytes, e.cached, e.message);
    } else if (format == "cri") {
      out += fmt::format("{} stdout F {}\n", time, json);
    } else if (format == "docker") {
      std::string escaped;
      for (const char c : json) escaped += c == '"' ? std::string("\\\"") : std::string(1, c);
      out += fmt::format("{{\"log\":\"{}\\n\",\"stream\":\"stdout\",\"time\":\"{}\"}}\n", escaped,
                         time);
    } else if (format == "access") {
      out += fmt::format(
          "10.0.0.{} - {} [{}] \"GET /{} HTTP/1.1\" {} {} \"-\" \"Mozilla/5.0 (X11; Linux)\" {}\n",
          e.bytes % 250, e.service, "02/Nov/2026:09:15:04 +0100", e.message.substr(0, 7),
          e.cached ? 200 : 404, e.bytes, e.duration_ms);
    } else {
      out += fmt::format("{} {} [{}] {} {} {}: {}\n", time, e.status, e.service, e.duration_ms,
                         e.bytes, e.cached, e.message);
    }
  }
  return out;
}

std::string csv_of(const std::vector<Event>& events) {
  std::string out = "time,service,status,duration_ms,bytes,cached,message\n";
  for (const Event& e : events) {
    out += fmt::format("{},{},{},{},{},{},\"{}\"\n", e.time, e.service, e.status, e.duration_ms,
                       e.bytes, e.cached, e.message);
  }
  return out;
}

template <class Text>
std::vector<std::string> texts_of(const std::vector<Event>& events, Text text) {
  std::vector<std::string> out;
  for (const Event& event : events) out.push_back(text(event));
  return out;
}

// ---- measuring ----

double processor_ns() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) * 1e9 + static_cast<double>(time.tv_nsec);
}

double time_of(const Work& work) {
  const double start = processor_ns();
  const size_t items = work(nullptr);
  return (processor_ns() - start) / static_cast<double>(items);
}

class Bench {
 public:
  Bench(size_t count, size_t rounds) : count_(count), rounds_(rounds) {
    fmt::print("{:<44}{:>10}{:>10}{:>8}\n", "ns per line or text", "without", "with", "ratio");
  }

  void compare(const char* name, const Work& without, const Work& with) {
    std::string expected, found;
    if (without(&expected) != count_ || with(&found) != count_) {
      give_up(fmt::format("{}: not everything was parsed", name));
    }
    if (found != expected) give_up(fmt::format("{}: the two ways differ", name));
    double best_without = std::numeric_limits<double>::max(), best_with = best_without;
    for (size_t i = 0; i < rounds_; ++i) {
      best_without = std::min(best_without, time_of(without));
      best_with = std::min(best_with, time_of(with));
    }
    fmt::print("{:<44}{:>10.1f}{:>10.1f}{:>8.2f}\n", name, best_without, best_with,
               best_without / best_with);
    std::fflush(stdout);
  }

 private:
  const size_t count_;
  const size_t rounds_;
};

}  // namespace

int main(int argument_count, char** arguments) {
  const size_t count = argument(argument_count, arguments, 1, 100'000);
  Bench bench(count, argument(argument_count, arguments, 2, 20));
  const std::vector<Event> events = make_events(count);
  const std::string lines = line_protocol_of(events), json = json_lines_of(events);
  const std::string records = csv_of(events);
  const auto times = texts_of(events, [](const Event& e) { return fmt::format("{}", e.time); });
  const auto small = texts_of(events, [](const Event& e) { return fmt::format("{}", e.bytes); });
  const auto decimals =
      texts_of(events, [](const Event& e) { return fmt::format("{}", e.duration_ms); });
  const auto messages = texts_of(events, [](const Event& e) { return e.message; });
  const ParseWork &released = kReleasedWork, &portable = kPortableWork;

  const auto shapes = [&](auto function, std::string_view text, bool guess) {
    return [=](std::string* image) { return function(text, guess, image); };
  };
  const auto of = [&](auto function, auto input) {
    return [=](std::string* image) { return function(input, image); };
  };
  const auto number = [&](auto function, const std::vector<std::string>& texts, bool plain) {
    return [=, &texts](std::string* image) { return function(texts, plain, image); };
  };
  using Texts = std::span<const std::string>;

  bench.compare("line protocol: shapes (plain_lines)", shapes(released.line_protocol, lines, false),
                shapes(released.line_protocol, lines, true));
  bench.compare("JSON lines: shapes (plain_objects)", shapes(released.json_lines, json, false),
                shapes(released.json_lines, json, true));
  for (const char* format : {"logfmt", "cri", "docker", "access", "regex", "text"}) {
    const std::string file = file_of(events, format);
    const char* const pattern =
        std::string_view(format) == "regex"
            ? R"(^(?P<time>\S+) (?P<status>\w+) \[(?P<service>[^\]]+)\] (?P<duration_ms>\S+) )"
              R"((?P<bytes>\d+) (?P<cached>\w+): (?P<message>.*)$)"
            : "";
    const auto work = [&](bool guess) {
      return [&, guess](std::string* image) {
        return released.events(file, format, pattern, guess, image);
      };
    };
    bench.compare(fmt::format("{}: names of earlier events", format).c_str(), work(false),
                  work(true));
  }
  bench.compare("line protocol: SSE2 and eight digits", shapes(portable.line_protocol, lines, true),
                shapes(released.line_protocol, lines, true));
  bench.compare("JSON lines: SSE2 and eight digits", shapes(portable.json_lines, json, true),
                shapes(released.json_lines, json, true));
  bench.compare("CSV: SSE2 and eight digits", of(portable.csv, std::string_view(records)),
                of(released.csv, std::string_view(records)));
  bench.compare("integers of 19 digits: eight at a time", number(portable.integers, times, false),
                number(released.integers, times, false));
  bench.compare("integers of 19 digits: not std::from_chars",
                number(released.integers, times, true), number(released.integers, times, false));
  bench.compare("integers of 6 digits: not std::from_chars", number(released.integers, small, true),
                number(released.integers, small, false));
  bench.compare("decimals: Clinger's division", number(released.decimals, decimals, true),
                number(released.decimals, decimals, false));
  bench.compare("counting newlines: SSE2", of(portable.count_lines, std::string_view(lines)),
                of(released.count_lines, std::string_view(lines)));
  bench.compare("splitting messages: SSE2", of(portable.split, Texts(messages)),
                of(released.split, Texts(messages)));
}
