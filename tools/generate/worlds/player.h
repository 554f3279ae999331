// Draws the events of a world, minute by minute.
#pragma once

#include <deque>
#include <vector>

#include "tools/generate/event_source.h"
#include "tools/generate/random.h"
#include "tools/generate/worlds/state.h"

namespace tocsin::generate {

/// The longest time between an event and its arrival.
inline constexpr Duration kDelayMax = 2 * kHour;

struct PlayerOptions {
  Duration interval = 5 * kSecond;  ///< length of a tick
  Timestamp first_incident = 0;     ///< before that, only the rhythm and permanent courses exist
};

/// Each service has a separate random stream for each minute.
class Player final : public EventSource {
 public:
  Player(World world, const PlayerOptions& options);

  Estate estate() const override {
    return {world_.calendar.zone().name(), profiles_, world_.wordings};
  }
  void seek(Timestamp start) override;
  TimeRange next(std::vector<Event>& out) override;
  std::vector<Label> begun() const override;

 private:
  struct Arrival {
    Timestamp at = 0;
    Event event;
  };

  void draw_minute();
  void draw_labels();
  int next_version(size_t service) const;
  void draw_service(size_t service, Random& random);
  void draw_arrival(size_t service, Timestamp time, Random& random);
  void draw_request(const Event& request, int attempt, Random& random);
  void draw_transaction(Event start, const EventState& state, Random& random);
  EventState draw_state(const Event& event, Random& random) const;
  void draw_outcome(Event& event, const EventState& state, Random& random) const;
  uint32_t draw_duration(const Event& event, const EventState& state, Random& random) const;
  uint16_t pick_host(size_t service, Random& random) const;
  bool is_down(size_t service, uint16_t host, Timestamp t) const;
  void add(Event event);

  const World world_;
  const PlayerOptions options_;
  std::vector<ServiceProfile> profiles_;
  Timeline timeline_;
  Timestamp tick_start_;
  Timestamp minute_;                        ///< the next one to draw
  std::vector<const Incident*> active_;     ///< of the service and minute that are being drawn
  double load_ = 0;                         ///< arrivals per hour, likewise
  std::deque<std::vector<Arrival>> later_;  ///< by minute of arrival, from `minute_` on
  std::vector<Arrival> ready_;              ///< before `minute_`, sorted
  size_t ready_used_ = 0;
  std::vector<Label> labels_;
};

}  // namespace tocsin::generate
