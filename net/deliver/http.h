// Sends HTTP POST requests and e-mails on the loop, with libcurl's multi interface driven by libuv.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "db/base/result.h"
#include "db/base/time.h"
#include "net/deliver/queue.h"
#include "net/deliver/request.h"
#include "net/event_loop/loop.h"

namespace tocsin {

inline constexpr size_t kAnswerBytesMax = size_t{64} << 10;  ///< an answer is read up to this size
inline constexpr size_t kAnswerBytesKept = 512;              ///< quoted in an error message

/// Checks that a URL is valid and its scheme http or https; kInvalid says what is wrong.
Status check_post_url(const std::string& url);
/// The same for a proxy, which may also have the scheme socks4, socks4a, socks5 or socks5h.
Status check_proxy_url(const std::string& url);

/// All functions must be called on the loop's thread. Verifies certificates; does not follow
/// redirects. Destruction abandons pending requests; the loop must turn once more before it can be
/// closed.
class HttpSender {
 public:
  struct Options {
    std::string user_agent = "Tocsin";
    Duration timeout = 10 * kSecond;  ///< of a whole request
  };
  HttpSender(uv_loop_t* loop, Options options);
  ~HttpSender();

  /// Calls `done` once, later, on the loop. `done` may call post() but must not destroy the sender.
  void post(HttpPost request, std::function<void(DeliveryAnswer)> done);
  /// The same by SMTP. An answer of 5xx is final.
  void mail(MailMessage message, std::function<void(DeliveryAnswer)> done);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tocsin
