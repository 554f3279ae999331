// What the numbers in an event stand for: the names and the wording of one world.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "tools/generate/services.h"

namespace tocsin::generate {

/// A message besides those that every world has.
struct Wording {
  std::string text;   ///< with blanks such as `{ms}`, `{hex}` or `{ip}`; see messages.cpp
  std::string level;  ///< `INFO`, `WARN` or `ERROR`
};

/// Borrows: the world must outlive it. Cheap to copy.
struct Estate {
  std::string_view time_zone;  ///< that the traffic follows
  std::span<const ServiceProfile> services;
  std::span<const Wording> wordings;
};

}  // namespace tocsin::generate
