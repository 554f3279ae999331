// Joining printed items with commas.
#pragma once

#include <string>

namespace tocsin {

/// `print(item)` of every item, separated by `, `.
template <class List, class Print>
std::string join(const List& list, Print print) {
  std::string out;
  for (const auto& item : list) out += (out.empty() ? "" : ", ") + print(item);
  return out;
}

}  // namespace tocsin
