// A small HTTP client on libcurl: one request, one response.
#pragma once

#include <atomic>
#include <string>
#include <utility>
#include <vector>

#include "db/base/result.h"
#include "db/base/time.h"

namespace tocsin {

/// How a client shows a server who it is, and whom it trusts.
struct ServerAccess {
  std::string token;        ///< may be empty
  std::string ca_file;      ///< PEM; empty: the system's certificate authorities
  std::string certificate;  ///< of the client, PEM; may be empty
  std::string key;

  bool operator==(const ServerAccess&) const = default;
};

struct HttpRequest {
  std::string url;                                              ///< http or https
  std::vector<std::pair<std::string, std::string>> parameters;  ///< unescaped; appended after `?`
  std::string body;                                             ///< sent by http_post
  std::vector<std::string> headers;                             ///< `Name: value`
  ServerAccess access = {};
  Duration timeout = 10 * kMinute;
  const std::atomic<bool>* cancelled = nullptr;  ///< if true, closes the connection; may be null
};

struct HttpResponse {
  long status = 0;
  std::string body;
};

/// Posts the request and waits for the response, which may have an error status. kCancelled:
/// `cancelled` became true. kIo: no response; names the URL and the reason. kInvalid: the URL is
/// malformed or has another scheme. Does not follow redirects.
Result<HttpResponse> http_post(const HttpRequest& request);
/// The same with GET, without a body.
Result<HttpResponse> http_get(const HttpRequest& request);
/// The same with DELETE, without a body.
Result<HttpResponse> http_delete(const HttpRequest& request);

}  // namespace tocsin
