// Blocks of NUL bytes, which a crash of the machine leaves in a file whose last blocks were not
// written: they are skipped, and the text on both sides is parsed.
#pragma once

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "net/parse/line_errors.h"
#include "net/parse/line_numbers.h"

namespace tocsin {

inline std::string_view without_leading_nuls(std::string_view line) {
  if (line.empty() || line.front() != '\0') [[likely]]
    return line;
  return line.substr(std::min(line.find_first_not_of('\0'), line.size()));
}

/// The text before and after the only block of NUL bytes in `line`; nothing if it has none or
/// several.
inline std::optional<std::pair<std::string_view, std::string_view>> split_at_nuls(
    std::string_view line) {
  const size_t start = line.find('\0');
  if (start == line.npos) return std::nullopt;
  const std::string_view after = without_leading_nuls(line.substr(start));
  if (after.find('\0') != after.npos) return std::nullopt;
  return std::pair{line.substr(0, start), after};
}

/// Reads a line with `read`, which returns an empty text, or why it cannot. A line that cannot be
/// read as a whole is read as the two parts around its block of NUL bytes. A value may contain NUL
/// bytes, so the whole is tried first.
template <class Read>
void read_around_nuls(std::string_view line, LineNumbers& numbers, LineErrors& errors, Read read) {
  line = without_leading_nuls(line);
  if (line.empty()) return;
  std::string reason = read(line);
  if (reason.empty()) return;
  const auto parts = split_at_nuls(line);
  if (!parts) return errors.add({numbers.at(line.data()), std::move(reason), line});
  for (const std::string_view part : {parts->first, parts->second}) {
    if (part.empty()) continue;
    reason = read(part);
    if (!reason.empty()) errors.add({numbers.at(part.data()), std::move(reason), part});
  }
}

}  // namespace tocsin
