// A small HTTP client over libcurl: one request, one answer.
#pragma once

#include <atomic>
#include <string>
#include <utility>
#include <vector>

#include "db/base/result.h"
#include "db/base/time.h"

namespace tocsin {

struct HttpRequest {
  std::string url;                                              ///< http or https
  std::vector<std::pair<std::string, std::string>> parameters;  ///< unescaped; put behind `?`
  std::string body;                                             ///< sent by POST
  std::vector<std::string> headers;                             ///< `Name: value`
  Duration timeout = 10 * kMinute;
  const std::atomic<bool>* cancelled = nullptr;  ///< closes the connection soon after; may be null
};

struct HttpResponse {
  long status = 0;
  std::string body;
};

/// Posts and waits. kCancelled when `cancelled` became true; kIo when no answer came (names the URL
/// and why), kInvalid for a URL of another scheme. Redirects are not followed. An error status is
/// an answer.
Result<HttpResponse> http_post(const HttpRequest& request);

}  // namespace tocsin
