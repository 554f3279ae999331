// What the store's tests share: temporary directories, and reading all rows back as text.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <catch2/catch.hpp>
#include <unistd.h>

#include "db/database.h"

namespace tocsin::testing {

/// A new directory that is removed at the end.
class TemporaryDirectory {
 public:
  TemporaryDirectory() {
    std::string pattern = std::filesystem::temp_directory_path() / "tocsin-db-XXXXXX";
    REQUIRE(::mkdtemp(pattern.data()) != nullptr);
    path_ = pattern;
  }
  ~TemporaryDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;

  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

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
