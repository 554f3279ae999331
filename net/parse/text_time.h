// Finds the time in a line of a plain text log.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

#include "db/base/time.h"

namespace tocsin {

/// A time in a line: its value and its bytes [start, end).
struct TextTime {
  Timestamp time = 0;
  size_t start = 0;
  size_t end = 0;
};

/// The time of a line: among its first three words, in square brackets near its start, or under a
/// key such as `ts=`. Recognised are the forms of ISO 8601 with its usual variations
/// (`2026-11-02 08:15:04,250`, `20261102T081504Z`), of web servers (`02/Nov/2026:08:15:04 +0100`),
/// of mail (`Mon, 02 Nov 2026 08:15:04 +0100`), of syslog (`Nov  2 08:15:04`), of ctime
/// (`Mon Nov  2 08:15:04 2026`), of glog (`I1102 08:15:04.250000`), and seconds, ms, us or ns since
/// 1970. Without a zone a time is UTC. Without a year it is the latest that is at most a day after
/// `now`. A line that begins with white space continues an event and has no time.
std::optional<TextTime> find_text_time(std::string_view line, Timestamp now);

/// The time with which `text` begins, in one of these forms. `zone` is that of a time without one.
std::optional<TextTime> read_text_time(std::string_view text, Timestamp now, const TimeZone& zone);

/// Whether `text`, apart from control sequences before it, begins with a date, a time of day or a
/// number of seconds since 1970.
bool starts_with_time(std::string_view text);

}  // namespace tocsin
