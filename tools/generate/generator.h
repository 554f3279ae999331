// The world `shop`: twelve services of a web shop with labelled anomalies of six kinds.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "db/base/time.h"
#include "tools/generate/anomaly.h"
#include "tools/generate/event_source.h"
#include "tools/generate/random.h"
#include "tools/generate/services.h"

namespace tocsin::generate {

/// The world that Generator makes; worlds/catalog.h has the others.
inline constexpr const char* kShopWorld = "shop";

struct WorldOptions {
  std::string name = kShopWorld;
  uint64_t seed = 1;
  /// Start of the world, a multiple of the tick. Anomalies begin `quiet` later.
  Timestamp birth = 0;
  Duration quiet = 3 * kDay;
  Duration interval = 5 * kSecond;  ///< length of a tick, which is one batch
  double events_per_batch = 50;     ///< `shop` only: long-term mean per log type
  double anomaly_rate = 0.05;       ///< share of (service, hour) slots in which an anomaly begins
  /// `shop` only: in addition to the schedule, and with precedence over it.
  std::vector<Anomaly> injected;
};

class Generator final : public EventSource {
 public:
  /// Requires: interval > 0; `birth` and the ranges of injected anomalies are multiples of it.
  explicit Generator(WorldOptions options);

  Estate estate() const override { return {"UTC", services(), {}}; }
  void seek(Timestamp start) override;
  TimeRange next(std::vector<Event>& out) override;
  std::vector<Label> begun() const override;

 private:
  /// The conditions at a service during one tick.
  struct Conditions {
    double traffic = 1;
    double failure_factor = 1;
    double duration_factor = 1;
    double p95_target_ms = 0;  ///< 0: none
    double tail_ms = 0;        ///< 0: none
    double unfinished_share = 0;
    bool silent = false;
  };

  void play_tick();
  void play_service(size_t service, Random& random);
  void play_requests(LogType type, size_t service, const Conditions& now, Random& random);
  void play_transactions(size_t service, const Conditions& now, Random& random);
  void finish_transaction(const Event& start, const Conditions& now, Random& random);
  Event draw_request(LogType type, size_t service, const Conditions& now, Random& random) const;
  uint32_t draw_duration(const Event& event, const Conditions& now, Random& random) const;
  void draw_resources(Event& event, double traffic, Random& random) const;

  Conditions conditions(size_t service) const;
  const Anomaly* anomaly_of(size_t service, Timestamp t) const;
  void add(const Event& event);

  WorldOptions options_;
  Schedule schedule_;
  Timestamp tick_start_ = 0;
  size_t schedule_seen_ = 0;  ///< anomalies of the schedule already entered in `current_`
  std::vector<std::vector<Anomaly>> current_;  ///< by service: those not over yet
  std::deque<std::vector<Event>> ticks_;       ///< events of this tick and later ones
};

}  // namespace tocsin::generate
