// Poisson arrivals, their hosts, outcomes and durations, and when they arrive.
#include "tools/generate/worlds/player.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "db/base/check.h"
#include "tools/generate/draw.h"
#include "tools/generate/worlds/verdict.h"

namespace tocsin::generate {
namespace {

constexpr int kRetriesMax = 3;
constexpr Duration kHostLife = 12 * kHour;  // of a host that comes and goes
constexpr uint64_t kHostSlots = 64, kHostGenerations = 1000;
constexpr int kHostTries = 32;
constexpr Duration kDrainSpeed = 10;  // of events that were held back

Timestamp minute_of(Timestamp t) { return t - t % kMinute; }

std::vector<ServiceProfile> profiles_of(const World& world) {
  std::vector<ServiceProfile> profiles;
  for (const Service& service : world.services) profiles.push_back(service.profile);
  return profiles;
}

}  // namespace

Player::Player(World world, const PlayerOptions& options)
    : world_(std::move(world)),
      options_(options),
      profiles_(profiles_of(world_)),
      timeline_(world_, options.first_incident),
      tick_start_(world_.birth),
      minute_(minute_of(world_.birth)) {
  TOCSIN_CHECK(options_.interval > 0);
}

void Player::seek(Timestamp start) {
  TOCSIN_CHECK(start >= world_.birth && (start - world_.birth) % options_.interval == 0);
  tick_start_ = start;
  minute_ = minute_of(std::max(world_.birth, start - kDurationMax - kDelayMax));
  later_.clear();
  labels_.clear();
  ready_.clear();
  ready_used_ = 0;
  while (minute_ + kMinute <= start) {
    draw_minute();
    ready_.clear();
  }
}

TimeRange Player::next(std::vector<Event>& out) {
  const TimeRange range{tick_start_, tick_start_ + options_.interval};
  while (minute_ < range.end) draw_minute();
  out.clear();
  for (; ready_used_ < ready_.size() && ready_[ready_used_].at < range.end; ++ready_used_) {
    if (ready_[ready_used_].at >= range.start) out.push_back(ready_[ready_used_].event);
  }
  std::sort(out.begin(), out.end(), [](const Event& a, const Event& b) {
    return a.time != b.time ? a.time < b.time : a.noise < b.noise;
  });
  std::erase_if(labels_, [&](const Label& label) { return label.range.start < range.start; });
  tick_start_ = range.end;
  return range;
}

std::vector<Label> Player::begun() const {
  std::vector<Label> begun;
  for (const Label& label : labels_) {
    if (label.range.start < tick_start_) begun.push_back(label);
  }
  return begun;
}

void Player::draw_minute() {
  timeline_.extend(minute_ + kDurationMax + kDelayMax);
  if (minute_ % kHour == 0) timeline_.prune(minute_ - kDelayMax);
  if (later_.empty()) later_.emplace_back();
  draw_labels();
  for (size_t service = 0; service < world_.services.size(); ++service) {
    Random random(world_.seed, 'E' + (service << 8), static_cast<uint64_t>(minute_ / kMinute));
    draw_service(service, random);
  }
  ready_.erase(ready_.begin(), ready_.begin() + static_cast<std::ptrdiff_t>(ready_used_));
  ready_used_ = 0;
  std::vector<Arrival>& arrived = later_.front();
  std::sort(arrived.begin(), arrived.end(), [](const Arrival& a, const Arrival& b) {
    return a.at != b.at ? a.at < b.at : a.event.noise < b.event.noise;
  });
  ready_.insert(ready_.end(), arrived.begin(), arrived.end());
  arrived.clear();
  later_.push_back(std::move(arrived));  // its memory is reused by a later minute
  later_.pop_front();
  minute_ += kMinute;
}

void Player::draw_labels() {
  for (const Incident& incident : timeline_.beginning(minute_)) {
    for (Label label : incident.labels) {
      if (incident.scope.canary > 0)
        label.cause = fmt::format("version=1.{}", next_version(incident.service));
      if (label.duty == Duty::kRequired && !is_provable(world_, timeline_, incident, label.range)) {
        label.duty = Duty::kWeak;
      }
      labels_.push_back(std::move(label));
    }
  }
}

/// The version after the current one.
int Player::next_version(size_t service) const {
  EventState state;
  for (const Incident& incident : timeline_.of(service)) {
    if (incident.range.contains(minute_)) state.apply(incident, minute_);
  }
  return state.version + 1;
}

void Player::draw_service(size_t service, Random& random) {
  if (timeline_.silent(service, minute_)) return;
  load_ = timeline_.arrivals_per_hour(service, minute_);
  active_.clear();
  for (const Incident& incident : timeline_.of(service)) {
    if (incident.range.contains(minute_)) active_.push_back(&incident);
  }
  for_each_arrival(minute_, kMinute, load_ / 60, random,
                   [&](Timestamp time) { draw_arrival(service, time, random); });
}

void Player::draw_arrival(size_t index, Timestamp time, Random& random) {
  const Service& service = world_.services[index];
  Event event;
  event.time = time;
  event.service = static_cast<uint16_t>(index);
  event.transaction = pick_transaction(service.profile, random);
  const double type = random.uniform();
  if (type >= service.audit_share) event.type = LogType::kPerformance;
  if (type >= service.audit_share + service.performance_share) event.type = LogType::kBpm;
  draw_request(event, 0, random);
}

void Player::draw_request(const Event& request, int attempt, Random& random) {
  const Service& service = world_.services[request.service];
  Event event = request;
  event.host = pick_host(request.service, random);
  event.noise = random.next();
  const EventState state = draw_state(event, random);
  event.version = static_cast<uint16_t>(state.version + state.next_version);
  draw_outcome(event, state, random);
  event.duration_tenths = draw_duration(event, state, random);
  if (event.type == LogType::kBpm) {
    draw_transaction(event, state, random);
  } else {
    if (event.type == LogType::kPerformance) {
      event.cpu_tenths = static_cast<uint16_t>(random.uniform(100, 900));
      event.memory_tenths =
          static_cast<uint32_t>(6000 + 400u * event.host % 4000 + random.below(300));
    }
    add(event);
  }
  if (event.outcome == Outcome::kSuccess || attempt >= kRetriesMax) return;
  if (!random.chance(service.retry_chance)) return;
  Event again = request;
  again.time += static_cast<Duration>(random.uniform(1, 10) * kSecond);
  draw_request(again, attempt + 1, random);
}

/// `start` carries the outcome, the duration and the wording of the whole transaction.
void Player::draw_transaction(Event start, const EventState& state, Random& random) {
  start.transaction_id = random.next();
  Event end = start;
  end.step = Step::kEnd;
  const Duration duration = start.duration_tenths * (kMillisecond / 10);
  end.time += duration;
  end.noise = splitmix64(start.noise);
  start.outcome = Outcome::kSuccess;
  start.duration_tenths = 0;
  start.message = 0;
  Event step = start;
  step.step = Step::kStep;
  start.step = Step::kStart;
  add(start);
  const bool ends = !random.chance(state.unfinished);
  const auto steps = static_cast<int64_t>(random.below(3));
  for (int64_t i = 1; i <= (ends ? steps : steps / 2); ++i) {
    step.time = start.time + duration * i / (steps + 1);
    step.noise = splitmix64(start.noise + static_cast<uint64_t>(i));
    add(step);
  }
  if (ends) add(end);
}

EventState Player::draw_state(const Event& event, Random& random) const {
  EventState state = usual_state(world_.services[event.service]);
  for (const Incident* incident : active_) {
    const Scope& scope = incident->scope;
    if (scope.host != 0 && scope.host != event.host) continue;
    if (scope.transaction >= 0 && scope.transaction != event.transaction) continue;
    if (scope.canary > 0 && !random.chance(scope.canary)) continue;
    state.apply(*incident, event.time);
  }
  return state;
}

void Player::draw_outcome(Event& event, const EventState& state, Random& random) const {
  if (random.chance(state.failure_rate))
    event.outcome = random.chance(kTimeoutShare) ? Outcome::kTimeout : Outcome::kFailed;
  const bool fails = event.outcome != Outcome::kSuccess;
  if (state.message != 0 && state.message_fails == fails && random.chance(state.message_share))
    event.message = state.message;
}

uint32_t Player::draw_duration(const Event& event, const EventState& state, Random& random) const {
  const Service& service = world_.services[event.service];
  const ServiceProfile& profile = service.profile;
  double spread = 1;
  if (service.pareto > 0)
    spread = std::exp2(-1 / service.pareto) * std::pow(1 - random.uniform(), -1 / service.pareto);
  else
    spread = std::exp(profile.sigma * random.normal());
  double ms = profile.median_ms * profile.transactions[event.transaction].slowness * spread *
              state.slowness;
  if (event.outcome == Outcome::kFailed) ms *= kFailedSpeed;
  if (event.outcome == Outcome::kTimeout) ms *= kTimeoutSlowness;
  if (state.p95_ms > 0) ms = state.p95_ms * spread / std::exp(profile.sigma * kNormalP95);
  if (state.tail_ms > 0 && random.chance(kTailShare)) ms = state.tail_ms * random.uniform(0.9, 1.1);
  const double limit_ms = static_cast<double>(kDurationMax - kSecond) / kMillisecond;
  return static_cast<uint32_t>(std::clamp(ms, 0.1, limit_ms) * 10);
}

uint16_t Player::pick_host(size_t index, Random& random) const {
  const Service& service = world_.services[index];
  const uint32_t count_max = service.profile.host_count;
  if (service.events_per_host > 0) {
    const double wanted = load_ * events_per_arrival(service) / service.events_per_host;
    const uint64_t count = std::clamp<uint64_t>(static_cast<uint64_t>(wanted) + 1, 1, count_max);
    const uint64_t place = random.below(count);
    const auto shift = static_cast<Timestamp>(splitmix64(place) % kHostLife);
    const auto generation = static_cast<uint64_t>((minute_ + shift) / kHostLife);
    return static_cast<uint16_t>(1 + generation % kHostGenerations * kHostSlots + place);
  }
  uint16_t host = 1;
  for (int i = 0; i < kHostTries; ++i) {
    host = static_cast<uint16_t>(1 + random.below(count_max));
    if (!is_down(index, host, minute_)) break;
  }
  return host;
}

bool Player::is_down(size_t service, uint16_t host, Timestamp t) const {
  for (const Incident& incident : timeline_.of(service)) {
    const Scope& scope = incident.scope;
    if (incident.effect.silent && incident.range.contains(t) &&
        (scope.whole() || scope.host == host)) {
      return true;
    }
  }
  return !world_.services[service].life.contains(t);
}

void Player::add(Event event) {
  if (is_down(event.service, event.host, event.time)) return;
  const Service& service = world_.services[event.service];
  Timestamp at = event.time;
  if (event.host == service.late_host) at += service.late_by;
  Duration skew = 0;
  for (const Incident& incident : timeline_.of(event.service)) {
    if (!incident.range.contains(event.time)) continue;
    if (incident.effect.held)
      at = incident.range.end + (event.time - incident.range.start) / kDrainSpeed;
    if (incident.scope.host == event.host) skew += incident.effect.skew;
  }
  event.time += skew;
  event.time -= event.time % kMicrosecond;  // the precision of the JSON format
  const auto ahead = static_cast<size_t>((at - minute_) / kMinute);
  while (later_.size() <= ahead) later_.emplace_back();
  later_[ahead].push_back({at, event});
}

}  // namespace tocsin::generate
