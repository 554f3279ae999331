// Lines that could not be taken: the first ones with their text, the rest as numbers, so that a
// text of bad lines takes no more memory than one of good ones.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "db/database.h"

namespace tocsin {

/// A line that could not be taken, in the words that the shipper's operator needs.
struct LineError {
  uint64_t line = 0;   ///< from 1, in the buffer that was parsed; every newline counts
  std::string reason;  ///< e.g. `missing field value after "duration_ms=" at byte 31`; bytes from 1
  std::string_view text;  ///< the raw line, in the buffer
};

/// Keeps the first kRejectedPerMinuteMax, as many as `rejected` could hold, and counts the others
/// by reason. Iterates over those that are kept, in their order.
class LineErrors {
 public:
  void add(LineError error);

  uint64_t count() const { return kept_.size() + counted_; }  ///< of all
  size_t size() const { return kept_.size(); }                ///< of those that are kept
  bool empty() const { return kept_.empty(); }
  const LineError& operator[](size_t index) const { return kept_[index]; }
  auto begin() const { return kept_.begin(); }
  auto end() const { return kept_.end(); }

  /// Adds to `out` what stands for the lines that are not kept.
  void add_counted(std::vector<RejectedLine>& out) const;
  /// Adds all of them to `out`.
  void add_all(std::vector<RejectedLine>& out) const;

 private:
  std::vector<LineError> kept_;
  std::map<std::string, uint64_t, std::less<>> counts_;  // by reason, of those not kept
  uint64_t counted_ = 0;
};

}  // namespace tocsin
