#include "net/deliver/http.h"

#include <algorithm>
#include <array>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>

#include <curl/curl.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <uv.h>

#include "db/base/check.h"

namespace tocsin {
namespace {

// Owns a parsed URL.
struct Url {
  CURLU* handle = curl_url();
  ~Url() { curl_url_cleanup(handle); }
  std::string part(CURLUPart which) const {
    char* text = nullptr;
    if (curl_url_get(handle, which, &text, 0) != CURLUE_OK) return "";
    std::string out = text;
    curl_free(text);
    return out;
  }
};

void initialise_curl() {
  static std::once_flag once;
  std::call_once(once, [] { TOCSIN_CHECK(curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK); });
}

// One pending request.
struct Transfer {
  CURL* easy = nullptr;
  curl_slist* headers = nullptr;
  HttpPost request;
  std::optional<MailMessage> mail;  // instead of the request
  size_t mail_sent = 0;             // bytes of its text
  std::string answer;               // the first kAnswerBytesKept bytes
  size_t answer_size = 0;           // all bytes received
  std::array<char, CURL_ERROR_SIZE> error{};
  std::function<void(DeliveryAnswer)> done;

  ~Transfer() {
    curl_easy_cleanup(easy);
    curl_slist_free_all(headers);
  }
};

size_t receive_answer(char* data, size_t, size_t size, void* user) {
  auto& transfer = *static_cast<Transfer*>(user);
  transfer.answer_size += size;
  if (transfer.answer.size() < kAnswerBytesKept) {
    transfer.answer.append(data, std::min(size, kAnswerBytesKept - transfer.answer.size()));
  }
  return transfer.answer_size > kAnswerBytesMax ? 0 : size;  // 0 aborts the transfer
}

size_t send_mail_text(char* data, size_t, size_t size, void* user) {
  auto& transfer = *static_cast<Transfer*>(user);
  const size_t count = std::min(size, transfer.mail->text.size() - transfer.mail_sent);
  transfer.mail->text.copy(data, count, transfer.mail_sent);
  transfer.mail_sent += count;
  return count;
}

Status check_url(const std::string& url, std::initializer_list<std::string_view> schemes) {
  const Url parsed;
  const CURLUcode code = curl_url_set(parsed.handle, CURLUPART_URL, url.c_str(), 0);
  if (code != CURLUE_OK) {
    return fail(ErrorCode::kInvalid, fmt::format("`{}` is not a URL ({}); expected one like "
                                                 "http://localhost:9000/alerts",
                                                 url, curl_url_strerror(code)));
  }
  const std::string scheme = parsed.part(CURLUPART_SCHEME);
  if (std::find(schemes.begin(), schemes.end(), scheme) != schemes.end()) return {};
  return fail(ErrorCode::kInvalid, fmt::format("`{}` has the scheme `{}`; expected {}", url, scheme,
                                               fmt::join(schemes, " or ")));
}

}  // namespace

Status check_post_url(const std::string& url) { return check_url(url, {"http", "https"}); }

Status check_proxy_url(const std::string& url) {
  return check_url(url, {"http", "https", "socks4", "socks4a", "socks5", "socks5h"});
}

class HttpSender::Impl {
 public:
  Impl(uv_loop_t* loop, Options options)
      : loop_(loop),
        options_(std::move(options)),
        timer_(loop, [this] { act(CURL_SOCKET_TIMEOUT, 0); }) {
    initialise_curl();
    multi_ = curl_multi_init();
    TOCSIN_CHECK(multi_ != nullptr);
    curl_multi_setopt(multi_, CURLMOPT_SOCKETFUNCTION, &Impl::on_socket);
    curl_multi_setopt(multi_, CURLMOPT_SOCKETDATA, this);
    curl_multi_setopt(multi_, CURLMOPT_TIMERFUNCTION, &Impl::on_timer);
    curl_multi_setopt(multi_, CURLMOPT_TIMERDATA, this);
  }

  ~Impl() {
    for (auto& [easy, transfer] : transfers_) curl_multi_remove_handle(multi_, easy);
    transfers_.clear();
    curl_multi_cleanup(multi_);
  }

  void post(HttpPost request, std::function<void(DeliveryAnswer)> done) {
    auto transfer = std::make_unique<Transfer>();
    transfer->request = std::move(request);
    start(std::move(transfer), std::move(done));
  }

  void mail(MailMessage message, std::function<void(DeliveryAnswer)> done) {
    auto transfer = std::make_unique<Transfer>();
    transfer->request.url = message.url;
    transfer->request.ca_file = message.ca_file;
    transfer->mail = std::move(message);
    start(std::move(transfer), std::move(done));
  }

