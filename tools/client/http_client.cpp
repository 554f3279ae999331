// HTTP through libcurl.
#include "tools/client/http_client.h"

#include <memory>

#include <curl/curl.h>
#include <fmt/format.h>

namespace tocsin {
namespace {

constexpr const char* kGet = "GET";
constexpr const char* kPost = "POST";
constexpr const char* kDelete = "DELETE";

using Handle = std::unique_ptr<CURL, decltype(&curl_easy_cleanup)>;
using HeaderList = std::unique_ptr<curl_slist, decltype(&curl_slist_free_all)>;

size_t append(char* data, size_t size, size_t count, void* body) {
  static_cast<std::string*>(body)->append(data, size * count);
  return size * count;
}

std::string escaped(CURL* curl, const std::string& text) {
  char* result = curl_easy_escape(curl, text.data(), static_cast<int>(text.size()));
  std::string copy = result == nullptr ? "" : result;
  curl_free(result);
  return copy;
}

std::string full_url(CURL* curl, const HttpRequest& request) {
  std::string url = request.url;
  char separator = '?';
  for (const auto& [name, value] : request.parameters) {
    url += separator + escaped(curl, name) + "=" + escaped(curl, value);
    separator = '&';
  }
  return url;
}

// Like curl_easy_perform, but checks `cancelled` ten times per second.
CURLcode perform(CURL* curl, const std::atomic<bool>* cancelled) {
  constexpr int kPollMs = 100;
  const std::unique_ptr<CURLM, decltype(&curl_multi_cleanup)> multi(curl_multi_init(),
                                                                    &curl_multi_cleanup);
  if (multi == nullptr || curl_multi_add_handle(multi.get(), curl) != CURLM_OK) {
    return CURLE_FAILED_INIT;
  }
  CURLcode result = CURLE_OK;
  for (int running = 1; running > 0;) {
    if (curl_multi_perform(multi.get(), &running) != CURLM_OK) result = CURLE_RECV_ERROR;
    if (cancelled != nullptr && cancelled->load()) result = CURLE_ABORTED_BY_CALLBACK;
    if (result != CURLE_OK) break;
    if (running > 0) curl_multi_poll(multi.get(), nullptr, 0, kPollMs, nullptr);
  }
  int left = 0;
  const CURLMsg* message = curl_multi_info_read(multi.get(), &left);
  if (result == CURLE_OK && message != nullptr && message->msg == CURLMSG_DONE) {
    result = message->data.result;
  }
  curl_multi_remove_handle(multi.get(), curl);
  return result;
}

void set_tls(CURL* curl, const ServerAccess& access) {
  const auto set = [&](CURLoption option, const std::string& path) {
    if (!path.empty()) curl_easy_setopt(curl, option, path.c_str());
  };
  set(CURLOPT_CAINFO, access.ca_file);
  set(CURLOPT_SSLCERT, access.certificate);
  set(CURLOPT_SSLKEY, access.key);
}

Result<HttpResponse> transfer(const HttpRequest& request, const char* method) {
  const Handle curl(curl_easy_init(), &curl_easy_cleanup);
  if (curl == nullptr) return fail(ErrorCode::kIo, "cannot initialize libcurl");
  HttpResponse response;
  HeaderList headers(nullptr, &curl_slist_free_all);
  for (const std::string& header : request.headers) {
    headers.reset(curl_slist_append(headers.release(), header.c_str()));
  }
  if (!request.access.token.empty()) {
    const std::string header = "Authorization: Bearer " + request.access.token;
    headers.reset(curl_slist_append(headers.release(), header.c_str()));
  }
  set_tls(curl.get(), request.access);
  const std::string url = full_url(curl.get(), request);
  curl_easy_setopt(curl.get(), CURLOPT_URL, url.c_str());
  curl_easy_setopt(curl.get(), CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(curl.get(), CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl.get(), CURLOPT_TIMEOUT_MS,
                   static_cast<long>(request.timeout / kMillisecond));
  curl_easy_setopt(curl.get(), CURLOPT_HTTPHEADER, headers.get());
  if (method == kDelete) curl_easy_setopt(curl.get(), CURLOPT_CUSTOMREQUEST, kDelete);
  if (method == kPost) {
    curl_easy_setopt(curl.get(), CURLOPT_POSTFIELDSIZE_LARGE,
                     static_cast<curl_off_t>(request.body.size()));
    curl_easy_setopt(curl.get(), CURLOPT_POSTFIELDS, request.body.data());
  }
  curl_easy_setopt(curl.get(), CURLOPT_WRITEFUNCTION, &append);
  curl_easy_setopt(curl.get(), CURLOPT_WRITEDATA, &response.body);
  const CURLcode code = perform(curl.get(), request.cancelled);
  if (code == CURLE_ABORTED_BY_CALLBACK) return fail(ErrorCode::kCancelled, "cancelled");
  if (code != CURLE_OK) {
    const bool bad_url = code == CURLE_URL_MALFORMAT || code == CURLE_UNSUPPORTED_PROTOCOL;
    return fail(bad_url ? ErrorCode::kInvalid : ErrorCode::kIo,
                fmt::format("requesting {}: {}", request.url, curl_easy_strerror(code)));
  }
  curl_easy_getinfo(curl.get(), CURLINFO_RESPONSE_CODE, &response.status);
  return response;
}

}  // namespace

Result<HttpResponse> http_post(const HttpRequest& request) { return transfer(request, kPost); }
Result<HttpResponse> http_get(const HttpRequest& request) { return transfer(request, kGet); }
Result<HttpResponse> http_delete(const HttpRequest& request) { return transfer(request, kDelete); }

}  // namespace tocsin
