// Checks for programming errors. Input must never trigger one: errors that can happen are returned
// as a Result.
#pragma once

namespace tocsin {

/// Writes `file:line: check failed: condition` to stderr and aborts.
[[noreturn]] void check_failed(const char* condition, const char* file, int line);

}  // namespace tocsin

#define TOCSIN_CHECK(condition) \
  (static_cast<bool>(condition) ? void(0) : ::tocsin::check_failed(#condition, __FILE__, __LINE__))
