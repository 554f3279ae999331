// What a request would store, for senders that try it out.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "db/schema/batch.h"
#include "net/parse/line_errors.h"

namespace tocsin {

/// Collects the rows of the texts of one request, in place of the store. Not thread-safe: the texts
/// of a request are parsed one after the other.
class DryRun {
 public:
  static constexpr size_t kShownRowsMax = 1'000;
  static constexpr size_t kShownBytesMax = size_t{4} << 20;

  /// Adds the rows of a text with `line_count` lines or records, and, unless the caller numbers
  /// them itself, its rejected lines.
  void add(const Batch& batch, const LineErrors& errors, uint64_t line_count);
  void reject(uint64_t number, std::string_view reason, std::string_view line);
  /// The caller reports rejected lines with reject().
  void number_myself() { numbers_ = false; }
  bool numbers() const { return numbers_; }

  bool empty() const { return !any_; }
  /// `{"stored": false, "row_count", "rows", "rejected_count", "rejected", "warnings"}`. Of rows
  /// and rejected lines, the first ones are shown.
  std::string json() const;

 private:
  bool has_room(const std::vector<std::string>& list) const {
    return list.size() < kShownRowsMax && shown_bytes_ < kShownBytesMax;
  }

  bool any_ = false;
  bool numbers_ = true;
  uint64_t lines_before_ = 0;
  uint64_t row_count_ = 0;
  uint64_t rejected_count_ = 0;
  size_t shown_bytes_ = 0;
  std::vector<std::string> rows_, rejected_;  // JSON
  LineWarnings warnings_;
};

}  // namespace tocsin
