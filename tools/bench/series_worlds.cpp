#include "tools/bench/series_worlds.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>

namespace tocsin::bench {
namespace {

constexpr int kDays = 51;
constexpr int kLearningDays = 21;
constexpr double kPi = 3.14159265358979323846;
/// Deviations of a normal distribution that chance exceeds with p < 1e-6 on both sides.
constexpr double kRejected = 5.2;

class Chance {
 public:
  explicit Chance(uint64_t seed) : engine_(seed) {}

  double between(double a, double b) { return std::uniform_real_distribution<>(a, b)(engine_); }
  double between_logs(double a, double b) { return std::exp(between(std::log(a), std::log(b))); }
  bool happens(double p) { return between(0, 1) < p; }
  int below(int n) { return std::min(n - 1, static_cast<int>(between(0, n))); }
  double normal() { return std::normal_distribution<>(0, 1)(engine_); }
  /// Of variance 1, with heavier tails the fewer `freedom`, but no outliers of the size of a spike.
  double student(double freedom) {
    const double t = std::student_t_distribution<>(freedom)(engine_);
    return std::clamp(t * std::sqrt((freedom - 2) / freedom), -5.0, 5.0);
  }
  double poisson(double mean) {
    return mean > 0 ? static_cast<double>(std::poisson_distribution<int64_t>(mean)(engine_)) : 0;
  }

 private:
  std::mt19937_64 engine_;
};

enum class Kind : uint8_t { kManyEvents, kFewEvents, kRareEvents, kGauge, kDuration };

/// What a series is like while nothing happens.
struct Nature {
  Kind kind = Kind::kGauge;
  int day = 288;
  double level = 1;
  double daily = 0;    ///< how deep the daily season is, 0 to 1
  double weekend = 1;  ///< factor on two days of seven
  bool office_hours = false;
  double opens = 8, closes = 18, ramp = 1;  // hours
  double phase = 0, second_phase = 0, second = 0;
  double growth = 0;  ///< per day
  double overdispersion = 0;
  double noise = 0.1;
  double memory = 0;   ///< correlation of the noise with the bucket before
  double freedom = 0;  ///< of heavy tails; 0: normal
  double offset = 0;   ///< of gauges, in levels

  bool counts() const {
    return kind == Kind::kManyEvents || kind == Kind::kFewEvents || kind == Kind::kRareEvents;
  }
  double inflation() const { return std::sqrt((1 + memory) / (1 - memory)); }

