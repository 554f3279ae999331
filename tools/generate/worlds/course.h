// What happens to services besides their usual traffic: incidents, deployments, releases.
#pragma once

#include <cstdint>
#include <vector>

#include "db/base/time.h"
#include "tools/generate/label.h"
#include "tools/generate/worlds/range.h"

namespace tocsin::generate {

enum class IncidentKind : uint8_t {
  kFailureRateSpike,
  kMissingHeartbeat,
  kHighResponseTime,
  kTransactionTimeout,
  kLogVolume,
  kDegradation,
  kNewPattern,
  kPatternGone,
  kCollectorSilent,
  kClockSkew,
};
const char* name_of(IncidentKind kind);  ///< the type of the alert, such as `NEW_PATTERN`

/// The part of a service that an effect applies to. The default is all of it.
struct Scope {
  uint16_t host = 0;     ///< 0: every host
  int transaction = -1;  ///< -1: every transaction
  double canary = 0;     ///< > 0: this share of the events, which the next version writes

  bool whole() const { return host == 0 && transaction < 0 && canary == 0; }
  bool operator==(const Scope&) const = default;
};

/// How the events of a service differ from the usual ones.
struct Effect {
  double volume = 1;
  double slowness = 1;
  bool rises = false;  ///< `slowness` is reached after two thirds of the time
  double failure_factor = 1;
  double failure_min = 0;
  double unfinished = 0;  ///< share of transactions that never end
  double p95_ms = 0, tail_ms = 0;
  bool silent = false;         ///< of a scope with a host: the others do its work
  bool held = false;           ///< all events arrive after the end
  Duration skew = 0;           ///< added to the times that are written
  uint16_t version = 0;        ///< 0: unchanged
  uint16_t message = 0;        ///< as in Event
  double message_share = 0;    ///< of the successes, or of the failures
  bool message_fails = false;  ///< of the failures
};

/// What may happen, with the ranges that it is drawn from.
struct IncidentShape {
  enum class Where : uint8_t { kService, kHost, kTransaction, kCanary };

  IncidentKind kind = IncidentKind::kFailureRateSpike;
  Range minutes{};   ///< length; unused where the course decides it
  Range strength{};  ///< by kind, see effect_of() in course.cpp
  Where where = Where::kService;
  Duty duty = Duty::kRequired;
  Range failure_min{};  ///< kFailureRateSpike: the share of failures is at least that
};

inline constexpr size_t kEveryService = SIZE_MAX;

/// Something that happens once in each slot of time. What happens in a slot depends only on the
/// slot's number, so nobody has to go through the earlier ones.
struct Course {
  enum class When : uint8_t {
    kAnyTime,
    kWorkday,    ///< all of a local day that is not Saturday or Sunday
    kBatchRun,   ///< a run of the service's batch
    kPermanent,  ///< from one slot to the next; in every second one the first level returns
    kRelease,    ///< from one slot to the next, a new version with a message of its own each time
  };

  size_t service = kEveryService;
  Duration slot = kDay;
  When when = When::kAnyTime;
  std::vector<IncidentShape> shapes;  ///< equally likely
  std::vector<uint16_t> messages;     ///< of releases and of kNewPattern, in turn
};

struct Incident {
  IncidentKind kind = IncidentKind::kFailureRateSpike;
  size_t service = kEveryService;
  TimeRange range;  ///< of the effect, in whole minutes
  Scope scope;
  Effect effect;
  std::vector<Label> labels;  ///< kRequired ones may turn out to be weak
};

struct World;

/// At least that much time is between two incidents of a course.
inline constexpr Duration kIncidentDistance = 2 * kHour;
/// The label of a permanent change ends then. From then on, it is the normal state.
inline constexpr Duration kSettled = kDay;

/// What happens in a slot, the first of which begins at `start`.
Incident draw_incident(const World& world, size_t course, uint64_t slot, Timestamp start);

}  // namespace tocsin::generate
