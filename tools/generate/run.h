// Writes the events of a world to a sink: a history at full speed, then optionally in real time.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <optional>
#include <string>

#include "db/base/result.h"
#include "db/base/time.h"
#include "tools/generate/event_source.h"
#include "tools/generate/format.h"
#include "tools/generate/generator.h"
#include "tools/generate/sink.h"

namespace tocsin::generate {

struct RunOptions {
  WorldOptions world;
  Timestamp start = 0;           ///< of the history, on a tick
  Timestamp end = 0;             ///< of the history, on a tick; live mode starts here
  std::optional<Duration> live;  ///< duration of live mode; 0: until stopped; none: no live mode
  TextFormat format = TextFormat::kJson;
  std::array<bool, kLogTypeCount> types = {true, true, true};  ///< log types to write
  std::string labels_path;                  ///< file to append a line per anomaly to; empty: none
  const std::atomic<bool>* stop = nullptr;  ///< checked between ticks; may be null
};

struct RunReport {
  uint64_t event_count = 0;
  uint64_t byte_count = 0;
  uint64_t anomaly_count = 0;   ///< labels of what began during the run, except quiet ones
  uint64_t weak_count = 0;      ///< of these: too weak to count as missed
  uint64_t optional_count = 0;  ///< of these: may alert or not
  Timestamp end = 0;            ///< of the last tick written
  std::string time_zone;        ///< that the traffic follows
};

/// Returns after the history and live mode. Errors are those of make_source(), the sink and the
/// labels file.
Result<RunReport> run(const RunOptions& options, Sink& sink);

}  // namespace tocsin::generate
