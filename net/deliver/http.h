// Sends HTTP POSTs on the loop: libcurl's multi interface driven by libuv.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "db/base/result.h"
#include "db/base/time.h"
#include "net/deliver/queue.h"
#include "net/event_loop/loop.h"

namespace tocsin {

inline constexpr size_t kAnswerBytesMax = size_t{64} << 10;  ///< more of an answer is not read
inline constexpr size_t kAnswerBytesKept = 512;              ///< of a refusal, for its error

struct HttpPost {
  std::string url;
  std::vector<std::string> headers;  ///< `Name: value`
  std::string body;
};

/// Whether a URL can be posted to; kInvalid says why not: only http and https with a host.
Status check_post_url(const std::string& url);

/// All functions on the loop's thread. Certificates are verified, redirects are not followed.
/// Destruction abandons what is under way; the loop must turn once more before it can be closed.
class HttpSender {
 public:
  struct Options {
    std::string user_agent = "Tocsin";
    Duration timeout = 10 * kSecond;  ///< of a whole request
  };
  HttpSender(uv_loop_t* loop, Options options);
  ~HttpSender();

  /// `done` is called later, once, on the loop; it may post again but not destroy the sender.
  void post(HttpPost request, std::function<void(DeliveryAnswer)> done);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tocsin
