// The schedule of anomalies.
#include "tools/generate/anomaly.h"

#include <algorithm>

#include <fmt/format.h>

#include "tools/generate/services.h"

namespace tocsin::generate {
namespace {

struct KindShape {
  const char* name;
  Duration length_min, length_max;
  double strength_min, strength_max;
};

constexpr std::array<KindShape, kAnomalyKindCount> kShapes = {{
    {"FAILURE_RATE_SPIKE", 30 * kMinute, 60 * kMinute, 4, 10},
    {"MISSING_HEARTBEAT", 10 * kMinute, 30 * kMinute, 0, 0},
    {"HIGH_RESPONSE_TIME", 15 * kMinute, 40 * kMinute, 1.25, 2},  // times the threshold
    {"TRANSACTION_TIMEOUT", 30 * kMinute, 60 * kMinute, 0.3, 0.6},
    {"LOG_VOLUME_ANOMALY", 30 * kMinute, 60 * kMinute, 4, 4},  // or a fifth
    {"SERVICE_DEGRADATION", 60 * kMinute, 90 * kMinute, 1.6, 2.5},
}};
constexpr double kDegradationRise = 2.0 / 3;

const KindShape& shape_of(AnomalyKind kind) { return kShapes[static_cast<size_t>(kind)]; }

/// The mean number of slots in which an anomaly keeps its service from having another one, besides
/// the slot in which it begins: its length and the distance, less the half slot before its start.
double slots_closed() {
  Duration total = 0;
  for (const KindShape& shape : kShapes) total += (shape.length_min + shape.length_max) / 2;
  const double mean = static_cast<double>(total) / static_cast<double>(kAnomalyKindCount);
  return (mean + static_cast<double>(kAnomalyDistance)) / static_cast<double>(kHour) - 0.5;
}

Timestamp align(Timestamp t, Duration tick) { return t - t % tick; }

}  // namespace

const char* name_of(AnomalyKind kind) { return shape_of(kind).name; }

Result<AnomalyKind> parse_anomaly_kind(std::string_view text) {
  for (size_t i = 0; i < kAnomalyKindCount; ++i) {
    if (text == kShapes[i].name) return static_cast<AnomalyKind>(i);
  }
  std::string names;
  for (const KindShape& shape : kShapes) names += fmt::format("\n  {}", shape.name);
  return fail(ErrorCode::kInvalid,
              fmt::format("unknown kind of anomaly \"{}\"; the kinds are:{}", text, names));
}

double Anomaly::progress(Timestamp t) const {
  const double part =
      static_cast<double>(t - range.start) / static_cast<double>(range.end - range.start);
  return std::clamp(part / kDegradationRise, 0.0, 1.0);
}

Label label_of(const Anomaly& anomaly) {
  Label label;
  label.kind = name_of(anomaly.kind);
  label.service = services()[anomaly.service].name;
  label.range = anomaly.range;
  return label;
}

Anomaly draw_anomaly(Random& random, AnomalyKind kind, size_t service, Timestamp start,
                     Duration tick) {
  const KindShape& shape = shape_of(kind);
  Anomaly anomaly;
  anomaly.kind = kind;
  anomaly.service = service;
  anomaly.strength = random.uniform(shape.strength_min, shape.strength_max);
  const bool coin = random.chance(0.5);
  if (kind == AnomalyKind::kLogVolume && coin) anomaly.strength = 0.2;
  if (kind == AnomalyKind::kHighResponseTime) anomaly.tail_only = coin;
  const double length =
      random.uniform(static_cast<double>(shape.length_min), static_cast<double>(shape.length_max));
  anomaly.range.start = align(start, tick);
  anomaly.range.end = align(start + static_cast<Duration>(length), tick);
  return anomaly;
}

Schedule::Schedule(const AnomalyScheduleOptions& options)
    : options_(options),
      random_(options.seed, 'A', static_cast<uint64_t>(options.start)),
      next_hour_(options.start),
      free_from_(services().size(), kTimeMin) {
  for (size_t i = 0; i < kAnomalyKindCount; ++i) bag_[i] = static_cast<AnomalyKind>(i);
  // To get a share `rate` of all slots when only the slots that the distance allows can be drawn.
  const double open_share = 1 - options.rate * slots_closed();
  start_chance_ = options.rate / std::max(open_share, options.rate);
}

void Schedule::extend(Timestamp t) {
  if (options_.rate <= 0) return;
  while (next_hour_ < t) draw_hour();
}

void Schedule::draw_hour() {
  for (size_t service = 0; service < free_from_.size(); ++service) {
    const auto offset = static_cast<Duration>(random_.uniform() * static_cast<double>(kHour));
    const Timestamp start = next_hour_ + offset;
    const bool wanted = random_.chance(start_chance_);
    if (!wanted || align(start, options_.tick) < free_from_[service]) continue;
    anomalies_.push_back(draw_anomaly(random_, next_kind(), service, start, options_.tick));
    free_from_[service] = anomalies_.back().range.end + kAnomalyDistance;
  }
  next_hour_ += kHour;
}

AnomalyKind Schedule::next_kind() {
  if (bag_used_ == bag_.size()) {
    for (size_t i = bag_.size() - 1; i > 0; --i) std::swap(bag_[i], bag_[random_.below(i + 1)]);
    bag_used_ = 0;
  }
  return bag_[bag_used_++];
}

}  // namespace tocsin::generate
