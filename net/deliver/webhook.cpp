// Any HTTP receiver: a payload or a template of one's own, signed if there is a secret.
#include <array>

#include <fmt/format.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "db/base/binary_text.h"
#include "db/base/check.h"
#include "net/deliver/alert_text.h"
#include "net/deliver/receiver.h"

namespace tocsin {
namespace {

// HMAC-SHA256 of `TIMESTAMP.BODY` in hex. The timestamp lets receivers refuse old copies.
std::string signature_of(const std::string& secret, const std::string& timestamp,
                         const std::string& body) {
  const std::string message = timestamp + '.' + body;
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned length = 0;
  const auto* made = HMAC(EVP_sha256(), secret.data(), static_cast<int>(secret.size()),
                          reinterpret_cast<const unsigned char*>(message.data()), message.size(),
                          digest.data(), &length);
  TOCSIN_CHECK(made != nullptr);
  return hex_text({reinterpret_cast<const char*>(digest.data()), length});
}

class Webhook final : public AlertReceiver {
 public:
  Webhook(const ForwarderOptions& options, PayloadFunction payload)
      : options_(options), payload_(payload) {}

  DeliveryRequest request(const ReceiverContext& context,
                          std::span<const AlertEvent> alerts) const override {
    std::string body = options_.body_template.empty()
                           ? payload_(context.payload, alerts)
                           : fill_template(options_.body_template, context.payload, alerts);
    HttpPost post = post_of(options_, alerts, std::move(body));
    if (!options_.secret.empty()) {
      const std::string timestamp = fmt::format("{}", context.now / kSecond);
      post.headers.push_back("X-Tocsin-Timestamp: " + timestamp);
      post.headers.push_back("X-Tocsin-Signature: sha256=" +
                             signature_of(options_.secret, timestamp, post.body));
    }
    return post;
  }

 private:
  const ForwarderOptions options_;
  const PayloadFunction payload_;
};

}  // namespace

Result<std::unique_ptr<AlertReceiver>> make_webhook(const ForwarderOptions& options) {
  TOCSIN_RETURN_IF_ERROR(check_receiver_url(options));
  TOCSIN_TRY(const PayloadFunction payload, find_payload(options.payload));
  if (!options.body_template.empty()) {
    if (const Status checked = check_template(options.body_template); !checked)
      return fail(checked.error(), "template");
  }
  return std::make_unique<Webhook>(options, payload);
}

}  // namespace tocsin
