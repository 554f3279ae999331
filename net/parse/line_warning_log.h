// Logs what is odd about the events of a source, once and not with every text.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>

#include "net/parse/line_errors.h"

namespace tocsin {

/// Not safe from several threads.
class LineWarningLog {
 public:
  /// At most this many warnings are logged in the life of the process.
  static constexpr size_t kMax = 1'000;

  /// Logs the message unless `key` was logged before.
  void once(const std::string& key, const std::string& message);
  /// Logs the message unless `description` was logged before for that kind and source, or
  /// `per_kind` others were.
  void of_kind(const std::string& source, std::string_view kind, std::string_view description,
               const std::string& message, size_t per_kind);
  /// Logs what has not been logged yet: of each kind and source, up to `per_kind` different
  /// descriptions. `time_advice` follows those about a time that was not found.
  void lines(const std::string& source, const LineWarnings& warnings, std::string_view time_advice,
             size_t per_kind);

 private:
  std::set<std::string> logged_;
  std::map<std::string, size_t> of_kind_;
};

}  // namespace tocsin
