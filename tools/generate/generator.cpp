// Makes events: Poisson arrivals, lognormal durations, and the effects of anomalies on both.
#include "tools/generate/generator.h"

#include <algorithm>
#include <cmath>

#include "db/base/check.h"
#include "tools/generate/draw.h"

namespace tocsin::generate {
namespace {

constexpr double kLoadSlowness = 0.1;  // at twice the usual traffic, durations are 10 % longer
constexpr double kLoadMax = 2.5;       // more traffic does not make requests slower
constexpr double kSlowRequestChance = 0.0005;
constexpr double kSlowRequestMin = 8, kSlowRequestMax = 40;  // times the median
constexpr double kSlowRequestMsMax = 20'000;
constexpr double kStepsMax = 3;  // a transaction has 0 to 2 steps, with a mean of one
constexpr double kEventsPerTransaction = 3;

double weight_of(Outcome outcome) {
  if (outcome == Outcome::kFailed) return kFailedSpeed;
  return outcome == Outcome::kTimeout ? kTimeoutSlowness : 1;
}

AnomalyScheduleOptions schedule_options(const WorldOptions& world) {
  return {world.seed, world.birth + world.quiet, world.interval, world.anomaly_rate};
}

}  // namespace

const char* name_of(LogType type) {
  static constexpr const char* kNames[kLogTypeCount] = {"audit", "bpm", "performance"};
  return kNames[static_cast<size_t>(type)];
}

Generator::Generator(WorldOptions options)
    : options_(std::move(options)),
      schedule_(schedule_options(options_)),
      tick_start_(options_.birth),
      current_(services().size()) {
  TOCSIN_CHECK(options_.interval > 0);
  for (const Anomaly& anomaly : options_.injected) current_[anomaly.service].push_back(anomaly);
}

void Generator::seek(Timestamp start) {
  TOCSIN_CHECK(start >= options_.birth && (start - options_.birth) % options_.interval == 0);
  ticks_.clear();
  const Duration warm_up = (kDurationMax / options_.interval + 1) * options_.interval;
  tick_start_ = std::max(options_.birth, start - warm_up);
  std::vector<Event> dropped;
  while (tick_start_ < start) next(dropped);
}

TimeRange Generator::next(std::vector<Event>& out) {
  const TimeRange range{tick_start_, tick_start_ + options_.interval};
  schedule_.extend(range.end);
  for (; schedule_seen_ < schedule_.anomalies().size(); ++schedule_seen_) {
    const Anomaly& anomaly = schedule_.anomalies()[schedule_seen_];
    current_[anomaly.service].push_back(anomaly);
  }
  play_tick();
  out.swap(ticks_.front());
  ticks_.front().clear();
  ticks_.push_back(std::move(ticks_.front()));  // its memory is reused by a later tick
  ticks_.pop_front();
  std::sort(out.begin(), out.end(), [](const Event& a, const Event& b) {
    return a.time != b.time ? a.time < b.time : a.noise < b.noise;
  });
  tick_start_ = range.end;
  return range;
}

std::vector<Label> Generator::begun() const {
  const TimeRange last{tick_start_ - options_.interval, tick_start_};
  std::vector<Label> begun;
  for (const std::vector<Anomaly>& of_service : current_) {
    for (const Anomaly& anomaly : of_service) {
      if (last.contains(anomaly.range.start)) begun.push_back(label_of(anomaly));
    }
  }
  return begun;
}

void Generator::play_tick() {
  if (ticks_.empty()) ticks_.emplace_back();
  for (auto& anomalies : current_) {
    std::erase_if(anomalies, [&](const Anomaly& a) { return a.range.end <= tick_start_; });
  }
  Random random(options_.seed, 'T', static_cast<uint64_t>(tick_start_ / options_.interval));
  for (size_t service = 0; service < services().size(); ++service) {
    if (conditions(service).silent) {
      std::erase_if(ticks_.front(), [&](const Event& event) { return event.service == service; });
    }
    Random own(random.next());  // services do not influence each other's random numbers
    play_service(service, own);
  }
}

void Generator::play_service(size_t service, Random& random) {
  const Conditions now = conditions(service);
  if (now.silent) return;
  play_requests(LogType::kAudit, service, now, random);
  play_requests(LogType::kPerformance, service, now, random);
  play_transactions(service, now, random);
}

void Generator::play_requests(LogType type, size_t service, const Conditions& now, Random& random) {
  const double count = options_.events_per_batch * services()[service].share * now.traffic;
  for_each_arrival(tick_start_, options_.interval, count, random, [&](Timestamp time) {
    Event event = draw_request(type, service, now, random);
    event.time = time;
    event.duration_tenths = draw_duration(event, now, random);
    if (type == LogType::kPerformance) draw_resources(event, now.traffic, random);
    add(event);
  });
}

void Generator::play_transactions(size_t service, const Conditions& now, Random& random) {
  const double count =
      options_.events_per_batch * services()[service].share * now.traffic / kEventsPerTransaction;
  for_each_arrival(tick_start_, options_.interval, count, random, [&](Timestamp time) {
    Event start = draw_request(LogType::kBpm, service, now, random);
    start.time = time;
    start.transaction_id = random.next();
    finish_transaction(start, now, random);
    start.step = Step::kStart;
    start.outcome = Outcome::kSuccess;
    add(start);
  });
}

/// Adds the steps and the end. `start` carries the outcome of the whole transaction.
void Generator::finish_transaction(const Event& start, const Conditions& now, Random& random) {
  const uint32_t duration_tenths = draw_duration(start, now, random);
  const Duration duration = duration_tenths * (kMillisecond / 10);
  const bool ends = !random.chance(std::max(now.unfinished_share, kAbandonedShare));
  const auto steps = static_cast<int64_t>(random.uniform() * kStepsMax);
  const int64_t steps_done = ends ? steps : steps / 2;
  for (int64_t i = 1; i <= steps_done; ++i) {
    Event step = start;
    step.step = Step::kStep;
    step.outcome = Outcome::kSuccess;
    step.time += duration * i / (steps + 1);
    step.noise = splitmix64(start.noise + static_cast<uint64_t>(i));
    add(step);
  }
  if (!ends) return;
  Event end = start;
  end.step = Step::kEnd;
  end.time += duration;
  end.duration_tenths = duration_tenths;
  end.noise = splitmix64(start.noise);
  add(end);
}

Event Generator::draw_request(LogType type, size_t service, const Conditions& now,
                              Random& random) const {
  const ServiceProfile& profile = services()[service];
  Event event;
  event.type = type;
  event.service = static_cast<uint16_t>(service);
  event.transaction = pick_transaction(profile, random);
  event.host = static_cast<uint16_t>(1 + random.below(profile.host_count));
  event.noise = random.next();
  if (random.chance(std::min(0.9, profile.failure_rate * now.failure_factor))) {
    event.outcome = random.chance(kTimeoutShare) ? Outcome::kTimeout : Outcome::kFailed;
  }
  return event;
}

uint32_t Generator::draw_duration(const Event& event, const Conditions& now, Random& random) const {
  const ServiceProfile& profile = services()[event.service];
  const double spread = std::exp(profile.sigma * random.normal());
  double ms = profile.median_ms * profile.transactions[event.transaction].slowness * spread *
              weight_of(event.outcome) * now.duration_factor *
              (1 + kLoadSlowness * (std::min(now.traffic, kLoadMax) - 1));
  if (random.chance(kSlowRequestChance)) {
    const double slowness = random.uniform(kSlowRequestMin, kSlowRequestMax);
    ms = std::min(ms * slowness, kSlowRequestMsMax);
  }
  if (now.p95_target_ms > 0) ms = now.p95_target_ms * spread / std::exp(profile.sigma * kNormalP95);
  if (now.tail_ms > 0 && random.chance(kTailShare)) ms = now.tail_ms * random.uniform(0.9, 1.1);
  const double limit_ms = static_cast<double>(kDurationMax - kSecond) / kMillisecond;
  return static_cast<uint32_t>(std::clamp(ms, 0.1, limit_ms) * 10);
}

void Generator::draw_resources(Event& event, double traffic, Random& random) const {
  const double cpu = 12 + 22 * traffic + 6 * random.normal();
  event.cpu_tenths = static_cast<uint16_t>(std::clamp(cpu, 0.5, 99.9) * 10);
  // Memory grows until a nightly restart, and differs by host.
  const double day_part = static_cast<double>(event.time % kDay) / static_cast<double>(kDay);
  const double memory = 600 + 90 * event.service + 40 * event.host + 350 * day_part;
  event.memory_tenths = static_cast<uint32_t>((memory + 15 * random.normal()) * 10);
}

Generator::Conditions Generator::conditions(size_t service) const {
  Conditions now;
  now.traffic = traffic_at(options_.seed, service, tick_start_);
  const Anomaly* anomaly = anomaly_of(service, tick_start_);
  if (anomaly == nullptr) return now;
  switch (anomaly->kind) {
    case AnomalyKind::kFailureRateSpike: now.failure_factor = anomaly->strength; break;
    case AnomalyKind::kMissingHeartbeat: now.silent = true; break;
    case AnomalyKind::kHighResponseTime:
      if (anomaly->tail_only)
        now.tail_ms = anomaly->strength * kP99ThresholdMs;
      else
        now.p95_target_ms = anomaly->strength * kP95ThresholdMs;
      break;
    case AnomalyKind::kTransactionTimeout: now.unfinished_share = anomaly->strength; break;
    case AnomalyKind::kLogVolume: now.traffic *= anomaly->strength; break;
    case AnomalyKind::kDegradation:
      now.duration_factor = 1 + (anomaly->strength - 1) * anomaly->progress(tick_start_);
      break;
  }
  return now;
}

const Anomaly* Generator::anomaly_of(size_t service, Timestamp t) const {
  for (const Anomaly& anomaly : current_[service]) {
    if (anomaly.range.contains(t)) return &anomaly;
  }
  return nullptr;
}

void Generator::add(const Event& event) {
  const auto ahead = static_cast<size_t>((event.time - tick_start_) / options_.interval);
  while (ticks_.size() <= ahead) ticks_.emplace_back();
  ticks_[ahead].push_back(event);
  ticks_[ahead].back().time -= event.time % kMicrosecond;  // the precision of the JSON format
}

}  // namespace tocsin::generate
