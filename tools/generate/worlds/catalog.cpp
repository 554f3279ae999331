// Every world: a name, and the topics that it is made of.
#include "tools/generate/worlds/catalog.h"

#include <algorithm>
#include <vector>

#include <fmt/format.h>

#include "tools/generate/worlds/player.h"
#include "tools/generate/worlds/topics.h"

namespace tocsin::generate {
namespace {

using AddTopic = void (*)(Builder&, int count);

struct Entry {
  WorldInfo info;
  AddTopic add;   ///< null for `shop` and `mixed`
  int count = 5;  ///< services
  bool zoned = false;
};

const std::vector<Entry>& entries() {
  static const std::vector<Entry> kEntries = {
      {{kShopWorld, "twelve services of a web shop with day, night and weekend", "anything else"},
       nullptr},
      {{"weekend", "weekends with 5 to 30 % of the traffic", "the weekend and its borders"},
       add_weekend},
      {{"office", "office hours with ramps of 30 minutes to 3 hours", "morning, evening, night"},
       add_office},
      {{"clocks", "traffic in the local time of a zone with clock changes",
        "the days after a clock change"},
       add_clocks,
       5,
       true},
      {{"holidays", "a workday with 5 to 40 % of the traffic every 8 to 20 days",
        "the days around a holiday"},
       add_holidays},
      {{"batches", "jobs that run for 20 to 90 minutes each night or week",
        "the time between two runs"},
       add_batches},
      {{"sparse", "services with 5 to 100 events an hour", "the gaps between events"}, add_sparse},
      {{"growth", "traffic that changes by 3 to 20 % a week, up or down", "the change"},
       add_growth},
      {{"deployments", "levels that change for good every 4 to 9 days, up and down",
        "more than one alert per change; faster responses; fewer failures"},
       add_deployments},
      {{"releases", "a version with a new message every 3 to 8 days; canaries",
        "versions and their INFO messages"},
       add_releases},
      {{"renames", "services that are renamed or retired after 6 to 30 days, and new ones",
        "new services; more than one alert per service that ended"},
       add_renames,
       6},
      {{"hosts", "services with 1 to 50 hosts, one of which fails", "the other hosts"}, add_hosts},
      {{"autoscaling", "6 to 40 hosts that come and go with the traffic", "hosts that come and go"},
       add_autoscaling},
      {{"bursts", "bursts of 2 to 6 times the traffic for minutes, and retries", "the bursts"},
       add_bursts},
      {{"maintenance", "30 minutes to 2 hours without events each night or week",
        "the maintenance windows"},
       add_maintenance},
      {{"outages", "nothing is collected for 10 to 60 minutes, every 2 to 5 days",
        "more than one alert per outage"},
       add_outages},
      {{"skew", "hosts whose events arrive 1 to 20 minutes late, or with wrong times",
        "late hosts"},
       add_skew},
      {{"cron", "spikes of 3 to 20 times the traffic every 15 minutes to every day", "the spikes"},
       add_cron},
      {{"rare_errors", "0.01 to 0.1 % of the requests fail", "single failures"}, add_rare_errors},
      {{"zeros", "a failure in 7 to 28 days", "single failures"}, add_zeros},
      {{"heavy_tails", "durations with heavy tails: Pareto 1.1 to 2, or a sigma of 1.2 to 1.8",
        "single slow requests"},
       add_heavy_tails},
      {{"transactions", "8 to 25 transactions per service with 4 to 13 events an hour each",
        "single failures of a transaction"},
       add_transactions},
      {{"mixed", "services of all these worlds in one time zone", "what must not alert in those"},
       nullptr,
       0,
       true},
  };
  return kEntries;
}

/// So that the incidents of one world say nothing about those of another.
uint64_t seed_of(uint64_t seed, std::string_view name) {
  for (char letter : name) seed = splitmix64(seed ^ static_cast<uint8_t>(letter));
  return seed;
}

bool is_mixed(const Entry& entry) { return std::string_view(entry.info.name) == "mixed"; }

void add_topics(const Entry& entry, Builder& builder) {
  if (!is_mixed(entry)) return entry.add(builder, entry.count);
  for (const Entry& part : entries()) {
    if (part.add != nullptr) part.add(builder, part.count > 5 ? 3 : 1);
  }
}

Result<World> build(const Entry& entry, const WorldOptions& options) {
  const double rate = options.anomaly_rate;
  const auto slot = rate > 0 ? static_cast<Duration>(static_cast<double>(kHour) / rate) : 0;
  Builder builder(seed_of(options.seed, entry.info.name), options.birth, slot);
  if (entry.zoned) TOCSIN_RETURN_IF_ERROR(draw_zone(builder));
  add_topics(entry, builder);
  return std::move(builder.world());
}

}  // namespace

std::span<const WorldInfo> worlds() {
  static const std::vector<WorldInfo> kInfos = [] {
    std::vector<WorldInfo> infos;
    for (const Entry& entry : entries()) infos.push_back(entry.info);
    return infos;
  }();
  return kInfos;
}

std::string list_of_worlds() {
  std::string text;
  for (const WorldInfo& info : worlds())
    text += fmt::format("\n  {:<13} {}", info.name, info.summary);
  return text;
}

Result<WorldInfo> find_world(std::string_view name) {
  for (const WorldInfo& info : worlds()) {
    if (name == info.name) return info;
  }
  return fail(ErrorCode::kInvalid,
              fmt::format("unknown world \"{}\"; the worlds are:{}", name, list_of_worlds()));
}

Result<std::unique_ptr<EventSource>> make_source(const WorldOptions& options) {
  TOCSIN_TRY(const WorldInfo info, find_world(options.name));
  if (options.name == worlds().front().name) return std::make_unique<Generator>(options);
  const auto entry = std::find_if(entries().begin(), entries().end(), [&](const Entry& candidate) {
    return candidate.info.name == info.name;
  });
  TOCSIN_TRY(World world, build(*entry, options));
  return std::make_unique<Player>(std::move(world),
                                  PlayerOptions{options.interval, options.birth + options.quiet});
}

}  // namespace tocsin::generate
