// Shared by the tests of the store: reads all rows back as text.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <catch2/catch.hpp>
#include <unistd.h>

#include "db/database.h"
#include "tests/support/temporary_folder.h"

namespace tocsin::testing {

/// The time of the tests whose clock stands still.
constexpr Timestamp kNoon = 1'795'521'600 * kSecond;  // 2026-11-24T12:00:00Z

/// The value of a Result; an error fails the test with its message. Only on the test's thread.
template <class T>
T take(Result<T> result) {
  if (!result) FAIL(result.error().message);
  return *std::move(result);
}
inline void take(const Status& status) {
  if (!status) FAIL(status.error().message);
}

/// A row as text: its time, and `type:value` of each column that has a value.
struct RowText {
  Timestamp time = 0;
  std::map<std::string, std::string> values;

  auto operator<=>(const RowText&) const = default;
};

/// A double as its bits, so that NaN and -0 are compared exactly.
std::string double_text(double value);

/// All rows of a measurement, in the order of the snapshot's segments and rows, or the first error.
/// kInvalid when a segment contradicts itself: its times, counts or codes do not match its values.
/// Asserts nothing, so it may be called in child processes and on any thread.
Result<std::vector<RowText>> read_rows(const Snapshot& snapshot, const std::string& measurement);
Result<std::vector<RowText>> read_rows(const Database& database, const std::string& measurement);

/// Makes a database claim format 99.
void write_future_format(const std::string& directory);

}  // namespace tocsin::testing
