// PagerDuty: Events API v2. One incident per alert instance. Source: developer.pagerduty.com,
// "Send an alert event".
#include <fmt/format.h>

#include "db/base/json.h"
#include "net/deliver/alert_text.h"
#include "net/deliver/receiver.h"
#include "rules/alert_size.h"

namespace tocsin {
namespace {

constexpr const char* kPagerDutyUrl = "https://events.pagerduty.com/v2/enqueue";
constexpr size_t kPagerDutySummaryBytesMax = 1'000;  // of 1,024 characters

const char* pagerduty_severity(Severity severity) {
  switch (severity) {
    case Severity::kCritical: return "critical";
    case Severity::kHigh: return "error";
    case Severity::kMedium: return "warning";
    case Severity::kLow: return "info";
  }
  return "error";
}

class PagerDuty final : public AlertReceiver {
 public:
  explicit PagerDuty(ForwarderOptions options) : options_(std::move(options)) {
    if (options_.url.empty()) options_.url = kPagerDutyUrl;
  }

  size_t alerts_max() const override { return 1; }
  DeliveryRequest request(const ReceiverContext& context,
                          std::span<const AlertEvent> alerts) const override {
    const AlertEvent& event = alerts.front();
    const std::string begin = fmt::format(
        R"({{"routing_key":{},"event_action":"{}","dedup_key":{})", json_quote(options_.key),
        is_over(event) ? "resolve" : "trigger", json_quote(event.fingerprint));
    if (is_over(event)) return post_of(options_, alerts, begin + "}");
    return post_of(
        options_, alerts,
        fmt::format(
            R"({},"client":"Tocsin","client_url":{},"payload":{{"summary":{},"source":{},)"
            R"("severity":"{}","timestamp":"{}","component":{},"class":{},"custom_details":{}}}}})",
            begin, json_quote(context.payload.external_url),
            json_quote(cut_text(details_of(event), kPagerDutySummaryBytesMax)),
            json_quote(event.service.empty() ? "tocsin" : event.service),
            pagerduty_severity(event.severity), format_time_short(event.started_at),
            json_quote(event.service), json_quote(event.type), json_object(labels_of(event))));
  }

 private:
  ForwarderOptions options_;
};

}  // namespace

Result<std::unique_ptr<AlertReceiver>> make_pagerduty(const ForwarderOptions& options) {
  if (options.key.empty()) return fail(ErrorCode::kInvalid, "`routing_key` is missing");
  if (!options.url.empty()) TOCSIN_RETURN_IF_ERROR(check_receiver_url(options));
  return std::make_unique<PagerDuty>(options);
}

}  // namespace tocsin
