// Opsgenie (and Jira Service Management): the Alert API. One alert per alert instance. Source:
// docs.opsgenie.com, "Alert API", create and close.
#include <fmt/format.h>

#include "db/base/json.h"
#include "net/deliver/alert_text.h"
#include "net/deliver/receiver.h"
#include "rules/alert_size.h"

namespace tocsin {
namespace {

constexpr const char* kOpsgenieUrl = "https://api.opsgenie.com";
constexpr size_t kOpsgenieMessageBytesMax = 130;
constexpr size_t kOpsgenieTextBytesMax = 15'000;

const char* opsgenie_priority(Severity severity) {
  switch (severity) {
    case Severity::kCritical: return "P1";
    case Severity::kHigh: return "P2";
    case Severity::kMedium: return "P3";
    case Severity::kLow: return "P4";
  }
  return "P3";
}

class Opsgenie final : public AlertReceiver {
 public:
  explicit Opsgenie(ForwarderOptions options) : options_(std::move(options)) {
    if (options_.url.empty()) options_.url = kOpsgenieUrl;
    while (options_.url.ends_with('/')) options_.url.pop_back();
  }

  size_t alerts_max() const override { return 1; }
  DeliveryRequest request(const ReceiverContext&,
                          std::span<const AlertEvent> alerts) const override {
    const AlertEvent& event = alerts.front();
    HttpPost post = post_of(options_, alerts, "");
    post.headers.push_back("Authorization: GenieKey " + options_.key);
    post.url += "/v2/alerts";
    if (is_over(event)) {
      post.url += fmt::format("/{}/close?identifierType=alias", event.fingerprint);
      post.body = fmt::format(R"({{"source":"tocsin","note":{}}})",
                              json_quote(cut_text(details_of(event), kOpsgenieTextBytesMax)));
      return post;
    }
    post.body = fmt::format(
        R"({{"message":{},"alias":{},"description":{},"priority":"{}","source":"tocsin",)"
        R"("entity":{},"details":{}}})",
        json_quote(cut_text(details_of(event), kOpsgenieMessageBytesMax)),
        json_quote(event.fingerprint),
        json_quote(cut_text(text_of(alerts).body(), kOpsgenieTextBytesMax)),
        opsgenie_priority(event.severity), json_quote(cut_text(event.service, 500)),
        json_object(labels_of(event)));
    return post;
  }

 private:
  ForwarderOptions options_;
};

}  // namespace

Result<std::unique_ptr<AlertReceiver>> make_opsgenie(const ForwarderOptions& options) {
  if (options.key.empty()) return fail(ErrorCode::kInvalid, "`api_key` is missing");
  if (!options.url.empty()) TOCSIN_RETURN_IF_ERROR(check_receiver_url(options));
  return std::make_unique<Opsgenie>(options);
}

}  // namespace tocsin
