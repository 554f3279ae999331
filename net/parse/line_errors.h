// Lines that could not be parsed: the first ones with their text, the rest only counted, which
// bounds the memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "db/database.h"

namespace tocsin {

inline constexpr size_t kShownBytesMax = 64;  ///< of a piece of input in an error message

/// The reason to reject a `what` (a line or record) of more than kLineBytesMax bytes.
std::string too_long(const char* what, size_t bytes);

/// A line that could not be parsed, and why.
struct LineError {
  uint64_t line = 0;   ///< from 1, in the parsed buffer; every newline counts
  std::string reason;  ///< e.g. `missing field value after "duration_ms=" at byte 31`; bytes from 1
  std::string_view text;  ///< the raw line; points into the buffer
};

/// Keeps the first errors, up to the kRejectedMinuteBytesMax that `rejected` can store, and counts
/// the others by reason. Iterates over the kept ones in order.
class LineErrors {
 public:
  void add(LineError error);

  uint64_t count() const { return kept_.size() + counted_; }  ///< kept and counted
  size_t size() const { return kept_.size(); }                ///< kept
  bool empty() const { return kept_.empty(); }
  const LineError& operator[](size_t index) const { return kept_[index]; }
  auto begin() const { return kept_.begin(); }
  auto end() const { return kept_.end(); }

  /// Appends to `out` one entry per reason for the lines that were only counted.
  void add_counted(std::vector<RejectedLine>& out) const;
  /// Appends the kept and the counted lines to `out`.
  void add_all(std::vector<RejectedLine>& out) const;

 private:
  std::vector<LineError> kept_;
  std::map<std::string, uint64_t, std::less<>> counts_;  // by reason, of lines that are not kept
  uint64_t counted_ = 0;
  size_t kept_bytes_ = 0;  // as `rejected` counts them, without the origin
};

}  // namespace tocsin