 private:
  void start(std::unique_ptr<Transfer> transfer, std::function<void(DeliveryAnswer)> done) {
    transfer->easy = curl_easy_init();
    TOCSIN_CHECK(transfer->easy != nullptr);
    transfer->done = std::move(done);
    set_up(*transfer);
    CURL* easy = transfer->easy;
    transfers_.emplace(easy, std::move(transfer));
    TOCSIN_CHECK(curl_multi_add_handle(multi_, easy) == CURLM_OK);
  }

  // A socket of libcurl and its poll handle. The handle's close callback frees it.
  struct Socket {
    uv_poll_t poll{};
    curl_socket_t descriptor = CURL_SOCKET_BAD;
    Impl* owner = nullptr;
  };

  void set_up(Transfer& transfer) const {
    CURL* easy = transfer.easy;
    const HttpPost& request = transfer.request;
    set_up_transport(transfer);
    if (transfer.mail) return set_up_mail(transfer);
    for (const std::string& header : request.headers) {
      transfer.headers = curl_slist_append(transfer.headers, header.c_str());
    }
    // Without this libcurl may wait for `100 Continue`, which few receivers send.
    transfer.headers = curl_slist_append(transfer.headers, "Expect:");
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, transfer.headers);
    curl_easy_setopt(easy, CURLOPT_POST, 1L);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, request.body.data());
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE,
                     static_cast<curl_off_t>(request.body.size()));
    if (!request.proxy.empty()) {
      curl_easy_setopt(easy, CURLOPT_PROXY, request.proxy == "off" ? "" : request.proxy.c_str());
      curl_easy_setopt(easy, CURLOPT_NOPROXY, "");
    }
  }

  void set_up_mail(Transfer& transfer) const {
    CURL* easy = transfer.easy;
    const MailMessage& mail = *transfer.mail;
    for (const std::string& address : mail.to)
      transfer.headers = curl_slist_append(transfer.headers, address.c_str());
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
    curl_easy_setopt(easy, CURLOPT_PROXY, "");  // the environment's are for HTTP
    if (mail.starttls) curl_easy_setopt(easy, CURLOPT_USE_SSL, static_cast<long>(CURLUSESSL_ALL));
    if (!mail.user.empty()) {
      curl_easy_setopt(easy, CURLOPT_USERNAME, mail.user.c_str());
      curl_easy_setopt(easy, CURLOPT_PASSWORD, mail.password.c_str());
    }
    curl_easy_setopt(easy, CURLOPT_MAIL_FROM, mail.from.c_str());
    curl_easy_setopt(easy, CURLOPT_MAIL_RCPT, transfer.headers);
    curl_easy_setopt(easy, CURLOPT_UPLOAD, 1L);
    curl_easy_setopt(easy, CURLOPT_READFUNCTION, &send_mail_text);
    curl_easy_setopt(easy, CURLOPT_READDATA, &transfer);
  }

  void set_up_transport(Transfer& transfer) const {
    CURL* easy = transfer.easy;
    const HttpPost& request = transfer.request;
    curl_easy_setopt(easy, CURLOPT_URL, request.url.c_str());
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
    if (!request.ca_file.empty()) {
      curl_easy_setopt(easy, CURLOPT_CAINFO, request.ca_file.c_str());
      curl_easy_setopt(easy, CURLOPT_CAPATH, nullptr);       // only that file
      curl_easy_setopt(easy, CURLOPT_CA_CACHE_TIMEOUT, 0L);  // it may be replaced
    }
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, static_cast<long>(options_.timeout / kMillisecond));
    curl_easy_setopt(easy, CURLOPT_USERAGENT, options_.user_agent.c_str());
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, &receive_answer);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, &transfer);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, transfer.error.data());
  }

  static int on_socket(CURL*, curl_socket_t descriptor, int what, void* user, void* socket_user) {
    auto& self = *static_cast<Impl*>(user);
    auto* socket = static_cast<Socket*>(socket_user);
    if (what == CURL_POLL_REMOVE) {
      self.close_socket(socket);
      return 0;
    }
    if (socket == nullptr) socket = self.open_socket(descriptor);
    if (socket == nullptr) return -1;
    const int events = ((what & CURL_POLL_IN) != 0 ? UV_READABLE : 0) |
                       ((what & CURL_POLL_OUT) != 0 ? UV_WRITABLE : 0);
    uv_poll_start(&socket->poll, events, [](uv_poll_t* poll, int status, int happened) {
      const auto& ready = *static_cast<Socket*>(poll->data);
      int flags = status < 0 ? CURL_CSELECT_ERR : 0;
      if ((happened & UV_READABLE) != 0) flags |= CURL_CSELECT_IN;
      if ((happened & UV_WRITABLE) != 0) flags |= CURL_CSELECT_OUT;
      ready.owner->act(ready.descriptor, flags);
    });
    return 0;
  }

  Socket* open_socket(curl_socket_t descriptor) {
    auto* socket = new Socket;
    socket->descriptor = descriptor;
    socket->owner = this;
    socket->poll.data = socket;
    if (uv_poll_init_socket(loop_, &socket->poll, descriptor) != 0) {
      delete socket;
      return nullptr;
    }
    curl_multi_assign(multi_, descriptor, socket);
    return socket;
  }

  void close_socket(Socket* socket) {
    if (socket == nullptr) return;
    curl_multi_assign(multi_, socket->descriptor, nullptr);
    uv_poll_stop(&socket->poll);
    uv_close(reinterpret_cast<uv_handle_t*>(&socket->poll),
             [](uv_handle_t* handle) { delete static_cast<Socket*>(handle->data); });
  }

  static int on_timer(CURLM*, long timeout_ms, void* user) {
    auto& self = *static_cast<Impl*>(user);
    if (timeout_ms < 0) {
      self.timer_.stop();
    } else {
      self.timer_.start(timeout_ms * kMillisecond);
    }
    return 0;
  }

  void act(curl_socket_t descriptor, int flags) {
    int running = 0;
    curl_multi_socket_action(multi_, descriptor, flags, &running);
    int left = 0;
    while (const CURLMsg* message = curl_multi_info_read(multi_, &left)) {
      if (message->msg == CURLMSG_DONE) finish(message->easy_handle, message->data.result);
    }
  }

  void finish(CURL* easy, CURLcode result) {
    const auto it = transfers_.find(easy);
    TOCSIN_CHECK(it != transfers_.end());
    const std::unique_ptr<Transfer> transfer = std::move(it->second);
    transfers_.erase(it);
    curl_multi_remove_handle(multi_, easy);
    transfer->done(answer_of(*transfer, result));
  }

  static DeliveryAnswer answer_of(const Transfer& transfer, CURLcode result) {
    long status = 0;
    double seconds = 0;
    curl_off_t retry_after = 0;
    curl_easy_getinfo(transfer.easy, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(transfer.easy, CURLINFO_TOTAL_TIME, &seconds);
    curl_easy_getinfo(transfer.easy, CURLINFO_RETRY_AFTER, &retry_after);
    if (transfer.mail) return mail_answer(transfer, result, status, seconds);
    DeliveryAnswer answer;
    answer.latency = static_cast<Duration>(seconds * kSecond);
    answer.retry_after = std::min<int64_t>(retry_after, kDay / kSecond) * kSecond;
    // The status of an answer counts even if its body is too long.
    const bool cut = result == CURLE_WRITE_ERROR && transfer.answer_size > kAnswerBytesMax;
    if (result != CURLE_OK && !cut) {
      answer.error = transfer.error[0] != '\0' ? transfer.error.data() : curl_easy_strerror(result);
      return answer;
    }
    answer.http_status = status;
    if (status >= 200 && status < 300) return answer;
    answer.error = fmt::format("the receiver answered {}", status);
    if (status >= 300 && status < 400) answer.error += " (redirects are not followed)";
    if (!transfer.answer.empty()) answer.error += ": " + transfer.answer;
    return answer;
  }

  // A mail server answers 4xx to what may work later, and 5xx to what never will (RFC 5321,
  // section 4.2.1), except for a refused login, which an operator can fix.
  static DeliveryAnswer mail_answer(const Transfer& transfer, CURLcode result, long status,
                                    double seconds) {
    DeliveryAnswer answer;
    answer.latency = static_cast<Duration>(seconds * kSecond);
    answer.verdict = DeliveryVerdict::kDelivered;
    if (result == CURLE_OK) return answer;
    const bool is_final = status >= 500 && result != CURLE_LOGIN_DENIED;
    answer.verdict = is_final ? DeliveryVerdict::kRefused : DeliveryVerdict::kRetry;
    answer.error = transfer.error[0] != '\0' ? transfer.error.data() : curl_easy_strerror(result);
    if (status != 0) answer.error += fmt::format(" (the mail server answered {})", status);
    return answer;
  }

  uv_loop_t* const loop_;
  const Options options_;
  LoopTimer timer_;
  CURLM* multi_ = nullptr;
  std::map<CURL*, std::unique_ptr<Transfer>> transfers_;
};

HttpSender::HttpSender(uv_loop_t* loop, Options options)
    : impl_(std::make_unique<Impl>(loop, std::move(options))) {}

HttpSender::~HttpSender() = default;

void HttpSender::mail(MailMessage message, std::function<void(DeliveryAnswer)> done) {
  impl_->mail(std::move(message), std::move(done));
}

void HttpSender::post(HttpPost request, std::function<void(DeliveryAnswer)> done) {
  impl_->post(std::move(request), std::move(done));
}

}  // namespace tocsin