  double season(int i) const {
    const double hour = 24.0 * (i % day) / day;
    double factor = 1;
    if (office_hours) {
      const auto step = [&](double t) { return 1 / (1 + std::exp(-4 * t / ramp)); };
      factor = 1 - daily + daily * step(hour - opens) * step(closes - hour);
    } else {
      const double wave = std::cos(2 * kPi * (hour - phase) / 24) +
                          second * std::cos(4 * kPi * (hour - second_phase) / 24);
      factor = 1 + daily * wave / (1 + second);
    }
    if (i / day % 7 >= 5) factor *= weekend;
    return std::max(0.01, factor);
  }
  double trend(int i) const { return std::max(0.05, 1 + growth * i / day); }
  double mean(int i) const { return level * trend(i) * season(i); }
  double deviation(int i) const {
    const double mu = mean(i);
    return counts() ? std::sqrt(mu + overdispersion * overdispersion * mu * mu)
                    : noise * (0.7 * mu + 0.3 * level);
  }
};

Nature draw_nature(Chance& chance) {
  Nature out;
  out.day = std::array{288, 288, 144, 96, 24}[static_cast<size_t>(chance.below(5))];
  out.kind = static_cast<Kind>(chance.below(5));
  switch (out.kind) {
    case Kind::kManyEvents: out.level = chance.between_logs(30, 3000); break;
    case Kind::kFewEvents: out.level = chance.between_logs(1.5, 30); break;
    case Kind::kRareEvents: out.level = chance.between_logs(0.003, 0.5); break;
    default: out.level = chance.between_logs(1, 1e4);
  }
  out.daily = chance.happens(0.25) ? 0 : chance.between(0.15, 0.9);
  out.weekend = chance.happens(0.5) ? 1 : chance.between(0.05, 0.9);
  if (out.kind == Kind::kDuration) {
    out.daily *= 0.4;
    out.weekend = chance.happens(0.7) ? 1 : chance.between(0.8, 1.2);
  }
  out.office_hours = out.daily > 0 && chance.happens(0.25);
  out.opens = chance.between(6, 10);
  out.closes = chance.between(16, 20);
  out.ramp = chance.between(0.5, 3);
  out.phase = chance.between(0, 24);
  out.second_phase = chance.between(0, 24);
  out.second = chance.between(0, 0.4);
  out.growth = chance.happens(0.3) ? chance.between(-0.01, 0.015) : 0;
  if (out.kind == Kind::kManyEvents) out.overdispersion = chance.between_logs(0.02, 0.15);
  if (out.kind == Kind::kFewEvents) out.overdispersion = chance.between_logs(0.02, 0.2);
  out.noise = chance.between_logs(0.02, 0.25);
  out.memory = chance.happens(0.5) ? 0 : chance.between(0.1, 0.85);
  out.freedom = chance.happens(0.3) ? chance.between(3.5, 8) : 0;
  out.offset = out.kind == Kind::kGauge && chance.happens(0.3) ? chance.between(0, 3) : 0;
  return out;
}

struct Event {
  int start = 0;
  int end = 0;
  Incident kind = Incident::kShift;
  double size = 0;  ///< 0 to 1
  bool up = true;
};

int draw_length(Incident kind, int day, Chance& chance) {
  const double hour = day / 24.0;
  const auto hours = [&](int least, double a, double b) {
    return std::max(least, static_cast<int>(chance.between(a, b) * hour));
  };
  switch (kind) {
    case Incident::kShift: return hours(6, 2, 18);
    case Incident::kSpike:
    case Incident::kDip: return 1 + chance.below(3);
    case Incident::kRamp: return hours(8, 4, 24);
    case Incident::kFrozen: return hours(8, 2, 12);
    case Incident::kNoSeason: return day;
    case Incident::kVariance: return hours(16, 6, 24);
  }
  return 1;
}

std::vector<Event> draw_events(const Nature& nature, Chance& chance) {
  std::vector<Event> out;
  const int day = nature.day;
  int at = kLearningDays * day + static_cast<int>(chance.between(0.5, 3) * day);
  while (at < (kDays - 2) * day) {
    Event event;
    event.start = at;
    event.kind = static_cast<Incident>(chance.below(7));
    if (event.kind == Incident::kNoSeason && nature.daily < 0.3) event.kind = Incident::kShift;
    const int length = draw_length(event.kind, day, chance);
    event.end = std::min(kDays * day - 1, at + length);
    event.size = chance.between(0, 1);
    event.up = chance.happens(0.5);
    out.push_back(event);
    at += length + static_cast<int>(chance.between(2, 5) * day);
  }
  return out;
}

/// The mean during an event, and how much wider the noise is.
struct Effect {
  double mean;
  double spread = 1;
};

Effect effect_of(const Nature& nature, const Event& event, int i) {
  const double length = event.end - event.start;
  double mean = 0;
  double deviation = 0;
  for (int j = event.start; j < event.end; ++j) {
    mean += nature.mean(j) / length;
    deviation += nature.deviation(j) / length;
  }
  const double size = event.size;
  const double now = nature.mean(i);
  const double sign = event.up ? 1 : -1;
  const double progress = (i - event.start) / length;
  switch (event.kind) {
    case Incident::kShift: {
      const double change = std::max(
          (3 + 3 * size) * nature.inflation() * deviation * std::max(1.0, std::sqrt(24 / length)),
          (0.15 + 0.5 * size) * mean);
      if (!event.up && nature.counts()) return {now * (1 - std::min(1.0, change / mean))};
      return {now + sign * change};
    }
    case Incident::kSpike: return {now + std::max((8 + 8 * size) * deviation, (0.3 + size) * mean)};
    case Incident::kDip:
      if (nature.counts()) return {now * 0.1 * size};
      return {now - std::max((8 + 8 * size) * deviation, (0.3 + 0.3 * size) * mean)};
    case Incident::kRamp: {
      if (!event.up && nature.counts()) return {now * std::max(0.0, 1 - 1.3 * progress)};
      const double change =
          std::max((6 + 6 * size) * nature.inflation() * deviation, (0.4 + 0.8 * size) * mean);
      return {now + sign * change * progress};
    }
    case Incident::kNoSeason: {
      const bool of_midnight = nature.counts() && !event.up;
      const double flat = of_midnight ? nature.season(i / nature.day * nature.day) : 1;
      return {nature.level * nature.trend(i) * flat};
    }
    case Incident::kVariance: return {now, 2.5 + 3 * size};
    case Incident::kFrozen: break;
  }
  return {now};
}

double draw_value(const Nature& nature, Effect effect, double deviation, double noise,
                  Chance& chance) {
  if (nature.counts()) {
    const double over = nature.overdispersion;
    double mean = std::max(effect.mean, 0.0);
    if (effect.spread > 1) {
      mean *= std::exp((over + 0.3) * effect.spread * 0.5 * chance.normal());
    } else {
      mean *= std::exp(over * noise - over * over / 2);
    }
    return chance.poisson(mean);
  }
  if (nature.kind == Kind::kDuration) {
    return effect.mean > 0 ? effect.mean * std::exp(nature.noise * noise * effect.spread) : 0;
  }
  return effect.mean + deviation * noise * effect.spread + nature.offset * nature.level;
}

// Whether chance would hardly do this to a Poisson count.
bool rejects_poisson(double mean, double count) {
  double term = std::exp(-mean);
  double at_most = term;
  for (int k = 1; k <= count; ++k) at_most += term *= mean / k;
  if (count < mean) return at_most < 1e-6;
  double at_least = term;
  for (int k = static_cast<int>(count) + 1; k < count + 60; ++k) at_least += term *= mean / k;
  return at_least < 1e-6;
}

bool can_be_found(const LabelledSeries& series, const Nature& nature, const Event& event) {
  double sum = 0;
  double squares = 0;
  double events = 0;
  double expected = 0;
  for (int i = event.start; i < event.end; ++i) {
    const double value = series.values[static_cast<size_t>(i)];
    const double mean = nature.mean(i) + nature.offset * nature.level;
    const double z = (value - mean) / std::max(nature.deviation(i), nature.counts() ? 0.3 : 1e-9);
    sum += z;
    squares += z * z - 1;
    events += value;
    expected += mean;
  }
  const double length = event.end - event.start;
  const double wider = kRejected * nature.inflation();
  const bool spread_differs =
      squares / std::sqrt(2 * length) > wider * (nature.freedom > 0 ? 2 : 1);
  switch (event.kind) {
    case Incident::kFrozen: return !nature.counts() || nature.mean(event.start) > 20;
    case Incident::kNoSeason: return squares / std::sqrt(2 * length) > wider;
    case Incident::kVariance: return spread_differs && (!nature.counts() || nature.level > 20);
    default: break;
  }
  if (nature.counts() && expected < 50) return rejects_poisson(expected, events);
  return std::fabs(sum) / std::sqrt(length) > wider;
}

void add_gaps(LabelledSeries& series, Chance& chance) {
  const int count = static_cast<int>(series.values.size());
  for (int gaps = 1 + chance.below(6); gaps > 0; --gaps) {
    const int start = chance.below(count);
    const int end =
        std::min(count, start + static_cast<int>(chance.between_logs(1, series.day / 4.0)));
    const bool near = std::any_of(series.incidents.begin(), series.incidents.end(),
                                  [&](const IncidentLabel& label) {
                                    return start < label.end + series.day && end > label.start - 5;
                                  });
    if (near) continue;
    std::fill(series.values.begin() + start, series.values.begin() + end,
              std::numeric_limits<double>::quiet_NaN());
  }
}

}  // namespace

LabelledSeries make_series(uint64_t seed, bool clean) {
  Chance chance(seed * 7919 + (clean ? 1 : 0));
  const Nature nature = draw_nature(chance);
  const std::vector<Event> events = clean ? std::vector<Event>() : draw_events(nature, chance);
  LabelledSeries out;
  out.day = nature.day;
  out.counts = nature.counts();
  out.judged_from = kLearningDays * nature.day;
  double noise = 0;
  auto event = events.begin();
  for (int i = 0; i < kDays * nature.day; ++i) {
    while (event != events.end() && i >= event->end) ++event;
    const bool happening = event != events.end() && i >= event->start;
    const double step = nature.freedom > 0 ? chance.student(nature.freedom) : chance.normal();
    noise = nature.memory * noise + std::sqrt(1 - nature.memory * nature.memory) * step;
    const Effect effect = happening ? effect_of(nature, *event, i) : Effect{nature.mean(i)};
    double value = draw_value(nature, effect, nature.deviation(i), noise, chance);
    if (happening && event->kind == Incident::kFrozen) value = out.values.back();
    out.values.push_back(value);
  }
  for (const Event& each : events) {
    out.incidents.push_back({each.start, each.end, each.kind, can_be_found(out, nature, each)});
  }
  if (chance.happens(0.4)) add_gaps(out, chance);
  return out;
}

}  // namespace tocsin::bench
