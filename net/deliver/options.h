// Where alerts are sent.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "db/base/time.h"
#include "rules/alert.h"

namespace tocsin {

/// One forwarder. Which of the fields a type uses is in its file; the others are ignored.
struct ForwarderOptions {
  std::string name;
  std::string url;
  std::string payload = "alertmanager";  ///< of a webhook: alertmanager, simple
  std::map<std::string, std::string> headers;
  /// A PEM file of the certificate authorities that may sign the receiver's certificate; empty: the
  /// system's.
  std::string ca_file;
  /// The URL of a proxy; `off`: none; empty: as the environment says (`https_proxy`, `http_proxy`,
  /// `all_proxy`, `no_proxy`).
  std::string proxy;
  std::vector<Severity> severities = {};  ///< only these are repeated; empty: all
  std::string type = "webhook";           ///< a name of receiver_types()
  std::string body_template = {};    ///< of a webhook: JSON with {{ names }}; empty: the payload
  std::string secret = {};           ///< of a webhook: signs requests; empty: unsigned
  std::string key = {};              ///< of PagerDuty (routing key) and Opsgenie (API key)
  std::string from = {};             ///< of e-mail
  std::vector<std::string> to = {};  ///< of e-mail
  std::string user = {}, password = {};   ///< of e-mail; empty: no login
  std::string tls = "starttls";           ///< of e-mail: starttls (required), tls, off
  std::vector<std::string> command = {};  ///< program and arguments
  Duration timeout = 30 * kSecond;        ///< of a command

  bool operator==(const ForwarderOptions&) const = default;
};

}  // namespace tocsin
