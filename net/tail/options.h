// Which files a server follows, and how their lines are read.
#pragma once

#include <string>
#include <vector>

#include "net/parse/time_keys.h"

namespace tocsin {

struct TailOptions {
  std::vector<std::string> paths;  ///< globs
  std::string format = "auto";     ///< auto, json, lp, text
  std::string measurement;  ///< for lines that name none; empty: the name of the file's folder
  std::vector<std::string> tags;  ///< JSON keys that become tags; empty: parse/keys.h decides
  bool from_end = false;          ///< files found at start without a position begin at their end
  TimeSettings time = {};         ///< of JSON lines

  bool operator==(const TailOptions&) const = default;
};

}  // namespace tocsin
