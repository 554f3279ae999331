// The list of worlds.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "db/base/result.h"
#include "tools/generate/event_source.h"
#include "tools/generate/generator.h"

namespace tocsin::generate {

struct WorldInfo {
  const char* name;
  const char* summary;   ///< one line, with the ranges that parameters are drawn from
  const char* harmless;  ///< what must not alert, besides the labels with `quiet`
};

/// `shop` comes first.
std::span<const WorldInfo> worlds();
/// The default anomaly rate of every world but `shop`: an incident per service in a bit more than
/// four days.
inline constexpr double kWorldAnomalyRate = 0.01;
/// A higher rate leaves no room for the longest incidents.
inline constexpr double kWorldAnomalyRateMax = 0.05;

/// A line per world: its name and summary, each after a newline.
std::string list_of_worlds();
/// kInvalid lists the worlds if there is none of that name.
Result<WorldInfo> find_world(std::string_view name);
/// The errors of find_world(); kNotFound if the system lacks the world's time zone.
Result<std::unique_ptr<EventSource>> make_source(const WorldOptions& options);

}  // namespace tocsin::generate
