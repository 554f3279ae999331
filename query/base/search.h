// Searching for one text in others, in time linear in their length.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace tocsin {

/// Like text.find(part, from), but never quadratic.
size_t find_text(std::string_view text, std::string_view part, size_t from = 0);

/// Searches for a part with the letters A-Z and a-z in either case. Not thread-safe.
class CaselessSearch {
 public:
  explicit CaselessSearch(std::string_view part);
  bool found_in(std::string_view text);
  const std::string& part() const { return part_; }  ///< in lower case

 private:
  std::string part_;
  std::string lower_;  // scratch: the text in lower case
};

}  // namespace tocsin
