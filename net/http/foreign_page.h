// Keeps web pages of other servers from using this one through the browser of somebody who can
// reach it.
#pragma once

#include <string>
#include <vector>

#include "net/http/message.h"

namespace tocsin::http {

/// How users call this server.
struct OwnNames {
  std::vector<std::string> allowed_hosts;  ///< besides localhost and the host of external_url
  bool numeric_hosts = false;  ///< accept any numeric Host, because the server listens to a network
  std::string external_url;    ///< may be empty
  bool tls = false;            ///< the page is reached through https
};

/// Why the request is refused, or an empty text.
std::string foreign_page_error(const OwnNames& names, const Request& request);

}  // namespace tocsin::http
