// A file of source 0 as a scan would see it, for tests of what follows from scans.
#pragma once

#include <string>
#include <utility>

#include "net/tail/identity.h"

namespace tocsin::test {

inline FileSeen seen(std::string path, uint64_t inode, const std::string& bytes) {
  FileSeen file;
  file.source = 0;
  file.path = std::move(path);
  file.device = 1;
  file.inode = inode;
  file.size = bytes.size();
  file.head = bytes.substr(0, kHeadBytesMax);
  return file;
}

}  // namespace tocsin::test
