// Draws what happens in a slot.
#include "tools/generate/worlds/course.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "tools/generate/draw.h"
#include "tools/generate/worlds/world.h"

namespace tocsin::generate {
namespace {

Timestamp whole_minute(Timestamp t) { return t - t % kMinute; }

Scope draw_scope(const Service& service, IncidentShape::Where where, Random& random) {
  Scope scope;
  switch (where) {
    case IncidentShape::Where::kService: break;
    case IncidentShape::Where::kHost:
      scope.host = static_cast<uint16_t>(1 + random.below(service.profile.host_count));
      break;
    case IncidentShape::Where::kTransaction:
      scope.transaction = static_cast<int>(random.below(service.profile.transactions.size()));
      break;
    case IncidentShape::Where::kCanary: scope.canary = random.uniform(0.2, 0.5); break;
  }
  return scope;
}

Effect effect_of(const IncidentShape& shape, Random& random) {
  Effect effect;
  const double strength = shape.strength.draw(random);
  const bool coin = random.chance(0.5);
  switch (shape.kind) {
    case IncidentKind::kFailureRateSpike:
      effect.failure_factor = strength;
      effect.failure_min = shape.failure_min.draw(random);
      break;
    case IncidentKind::kMissingHeartbeat: effect.silent = true; break;
    case IncidentKind::kHighResponseTime:  // times the threshold
      (coin ? effect.tail_ms : effect.p95_ms) =
          strength * (coin ? kP99ThresholdMs : kP95ThresholdMs);
      break;
    case IncidentKind::kTransactionTimeout: effect.unfinished = strength; break;
    case IncidentKind::kLogVolume: effect.volume = coin ? strength : 1 / strength; break;
    case IncidentKind::kDegradation:
      effect.slowness = strength;
      effect.rises = true;
      break;
    case IncidentKind::kNewPattern: effect.message_share = strength; break;
    case IncidentKind::kPatternGone: break;
    case IncidentKind::kCollectorSilent: (coin ? effect.held : effect.silent) = true; break;
    case IncidentKind::kClockSkew:  // minutes
      effect.skew = static_cast<Duration>((coin ? strength : -strength) * kMinute);
      break;
  }
  return effect;
}

std::string cause_of(const World& world, const Incident& incident) {
  if (incident.effect.message != 0)
    return "message=" + world.wordings[incident.effect.message - 1u].text;
  if (incident.service == kEveryService) return "";
  const ServiceProfile& profile = world.services[incident.service].profile;
  const Scope& scope = incident.scope;
  if (profile.host_count == 1 && scope.host != 0) return "";  // the whole service
  if (scope.host != 0) return fmt::format("host={}-{}", profile.name, scope.host);
  if (scope.transaction < 0) return "";
  return "transaction=" + profile.transactions[static_cast<size_t>(scope.transaction)].name;
}

Label label_of_incident(const World& world, const Incident& incident, Duty duty) {
  Label label;
  if (duty != Duty::kQuiet) label.kind = name_of(incident.kind);
  if (incident.service != kEveryService)
    label.service = world.services[incident.service].profile.name;
  label.range = incident.range;
  label.cause = cause_of(world, incident);
  label.duty = duty;
  return label;
}

/// Start of what lasts from slot to slot.
Timestamp permanent_start(const World& world, size_t course, uint64_t slot, Timestamp start) {
  if (slot == 0) return world.birth;
  const Duration length = world.courses[course].slot;
  Random random(world.seed, 'P' + (course << 8), slot);
  const Timestamp slot_start = start + static_cast<Duration>(slot) * length;
  return whole_minute(slot_start +
                      static_cast<Duration>(random.uniform(0, 0.5) * static_cast<double>(length)));
}

/// The levels of a permanent course are those of `shape` in every second slot.
Incident draw_level(const World& world, size_t index, uint64_t slot, Timestamp start) {
  const Course& course = world.courses[index];
  Random random(world.seed, 'L' + (index << 8), (slot + 1) / 2);  // the same there and back
  const IncidentShape& shape = course.shapes[random.below(course.shapes.size())];
  Incident incident;
  incident.kind = shape.kind;
  incident.service = course.service;
  incident.range = {permanent_start(world, index, slot, start),
                    permanent_start(world, index, slot + 1, start)};
  Effect changed = effect_of(shape, random);
  changed.rises = false;
  if (shape.kind == IncidentKind::kDegradation && random.chance(0.3))
    changed.slowness = 1 / changed.slowness;
  const bool away = slot % 2 == 1;
  if (away) incident.effect = changed;
  if (slot == 0) return incident;
  const bool better = (changed.slowness < 1) == away;
  const bool both = shape.kind == IncidentKind::kLogVolume;
  incident.labels.push_back(
      label_of_incident(world, incident, both || !better ? shape.duty : Duty::kQuiet));
  Label& label = incident.labels.back();
  label.range.end = std::min(label.range.end, label.range.start + kSettled);
  label.permanent = true;
  label.cause = away ? "deployment" : "deployment: back to the earlier level";
  return incident;
}

Incident draw_release(const World& world, size_t index, uint64_t slot, Timestamp start) {
  const Course& course = world.courses[index];
  Random random(world.seed, 'R' + (index << 8), slot);
  Incident incident;
  incident.kind = IncidentKind::kNewPattern;
  incident.service = course.service;
  incident.range = {permanent_start(world, index, slot, start),
                    permanent_start(world, index, slot + 1, start)};
  incident.effect.version = static_cast<uint16_t>(1 + slot % 1000);
  incident.effect.message = course.messages[slot % course.messages.size()];
  incident.effect.message_share = course.shapes.front().strength.draw(random);
  if (slot == 0) return incident;
  for (IncidentKind kind : {IncidentKind::kNewPattern, IncidentKind::kPatternGone}) {
    incident.labels.push_back(label_of_incident(world, incident, Duty::kOptional));
    Label& label = incident.labels.back();
    label.kind = name_of(kind);
    label.range.end = std::min(label.range.end, label.range.start + kSettled);
    label.permanent = true;
    label.cause = fmt::format("release 1.{}", incident.effect.version);
  }
  return incident;
}

/// A time at which all of `length` is in the slot, with the distance after it.
Timestamp draw_start(const Course& course, uint64_t slot, Timestamp start, Duration length,
                     Random& random) {
  const double room = static_cast<double>(course.slot - length - kIncidentDistance);
  const auto offset = static_cast<Duration>(random.uniform() * std::max(room, 0.0));
  return whole_minute(start + static_cast<Duration>(slot) * course.slot + offset);
}

double traffic_at_start(const World& world, const Course& course, Timestamp t) {
  if (course.service == kEveryService) return 0;
  const Rhythm& rhythm = world.services[course.service].rhythm;
  return rate_at(rhythm, world.calendar, world.seed, world.birth, t);
}

TimeRange draw_range(const World& world, const Course& course, const IncidentShape& shape,
                     uint64_t slot, Timestamp start, Random& random) {
  if (course.when == Course::When::kWorkday) {
    const Timestamp t = draw_start(course, slot, start, 3 * kDay, random);
    const LocalTime local = world.calendar.at(t);
    const int64_t day = local.day + (local.weekday >= 5 ? 7 - local.weekday : 0);
    return {world.calendar.instant(day, 0), world.calendar.instant(day + 1, 0)};
  }
  if (course.when == Course::When::kBatchRun) {
    const WeeklyWindow& batch = *world.services[course.service].rhythm.batch;
    const Timestamp run =
        next_start(batch, world.calendar, draw_start(course, slot, start, course.slot / 2, random));
    return {run, run + batch.length};
  }
  const auto length = whole_minute(static_cast<Duration>(shape.minutes.draw(random) * kMinute));
  Timestamp begin = draw_start(course, slot, start, length, random);
  const Timestamp other = draw_start(course, slot, start, length, random);
  // Of two times the busier one, since most incidents do not show where nothing happens.
  if (traffic_at_start(world, course, other) > traffic_at_start(world, course, begin))
    begin = other;
  return {begin, begin + std::max(length, kMinute)};
}

/// Silence of the collector is one label; anything else that happens to every service is a label
/// each.
std::vector<Label> labels_of(const World& world, const Incident& incident,
                             const IncidentShape& shape) {
  Duty duty = shape.duty;
  if (incident.effect.held) duty = Duty::kOptional;  // what is imported later shows no gap
  Label label = label_of_incident(world, incident, duty);
  if (incident.effect.held) label.cause = "events arrive after the outage";
  if (incident.service != kEveryService || incident.kind == IncidentKind::kCollectorSilent)
    return {label};
  std::vector<Label> labels;
  for (const Service& service : world.services) {
    if (!service.life.contains(incident.range.start)) continue;
    label.service = service.profile.name;
    label.cause = "holiday";
    labels.push_back(label);
  }
  return labels;
}

}  // namespace

const char* name_of(IncidentKind kind) {
  static constexpr std::array kNames = {
      "FAILURE_RATE_SPIKE", "MISSING_HEARTBEAT",   "HIGH_RESPONSE_TIME", "TRANSACTION_TIMEOUT",
      "LOG_VOLUME_ANOMALY", "SERVICE_DEGRADATION", "NEW_PATTERN",        "PATTERN_GONE",
      "COLLECTOR_SILENT",   "CLOCK_SKEW"};
  return kNames[static_cast<size_t>(kind)];
}

Incident draw_incident(const World& world, size_t index, uint64_t slot, Timestamp start) {
  const Course& course = world.courses[index];
  if (course.when == Course::When::kPermanent) return draw_level(world, index, slot, start);
  if (course.when == Course::When::kRelease) return draw_release(world, index, slot, start);
  Random random(world.seed, 'I' + (index << 8), slot);
  const IncidentShape& shape = course.shapes[random.below(course.shapes.size())];
  Incident incident;
  incident.kind = shape.kind;
  incident.service = course.service;
  incident.range = draw_range(world, course, shape, slot, start, random);
  if (course.service != kEveryService)
    incident.scope = draw_scope(world.services[course.service], shape.where, random);
  incident.effect = effect_of(shape, random);
  if (course.when == Course::When::kWorkday) incident.effect.volume = shape.strength.draw(random);
  if (shape.kind == IncidentKind::kNewPattern) {
    incident.effect.message = course.messages[slot % course.messages.size()];
    const Wording& wording = world.wordings[incident.effect.message - 1u];
    incident.effect.message_fails = wording.level == "ERROR";
    if (incident.effect.message_fails) incident.effect.message_share = random.uniform(0.3, 1);
  }
  incident.labels = labels_of(world, incident, shape);
  if (course.when == Course::When::kBatchRun && incident.effect.silent) {
    // Silence lasts until the run after the one that did not come.
    incident.labels.front().range.end = next_start(*world.services[course.service].rhythm.batch,
                                                   world.calendar, incident.range.end);
  }
  return incident;
}

}  // namespace tocsin::generate
