// Runs a world into a sink: first a stretch of history at full speed, then, if asked, in real time.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <optional>
#include <string>

#include "db/base/result.h"
#include "db/base/time.h"
#include "tools/generate/format.h"
#include "tools/generate/generator.h"
#include "tools/generate/sink.h"

namespace tocsin::generate {

struct RunOptions {
  WorldOptions world;
  Timestamp start = 0;           ///< of the history, on a tick
  Timestamp end = 0;             ///< of the history, on a tick; where live mode goes on
  std::optional<Duration> live;  ///< how long, in real time; 0: until stopped; none: not at all
  TextFormat format = TextFormat::kJson;
  std::array<bool, kLogTypeCount> types = {true, true, true};  ///< only these are written
  std::string labels_path;  ///< one line per anomaly that began, appended; empty: none
  const std::atomic<bool>* stop = nullptr;  ///< looked at between ticks; may be null
};

struct RunReport {
  uint64_t event_count = 0;
  uint64_t byte_count = 0;
  uint64_t anomaly_count = 0;  ///< that began during the run
  Timestamp end = 0;           ///< of the last tick written
};

/// Returns when the history is written and live mode is over. Errors are those of the sink and of
/// the labels file.
Result<RunReport> run(const RunOptions& options, Sink& sink);

}  // namespace tocsin::generate
