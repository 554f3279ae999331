// Which files a server follows, and how their lines are read.
#pragma once

#include <string>
#include <vector>

namespace tocsin {

struct TailOptions {
  std::vector<std::string> paths;  ///< globs
  std::string format = "auto";     ///< auto, json, lp
  std::string measurement;         ///< of lines that name none; empty: the file's folder's name
  std::vector<std::string> tags;
  bool from_end = false;
};

}  // namespace tocsin
