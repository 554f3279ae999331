// Times in rule tests.
#pragma once

#include <string_view>

#include "db/base/result.h"
#include "db/base/time.h"

namespace tocsin::rule_tests {

/// A time as a test writes it: `5m` or `+5m` after `start`, `-7d` before it, or an RFC 3339 time.
inline Result<Timestamp> parse_point(std::string_view text, Timestamp start) {
  const bool before = text.starts_with('-');
  const std::string_view unsigned_text = before || text.starts_with('+') ? text.substr(1) : text;
  if (const auto distance = parse_duration(unsigned_text)) {
    Timestamp time = 0;
    if (!__builtin_add_overflow(start, before ? -*distance : *distance, &time)) return time;
    return fail(ErrorCode::kInvalid, "the time is not between the years 1677 and 2262");
  }
  if (const auto time = parse_time(text)) return *time;
  return fail(ErrorCode::kInvalid,
              "expected a time such as 5m (after the start), -7d (before it) or "
              "2026-01-01T00:05:00Z");
}

}  // namespace tocsin::rule_tests
