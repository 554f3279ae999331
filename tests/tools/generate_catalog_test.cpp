// Every world keeps to its stated ranges, and its labels to its events.
#include <algorithm>
#include <functional>
#include <map>
#include <set>
#include <tuple>

#include <catch2/catch.hpp>
#include <fmt/format.h>

#include "tests/support/temporary_folder.h"
#include "tools/generate/run.h"
#include "tools/generate/worlds/catalog.h"
#include "tools/generate/worlds/rhythm.h"

namespace tocsin::generate {
namespace {

constexpr Timestamp kFirstMonday = 20'003 * kDay;  // 2024-10-07

class HashSink final : public Sink {
 public:
  Status write(LogType, Timestamp, std::string_view lines) override {
    for (unsigned char c : lines) hash = (hash ^ c) * 0x100000001b3;  // FNV-1a
    return {};
  }
  bool mixed() const override { return true; }

  uint64_t hash = 0xcbf29ce484222325;
};

WorldOptions world_of(const std::string& name, uint64_t seed, double anomaly_rate = 0) {
  WorldOptions options;
  options.name = name;
  options.seed = seed;
  options.birth = kFirstMonday;
  options.quiet = kDay;
  options.interval = kMinute;
  options.anomaly_rate = anomaly_rate;
  return options;
}

struct Played {
  std::vector<Event> events;  ///< in the order of arrival
  std::vector<Label> labels;
  std::vector<ServiceProfile> services;
  std::vector<Wording> wordings;
};

Played play_world(const WorldOptions& options, Duration length, Timestamp from = kFirstMonday) {
  auto source = make_source(options);
  REQUIRE(source);
  Played played;
  const Estate estate = (*source)->estate();
  played.services.assign(estate.services.begin(), estate.services.end());
  played.wordings.assign(estate.wordings.begin(), estate.wordings.end());
  (*source)->seek(from);
  std::vector<Event> tick;
  for (TimeRange range{from, from}; range.end < from + length;) {
    range = (*source)->next(tick);
    played.events.insert(played.events.end(), tick.begin(), tick.end());
    for (const Label& label : (*source)->begun()) {
      CHECK(range.contains(label.range.start));
      played.labels.push_back(label);
    }
  }
  return played;
}

auto key_of(const Event& e) {
  return std::tuple(e.time, e.service, e.host, e.transaction, e.type, e.step, e.outcome, e.message,
                    e.version, e.duration_tenths, e.noise);
}

std::vector<std::string> lines_of_labels(const std::vector<Label>& labels) {
  std::vector<std::string> lines;
  for (const Label& label : labels) lines.push_back(label_line(label));
  std::sort(lines.begin(), lines.end());
  return lines;
}

/// Events per hour of each service in the hours for which `wanted` holds.
std::vector<double> hourly(const Played& played, TimeRange range,
                           const std::function<bool(Timestamp)>& wanted) {
  double hours = 0;
  for (Timestamp t = range.start; t < range.end; t += kHour) hours += wanted(t);
  std::vector<double> rates(played.services.size());
  for (const Event& event : played.events) {
    if (range.contains(event.time) && wanted(event.time)) rates[event.service] += 1 / hours;
  }
  return rates;
}

int weekday_of(Timestamp t) { return static_cast<int>((t / kDay + 3) % 7); }
Duration time_of_day(Timestamp t) { return t % kDay; }
bool any_time(Timestamp) { return true; }

/// The largest gap between two events of a service, after the first event.
Duration longest_gap(const Played& played, size_t service) {
  std::vector<Timestamp> times;
  for (const Event& event : played.events) {
    if (event.service == service) times.push_back(event.time);
  }
  std::sort(times.begin(), times.end());
  Duration longest = 0;
  for (size_t i = 1; i < times.size(); ++i) longest = std::max(longest, times[i] - times[i - 1]);
  return longest;
}

const std::string& service_name(const Played& played, const Event& event) {
  return played.services[event.service].name;
}

constexpr uint64_t kSeeds[] = {1, 2, 3};

}  // namespace

TEST_CASE("catalog: the world shop is byte for byte what it has always been", "[generate]") {
  const auto check = [](TextFormat format, uint64_t hash) {
    RunOptions options;
    options.format = format;
    options.world.seed = 7;
    options.world.quiet = 0;
    options.world.anomaly_rate = 0.2;
    options.world.events_per_batch = 5;
    options.world.birth = options.start = 20'002 * kDay;
    options.end = options.start + 4 * kHour;
    HashSink sink;
    const auto report = run(options, sink);
    REQUIRE(report);
    CHECK(report->event_count == 16'142);
    CHECK(report->anomaly_count == 11);
    CHECK(sink.hash == hash);
  };
  check(TextFormat::kJson, 0xa7acc504bb533d34);
  check(TextFormat::kLineProtocol, 0x4cfa470f8b9be510);
}

TEST_CASE("catalog: names are unique, and an unknown one lists them all", "[generate]") {
  std::set<std::string> names;
  const auto unknown = make_source(world_of("weekends", 1));
  REQUIRE(!unknown);
  CHECK(unknown.error().code == ErrorCode::kInvalid);
  for (const WorldInfo& info : worlds()) {
    CHECK(names.insert(info.name).second);
    CHECK(unknown.error().message.find(fmt::format("\n  {} ", info.name)) != std::string::npos);
    CHECK(std::string_view(info.summary).size() < 90);
  }
  CHECK(std::string_view(worlds().front().name) == "shop");
  CHECK(names.size() == 23);
}

TEST_CASE("catalog: a seed decides a world, wherever reading begins", "[generate]") {
  for (const WorldInfo& info : worlds()) {
    CAPTURE(info.name);
    WorldOptions options = world_of(info.name, 5, 0.05);
    const Timestamp middle = kFirstMonday + 30 * kHour;
    Played whole = play_world(options, 36 * kHour);
    std::erase_if(whole.labels, [&](const Label& l) { return l.range.start < middle; });
    const Played part = play_world(options, 6 * kHour, middle);
    REQUIRE(whole.events.size() >= part.events.size());
    CHECK(std::equal(part.events.rbegin(), part.events.rend(), whole.events.rbegin(),
                     [](const Event& a, const Event& b) { return key_of(a) == key_of(b); }));
    CHECK(lines_of_labels(whole.labels) == lines_of_labels(part.labels));
    options.seed = 6;
    CHECK(key_of(play_world(options, kDay).events.front()) != key_of(whole.events.front()));
  }
}

TEST_CASE("catalog: short and long ticks have the same events", "[generate]") {
  WorldOptions options = world_of("mixed", 3, 0.05);
  auto by_key = [](const Event& a, const Event& b) { return key_of(a) < key_of(b); };
  Played minutes = play_world(options, 6 * kHour);
  options.interval = 7 * kSecond + kSecond / 2;
  Played seconds = play_world(options, 6 * kHour);
  std::sort(minutes.events.begin(), minutes.events.end(), by_key);
  std::sort(seconds.events.begin(), seconds.events.end(), by_key);
  CHECK(minutes.events.size() > 1'000);
  CHECK(std::equal(minutes.events.begin(), minutes.events.end(), seconds.events.begin(),
                   seconds.events.end(),
                   [](const Event& a, const Event& b) { return key_of(a) == key_of(b); }));
  CHECK(lines_of_labels(minutes.labels) == lines_of_labels(seconds.labels));
}

TEST_CASE("catalog: without anomalies only what belongs to a world has labels", "[generate]") {
  const std::set<std::string> lasting = {"holidays", "deployments", "releases",
                                         "renames",  "outages",     "mixed"};
  for (const WorldInfo& info : worlds()) {
    if (lasting.count(info.name) > 0) continue;
    CAPTURE(info.name);
    CHECK(play_world(world_of(info.name, 4), 2 * kDay).labels.empty());
  }
}

TEST_CASE("weekend: Saturday and Sunday have 5 to 30 % of the traffic", "[generate]") {
  for (uint64_t seed : kSeeds) {
    const Played played = play_world(world_of("weekend", seed), kWeek);
    const TimeRange week{kFirstMonday, kFirstMonday + kWeek};
    const auto work = hourly(played, week, [](Timestamp t) { return weekday_of(t) < 5; });
    const auto rest = hourly(played, week, [](Timestamp t) { return weekday_of(t) >= 5; });
    for (size_t i = 0; i < work.size(); ++i) {
      CHECK(rest[i] / work[i] > 0.04);
      CHECK(rest[i] / work[i] < 0.34);
    }
  }
}

TEST_CASE("office: traffic rises and falls over ramps and is nearly absent outside", "[generate]") {
  for (uint64_t seed : kSeeds) {
    const Played played = play_world(world_of("office", seed), 5 * kDay);
    const TimeRange days{kFirstMonday, kFirstMonday + 5 * kDay};
    const auto in = [&](Duration from, Duration to) {
      return hourly(played, days,
                    [=](Timestamp t) { return from <= time_of_day(t) && time_of_day(t) < to; });
    };
    const auto night = in(0, 6 * kHour), noon = in(12 * kHour, 13 * kHour);
    for (size_t i = 0; i < noon.size(); ++i) CHECK(night[i] / noon[i] < 0.06);
    std::vector<double> last = in(6 * kHour, 7 * kHour);
    for (Duration hour = 7; hour < 12; ++hour) {  // it never falls before noon
      const auto now = in(hour * kHour, (hour + 1) * kHour);
      for (size_t i = 0; i < now.size(); ++i) CHECK(now[i] > 0.85 * last[i]);
      last = now;
    }
  }
}

TEST_CASE("rhythm: local hours stay the same through both clock changes", "[generate]") {
  const Calendar berlin(*TimeZone::load("Europe/Berlin"));
  Rhythm rhythm;
  rhythm.deviation = 0;
  rhythm.office = OfficeHours{8 * kHour, 18 * kHour, kHour, 0.01};
  // 2024-03-31 and 2024-10-27 were the Sundays of the changes.
  for (const char* day : {"2024-03-30", "2024-04-01", "2024-10-26", "2024-10-28"}) {
    const int64_t number = *parse_time(day) / kDay;
    const auto at = [&](Duration time) {
      return rate_at(rhythm, berlin, 1, kFirstMonday, berlin.instant(number, time));
    };
    CHECK(at(8 * kHour) == Approx(10));
    CHECK(at(8 * kHour + 30 * kMinute) == Approx(505));
    CHECK(at(9 * kHour) == Approx(1000));
    CHECK(at(17 * kHour) == Approx(1000));
    CHECK(at(18 * kHour) == Approx(10));
  }
}

TEST_CASE("rhythm: each factor multiplies the rate", "[generate]") {
  const Calendar utc;
  const auto check = [&](const Rhythm& rhythm, Timestamp t, double expected) {
    CHECK(rate_at(rhythm, utc, 1, kFirstMonday, t) == Approx(expected));
  };
  Rhythm plain;
  plain.deviation = 0;
  check(plain, kFirstMonday, 1000);
  Rhythm rhythm = plain;
  rhythm.day_amplitude = 0.5;
  check(rhythm, kFirstMonday + 14 * kHour, 1500);
  check(rhythm, kFirstMonday + 2 * kHour, 500);
  rhythm = plain;
  rhythm.weekend = 0.1;
  check(rhythm, kFirstMonday + 4 * kDay, 1000);
  check(rhythm, kFirstMonday + 5 * kDay, 100);
  rhythm = plain;
  rhythm.growth_per_week = 1.1;
  check(rhythm, kFirstMonday + 2 * kWeek, 1210);
  rhythm = plain;
  rhythm.cron = CronSpike{kHour, 10 * kMinute, 2 * kMinute, 5};
  check(rhythm, kFirstMonday + 3 * kHour + 11 * kMinute, 5000);
  check(rhythm, kFirstMonday + 3 * kHour + 12 * kMinute, 1000);
  rhythm = plain;
  rhythm.batch = WeeklyWindow{1u << 1, 2 * kHour, kHour};  // Tuesday
  check(rhythm, kFirstMonday + kDay + 2 * kHour, 1000);
  check(rhythm, kFirstMonday + kDay + 3 * kHour, 0);
  check(rhythm, kFirstMonday + 2 * kHour, 0);
  CHECK(next_start(*rhythm.batch, utc, kFirstMonday) == kFirstMonday + kDay + 2 * kHour);
  CHECK(next_start(*rhythm.batch, utc, kFirstMonday + kDay + 3 * kHour) ==
        kFirstMonday + 8 * kDay + 2 * kHour);
  rhythm = plain;
  rhythm.maintenance = WeeklyWindow{kEveryDay, kHour, kHour};
  check(rhythm, kFirstMonday + kHour, 0);
  check(rhythm, kFirstMonday + 2 * kHour, 1000);
}

TEST_CASE("holidays: a holiday is a workday with 5 to 40 % of the traffic, for all services",
          "[generate]") {
  const Played played = play_world(world_of("holidays", 2), 22 * kDay);
  REQUIRE(!played.labels.empty());
  const TimeRange day = played.labels.front().range;
  CHECK(day.end - day.start == kDay);
  CHECK(weekday_of(day.start) < 5);
  const auto holiday = hourly(played, day, any_time);
  for (const Label& label : played.labels) CHECK(label.duty == Duty::kOptional);
  for (size_t i = 0; i < holiday.size(); ++i) {
    CHECK(played.labels[i].service == played.services[i].name);
    const auto usual = hourly(played, {kFirstMonday, kFirstMonday + 22 * kDay},
                              [&](Timestamp t) { return weekday_of(t) < 5 && !day.contains(t); });
    CHECK(holiday[i] / usual[i] > 0.04);
    CHECK(holiday[i] / usual[i] < 0.46);
  }
}

TEST_CASE("batches: jobs run for 20 to 90 minutes; a run that does not come is a label",
          "[generate]") {
  const Played played = play_world(world_of("batches", 1, 0.01), 35 * kDay);
  std::vector<std::set<int64_t>> days(played.services.size());
  std::vector<std::pair<Duration, Duration>> hours(played.services.size(), {kDay, 0});
  for (const Event& event : played.events) {
    days[event.service].insert(event.time / kDay);
    auto& [first, last] = hours[event.service];
    first = std::min(first, time_of_day(event.time));
    last = std::max(last, time_of_day(event.time));
  }
  for (size_t i = 0; i < days.size(); ++i) {
    CHECK(days[i].size() >= 3);
    CHECK(hours[i].second - hours[i].first > 15 * kMinute);
    CHECK(hours[i].second - hours[i].first < 101 * kMinute);  // and a last transaction
  }
  size_t missed = 0;
  for (const Label& label : played.labels) {
    if (label.kind != "MISSING_HEARTBEAT") continue;
    ++missed;
    CHECK(label.duty == Duty::kRequired);
    const Duration length = label.range.end - label.range.start;
    CHECK((length == kDay || length == kWeek));
    CHECK(std::none_of(played.events.begin(), played.events.end(), [&](const Event& event) {
      return service_name(played, event) == label.service && label.range.contains(event.time);
    }));
  }
  CHECK(missed > 2);
}

TEST_CASE("sparse: services have 5 to 100 events an hour", "[generate]") {
  for (uint64_t seed : kSeeds) {
    const Played played = play_world(world_of("sparse", seed), kWeek);
    for (double rate : hourly(played, {kFirstMonday, kFirstMonday + kWeek}, any_time)) {
      CHECK(rate > 4);
      CHECK(rate < 110);
    }
  }
}

TEST_CASE("growth: traffic changes by 3 to 20 % a week", "[generate]") {
  for (uint64_t seed : kSeeds) {
    const auto rates = [&](Timestamp start) {
      const Played played = play_world(world_of("growth", seed), 2 * kDay, start);
      return hourly(played, {start, start + 2 * kDay}, any_time);
    };
    const auto first = rates(kFirstMonday), last = rates(kFirstMonday + 8 * kWeek);
    for (size_t i = 0; i < first.size(); ++i) {
      const double per_week = std::pow(last[i] / first[i], 1 / 8.0);
      CHECK(std::abs(per_week - 1) > 0.02);
      CHECK(per_week > 0.84);
      CHECK(per_week < 1.21);
    }
  }
}

TEST_CASE("deployments: a level changes for good and back, and the label says which",
          "[generate]") {
  const Played played = play_world(world_of("deployments", 1), 28 * kDay);
  size_t quiet = 0;
  for (const Label& label : played.labels) {
    CHECK(label.permanent);
    quiet += label.duty == Duty::kQuiet;
    if (label.kind != "LOG_VOLUME_ANOMALY" || label.range.end > kFirstMonday + 27 * kDay) continue;
    CHECK(label.duty == Duty::kRequired);
    double before = 0, after = 0;
    for (const Event& event : played.events) {
      if (service_name(played, event) != label.service) continue;
      before += event.time < label.range.start && event.time >= label.range.start - kDay;
      after += label.range.contains(event.time);
    }
    CHECK(std::abs(std::log(after / before)) > std::log(1.5));
    CHECK(std::abs(std::log(after / before)) < std::log(3.2));
  }
  CHECK(played.labels.size() > 8);
  CHECK(quiet > 0);
  CHECK(quiet < played.labels.size());
}

TEST_CASE("releases: each version has a message of its own; a new warning is a label",
          "[generate]") {
  const Played played = play_world(world_of("releases", 1, 0.02), 21 * kDay);
  std::map<std::pair<size_t, uint16_t>, std::set<uint16_t>> versions;  // of an INFO message
  std::set<std::string> seen;
  size_t without_version = 0, misplaced = 0;
  for (const Event& event : played.events) {
    without_version += event.version == 0;
    if (event.message == 0) continue;
    const Wording& wording = played.wordings[event.message - 1u];
    seen.insert(wording.text);
    if (wording.level == "INFO") versions[{event.service, event.message}].insert(event.version);
    misplaced += (wording.level == "ERROR") != (event.outcome != Outcome::kSuccess);
  }
  CHECK(without_version == 0);
  CHECK(misplaced == 0);
  CHECK(versions.size() > 10);
  for (const auto& [message, of_message] : versions) CHECK(of_message.size() <= 2);  // and a canary
  size_t patterns = 0;
  for (const Label& label : played.labels) {
    if (label.kind != "NEW_PATTERN" || label.permanent) continue;
    REQUIRE(label.cause.rfind("message=", 0) == 0);
    if (label.duty != Duty::kRequired || label.range.end > kFirstMonday + 21 * kDay) continue;
    ++patterns;
    CHECK(seen.count(label.cause.substr(8)) == 1);
  }
  CHECK(patterns > 3);
}

TEST_CASE("renames: a name ends where the next one begins, with one label", "[generate]") {
  const Played played = play_world(world_of("renames", 1), 35 * kDay);
  std::map<std::string, TimeRange> lives;
  for (const Event& event : played.events) {
    TimeRange& life =
        lives.try_emplace(service_name(played, event), TimeRange{kTimeMax, 0}).first->second;
    life.start = std::min(life.start, event.time);
    life.end = std::max(life.end, event.time);
  }
  size_t renamed = 0, retired = 0;
  for (const Label& label : played.labels) {
    if (label.duty == Duty::kQuiet) {
      CHECK(label.cause == "new service");
      if (label.range.end < kFirstMonday + 35 * kDay)
        CHECK(lives[label.service].start >= label.range.start);
      continue;
    }
    renamed += label.cause == "renamed";
    retired += label.cause == "retired";
    CHECK(label.permanent);
    CHECK(lives[label.service].end < label.range.start);
    CHECK(lives[label.service].end > label.range.start - 12 * kHour);
  }
  CHECK(renamed > 2);
  CHECK(retired == 2);
}

TEST_CASE("hosts: services have 1 to 50; a dead one is silent while the others do its work",
          "[generate]") {
  const Played played = play_world(world_of("hosts", 2, 0.02), 14 * kDay);
  for (const ServiceProfile& service : played.services) {
    CHECK(service.host_count >= 1);
    CHECK(service.host_count <= 50);
  }
  size_t dead = 0;
  for (const Label& label : played.labels) {
    if (label.kind != "MISSING_HEARTBEAT" || label.cause.empty()) continue;
    ++dead;
    CHECK(std::none_of(played.events.begin(), played.events.end(), [&](const Event& event) {
      return label.range.contains(event.time) && service_name(played, event) == label.service &&
             label.cause == fmt::format("host={}-{}", label.service, event.host);
    }));
  }
  CHECK(dead > 2);
}

TEST_CASE("autoscaling: hosts come and go with the traffic", "[generate]") {
  const Played played = play_world(world_of("autoscaling", 1), 3 * kDay);
  for (size_t i = 0; i < played.services.size(); ++i) {
    std::set<uint16_t> all;
    std::array<std::set<uint16_t>, 72> by_hour;
    for (const Event& event : played.events) {
      if (event.service != i) continue;
      all.insert(event.host);
      const auto hour = static_cast<size_t>((event.time - kFirstMonday) / kHour);
      if (hour < by_hour.size()) by_hour[hour].insert(event.host);
    }
    size_t fewest = SIZE_MAX, most = 0;
    for (const auto& hosts : by_hour) {
      fewest = std::min(fewest, hosts.size());
      most = std::max(most, hosts.size());
    }
    CHECK(most >= 2 * fewest);
    CHECK(most <= 2 * played.services[i].host_count);
    CHECK(all.size() > 3 * fewest);
  }
}

TEST_CASE("maintenance: every service is silent for 30 minutes to 2 hours each night or week",
          "[generate]") {
  for (uint64_t seed : kSeeds) {
    const Played played = play_world(world_of("maintenance", seed), 8 * kDay);
    for (size_t i = 0; i < played.services.size(); ++i) {
      CHECK(longest_gap(played, i) >= 20 * kMinute);  // a transaction may end within
      CHECK(longest_gap(played, i) < 3 * kHour);
    }
  }
}

TEST_CASE("outages: nothing is collected for 10 to 60 minutes, or it arrives afterwards",
          "[generate]") {
  const Played played = play_world(world_of("outages", 1), 30 * kDay);
  size_t lost = 0, held = 0;
  for (const Label& label : played.labels) {
    CHECK(label.kind == "COLLECTOR_SILENT");
    CHECK(label.service.empty());
    CHECK(label.range.end - label.range.start >= 10 * kMinute);
    CHECK(label.range.end - label.range.start <= kHour);
    const auto inside = std::count_if(played.events.begin(), played.events.end(),
                                      [&](const Event& e) { return label.range.contains(e.time); });
    if (label.duty == Duty::kRequired) CHECK(inside == 0);
    if (label.duty == Duty::kOptional) CHECK(inside > 0);
    lost += label.duty == Duty::kRequired;
    held += label.duty == Duty::kOptional;
  }
  CHECK(lost > 0);
  CHECK(held > 0);
  // Only events that were held come later than a few minutes.
  Timestamp latest = 0;
  size_t late = 0;
  for (const Event& event : played.events) {
    late += event.time < latest - 2 * kMinute;
    latest = std::max(latest, event.time);
  }
  CHECK(late > 0);
}

TEST_CASE("skew: some hosts are 1 to 20 minutes late, some clocks wrong by up to 3 hours",
          "[generate]") {
  const Played played = play_world(world_of("skew", 1, 0.02), 21 * kDay);
  Timestamp latest = 0;
  size_t late = 0, skewed = 0;
  for (const Event& event : played.events) {
    late += event.time < latest - kMinute;
    latest = std::max(latest, event.time);
  }
  CHECK(late > 1'000);
  for (const Label& label : played.labels) {
    if (label.kind != "CLOCK_SKEW") continue;
    ++skewed;
    CHECK(label.cause.rfind("host=", 0) == 0);
  }
  CHECK(skewed > 2);
}

TEST_CASE("cron, bursts: minutes with several times the usual traffic", "[generate]") {
  for (const char* name : {"cron", "bursts"}) {
    const Played played = play_world(world_of(name, 1), 2 * kDay);
    std::map<std::pair<size_t, int64_t>, double> by_minute;
    for (const Event& event : played.events) ++by_minute[{event.service, event.time / kMinute}];
    const auto usual = hourly(played, {kFirstMonday, kFirstMonday + 2 * kDay}, any_time);
    std::vector<double> most(played.services.size());
    for (const auto& [key, count] : by_minute) most[key.first] = std::max(most[key.first], count);
    for (size_t i = 0; i < most.size(); ++i) CHECK(most[i] / (usual[i] / 60) > 1.8);
  }
}

TEST_CASE("rare errors, zeros: failures are as rare as stated", "[generate]") {
  for (uint64_t seed : kSeeds) {
    const Played rare = play_world(world_of("rare_errors", seed), 14 * kDay);
    const Played zeros = play_world(world_of("zeros", seed), 14 * kDay);
    const auto failures = [](const Played& played) {
      return std::count_if(played.events.begin(), played.events.end(),
                           [](const Event& e) { return e.outcome != Outcome::kSuccess; });
    };
    const double share =
        static_cast<double>(failures(rare)) / static_cast<double>(rare.events.size());
    CHECK(share > 0.00002);  // of events, including the starts and steps of transactions
    CHECK(share < 0.001);
    CHECK(failures(zeros) < 25);  // five services, at most two each in the mean
  }
}

TEST_CASE("heavy tails: the slowest percent takes more than ten times as long as the median",
          "[generate]") {
  const Played played = play_world(world_of("heavy_tails", 1), 3 * kDay);
  for (size_t i = 0; i < played.services.size(); ++i) {
    std::vector<uint32_t> durations;
    for (const Event& event : played.events) {
      if (event.service == i && event.type != LogType::kBpm)
        durations.push_back(event.duration_tenths);
    }
    std::sort(durations.begin(), durations.end());
    CHECK(durations[durations.size() * 99 / 100] > 9 * durations[durations.size() / 2]);
  }
}

TEST_CASE("transactions: 8 to 25 of a service with few events each", "[generate]") {
  for (uint64_t seed : kSeeds) {
    const Played played = play_world(world_of("transactions", seed), 4 * kDay);
    for (size_t i = 0; i < played.services.size(); ++i) {
      const size_t count = played.services[i].transactions.size();
      CHECK(count >= 8);
      CHECK(count <= 25);
      std::set<std::string> names;
      for (const TransactionProfile& t : played.services[i].transactions) names.insert(t.name);
      CHECK(names.size() == count);
      const auto rate = hourly(played, {kFirstMonday, kFirstMonday + 4 * kDay}, any_time)[i];
      CHECK(rate / static_cast<double>(count) > 3.5);
      CHECK(rate / static_cast<double>(count) < 15);
    }
  }
}

TEST_CASE("mixed: has services of every world, in one zone with clock changes", "[generate]") {
  const Played played = play_world(world_of("mixed", 1, kWorldAnomalyRate), 14 * kDay);
  std::set<std::string> names, kinds;
  for (const ServiceProfile& service : played.services) names.insert(service.name);
  CHECK(names.size() == played.services.size());
  CHECK(played.services.size() > 22);
  for (const Label& label : played.labels) kinds.insert(label.kind);
  for (const char* kind :
       {"FAILURE_RATE_SPIKE", "MISSING_HEARTBEAT", "TRANSACTION_TIMEOUT", "LOG_VOLUME_ANOMALY",
        "SERVICE_DEGRADATION", "NEW_PATTERN", "COLLECTOR_SILENT"}) {
    CHECK(kinds.count(kind) == 1);
  }
}

TEST_CASE("incident: silence, failures and durations are in the events, as labelled",
          "[generate]") {
  const Played played = play_world(world_of("growth", 1, 0.03), 21 * kDay);
  std::map<std::string, size_t> kinds;
  for (const Label& label : played.labels) {
    if (label.duty != Duty::kRequired || label.range.end > kFirstMonday + 21 * kDay) continue;
    const Duration length = label.range.end - label.range.start;
    const TimeRange before{label.range.start - 6 * kHour, label.range.start};
    double failed[2] = {}, total[2] = {}, log_ms[2] = {};
    for (const Event& event : played.events) {
      if (service_name(played, event) != label.service) continue;
      const bool during = label.range.contains(event.time);
      if (!during && !before.contains(event.time)) continue;
      if (event.duration_tenths == 0) continue;
      ++total[during];
      failed[during] += event.outcome != Outcome::kSuccess;
      log_ms[during] += std::log(event.duration_tenths);
    }
    ++kinds[label.kind];
    CAPTURE(label_line(label));
    if (label.kind == "MISSING_HEARTBEAT") CHECK(total[1] == 0);
    if (label.kind == "FAILURE_RATE_SPIKE") CHECK(failed[1] / total[1] > 2 * failed[0] / total[0]);
    if (label.kind == "SERVICE_DEGRADATION")
      CHECK(log_ms[1] / total[1] > log_ms[0] / total[0] + 0.15);
    if (label.kind == "LOG_VOLUME_ANOMALY") {
      const double ratio =
          total[1] / static_cast<double>(length) / (total[0] / static_cast<double>(6 * kHour));
      CHECK((ratio > 1.7 || ratio < 0.6));
    }
  }
  CHECK(kinds.size() == 6);
}

TEST_CASE("label: a line names what does not count, and why", "[generate]") {
  Label label;
  label.kind = "NEW_PATTERN";
  label.service = "media";
  label.range = {kFirstMonday, kFirstMonday + kHour};
  const std::string times =
      R"("service":"media","start":"2024-10-07T00:00:00Z","end":"2024-10-07T01:00:00Z")";
  CHECK(label_line(label) == R"({"kind":"NEW_PATTERN",)" + times + "}");
  label.cause = "host=media-2";
  label.duty = Duty::kWeak;
  CHECK(label_line(label) == R"({"kind":"NEW_PATTERN",)" + times +
                                 R"(,"cause":"host=media-2","counts":false,"reason":"weak"})");
  label.duty = Duty::kOptional;
  label.permanent = true;
  CHECK(label_line(label) ==
        R"({"kind":"NEW_PATTERN",)" + times +
            R"(,"cause":"host=media-2","permanent":true,"counts":false,"reason":"optional"})");
  label.duty = Duty::kQuiet;
  label.permanent = false;
  label.kind.clear();
  CHECK(label_line(label) == R"({"quiet":true,)" + times + R"(,"cause":"host=media-2"})");
}

TEST_CASE("run: a world other than shop is written like it, and weak labels are counted",
          "[generate]") {
  HashSink sink;
  RunOptions options;
  options.world = world_of("sparse", 1, 0.05);
  options.start = kFirstMonday;
  options.end = kFirstMonday + 10 * kDay;
  const auto report = run(options, sink);
  REQUIRE(report);
  CHECK(report->event_count > 5'000);
  CHECK(report->weak_count > 0);
  CHECK(report->weak_count < report->anomaly_count);
  options.world.name = "none";
  CHECK(!run(options, sink));
}

}  // namespace tocsin::generate
