// The registry of receiver types, and what they share.
#include "net/deliver/receiver.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "db/base/ascii.h"
#include "net/deliver/http.h"

namespace tocsin {
namespace {

constexpr size_t kSecretBytesMin = 4;  // shorter ones would mask ordinary text

constexpr std::array<ReceiverType, 9> kReceiverTypes = {{{"webhook", &make_webhook},
                                                         {"alertmanager", &make_alertmanager},
                                                         {"slack", &make_slack},
                                                         {"pagerduty", &make_pagerduty},
                                                         {"opsgenie", &make_opsgenie},
                                                         {"teams", &make_teams},
                                                         {"discord", &make_discord},
                                                         {"email", &make_email},
                                                         {"command", &make_command}}};

// What follows the host: webhooks of chats have their secret there.
std::string path_of_url(const std::string& url) {
  const size_t host = url.find("://");
  const size_t path = host == url.npos ? url.npos : url.find('/', host + 3);
  return path == url.npos ? "" : url.substr(path + 1);
}

std::string user_of_url(const std::string& url) {
  const size_t host = url.find("://");
  const size_t at = url.rfind('@');
  return host == url.npos || at == url.npos || at < host ? "" : url.substr(host + 3, at - host - 3);
}

void mask(std::string& text, const std::string& secret) {
  if (secret.size() < kSecretBytesMin) return;
  for (size_t at = text.find(secret); at != text.npos; at = text.find(secret, at + 3))
    text.replace(at, secret.size(), "***");
}

}  // namespace

std::span<const ReceiverType> receiver_types() { return kReceiverTypes; }

Result<std::unique_ptr<AlertReceiver>> make_receiver(const ForwarderOptions& options) {
  std::string known;
  for (const ReceiverType& type : kReceiverTypes) {
    if (type.name == options.type) return type.make(options);
    known += fmt::format("{}`{}`", known.empty() ? "" : ", ", type.name);
  }
  return fail(ErrorCode::kInvalid,
              fmt::format("unknown type `{}`; expected one of {}", options.type, known));
}

std::string without_secrets(std::string text, const ForwarderOptions& options) {
  for (const std::string& secret : {options.secret, options.key, options.password,
                                    path_of_url(options.url), user_of_url(options.url)})
    mask(text, secret);
  for (const auto& [name, value] : options.headers) {
    if (!equals_ignoring_case(name, "content-type")) mask(text, value);
  }
  return text;
}

Status check_receiver_url(const ForwarderOptions& options) {
  if (options.url.empty()) return fail(ErrorCode::kInvalid, "`url` is missing");
  return check_post_url(options.url);
}

HttpPost post_of(const ForwarderOptions& options, std::span<const AlertEvent> alerts,
                 std::string body) {
  HttpPost request;
  request.url = options.url;
  request.ca_file = options.ca_file;
  request.proxy = options.proxy;
  request.body = std::move(body);
  const std::string id = delivery_id(alerts);
  request.headers = {"Idempotency-Key: " + id, "X-Tocsin-Delivery: " + id};
  bool typed = false;
  for (const auto& [name, value] : options.headers) {
    // libcurl sends a header without a value only in this form.
    request.headers.push_back(value.empty() ? name + ';' : fmt::format("{}: {}", name, value));
    typed = typed || equals_ignoring_case(name, "content-type");
  }
  if (!typed) request.headers.push_back("Content-Type: application/json");
  return request;
}

}  // namespace tocsin
