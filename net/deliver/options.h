// Where alerts are sent.
#pragma once

#include <map>
#include <string>

namespace tocsin {

struct ForwarderOptions {
  std::string name;
  std::string url;
  std::string payload = "alertmanager";  ///< alertmanager, simple
  std::map<std::string, std::string> headers;
};

}  // namespace tocsin
