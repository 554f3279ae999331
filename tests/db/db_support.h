// What the store's tests share: reading all rows back as text.
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

/// The value of a Result, or a failed test with its message.
template <class T>
T take(Result<T> result) {
  if (!result) FAIL(result.error().message);
  return *std::move(result);
}
inline void take(const Status& status) {
  if (!status) FAIL(status.error().message);
}

/// A row as text: its time, and `type:value` of each column that has one.
struct RowText {
  Timestamp time = 0;
  std::map<std::string, std::string> values;

  auto operator<=>(const RowText&) const = default;
};

/// A double by its bits, because NaN and -0 must come back as they were.
std::string double_text(double value);

/// All rows of a measurement, in the order of the snapshot's segments and rows. The first error
/// ends it.
Result<std::vector<RowText>> read_rows(const Snapshot& snapshot, const std::string& measurement);
Result<std::vector<RowText>> read_rows(const Database& database, const std::string& measurement);

/// Makes a database look as if version 99 had written it.
void write_future_format(const std::string& directory);

}  // namespace tocsin::testing
