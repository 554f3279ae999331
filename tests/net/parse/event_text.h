// What EventParser makes of the lines of a file.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "net/parse/event_parser.h"
#include "tests/support/batch_text.h"

namespace tocsin {

struct EventText {
  std::string rows;
  std::vector<std::string> errors;  // `line: reason`
  std::string oddity;
  uint64_t untimed = 0;
};

inline constexpr Timestamp kEventNow = 7;  // of parse_events()

/// Rows without a measurement are in `m`.
inline EventText parse_events(const EventFormat& format, std::string text, ParseOptions options) {
  if (options.now == 0) options.now = kEventNow;
  if (options.measurement.empty()) options.measurement = "m";
  Batch batch(ConflictPolicy::kKeepInRest);
  LineErrors errors;
  std::optional<Timestamp> text_time;
  EventParser parser;
  parser.parse(format, batch.keep(std::move(text)), options, text_time, batch, errors);
  EventText out;
  out.rows = batch_text(batch);
  for (const LineError& error : errors) {
    out.errors.push_back(fmt::format("{}: {}", error.line, error.reason));
  }
  out.oddity = errors.warnings()[LineWarning::kOddKey].first;
  out.untimed = errors.warnings().untimed_count();
  return out;
}

}  // namespace tocsin
