// Requests to receivers as plain values.
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "db/base/time.h"

namespace tocsin {

struct HttpPost {
  std::string url;
  std::vector<std::string> headers;  ///< `Name: value`
  std::string body;
  std::string ca_file;  ///< see ForwarderOptions
  std::string proxy;    ///< see ForwarderOptions
};

struct MailMessage {
  std::string url;             ///< `smtp://HOST:PORT` or `smtps://HOST:PORT`
  bool starttls = false;       ///< required
  std::string user, password;  ///< empty: no login
  std::string from;            ///< an address
  std::vector<std::string> to;
  std::string text;  ///< headers and body, lines ended by CRLF
  std::string ca_file;
};

struct CommandRun {
  std::vector<std::string> arguments;  ///< the program first
  std::string input;                   ///< on its standard input
  Duration timeout = 0;                ///< then it is killed
};

using DeliveryRequest = std::variant<HttpPost, MailMessage, CommandRun>;

}  // namespace tocsin
