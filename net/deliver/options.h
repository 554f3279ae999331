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
  /// A PEM file of the certificate authorities that may sign the receiver's certificate; empty: the
  /// system's.
  std::string ca_file;
  /// The URL of a proxy; `off`: none; empty: as the environment says (`https_proxy`, `http_proxy`,
  /// `all_proxy`, `no_proxy`).
  std::string proxy;

  bool operator==(const ForwarderOptions&) const = default;
};

}  // namespace tocsin
