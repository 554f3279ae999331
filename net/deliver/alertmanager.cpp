// Prometheus' Alertmanager, which groups, repeats and routes by itself: POST /api/v2/alerts.
// Source: prometheus/alertmanager, api/v2/openapi.yaml, and prometheus/prometheus, notifier and
// rules.
#include <algorithm>

#include <fmt/format.h>

#include "db/base/json.h"
#include "net/deliver/receiver.h"

namespace tocsin {
namespace {

constexpr std::string_view kAlertsPath = "/api/v2/alerts";
// Alertmanager resolves an alert of which it hears nothing until `endsAt`. Repeats come every
// minute, so four may be lost.
constexpr Duration kFiringFor = 5 * kMinute;

std::string posted_alert(const AlertEvent& event, const std::string& url, Timestamp now) {
  return fmt::format(
      R"({{"labels":{},"annotations":{},"startsAt":"{}","endsAt":"{}","generatorURL":{}}})",
      json_object(labels_of(event)), json_object(annotations_of(event)),
      format_time_short(std::min(event.started_at, now)),
      format_time_short(is_over(event) ? std::min(end_of(event), now) : now + kFiringFor),
      json_quote(alert_url(event, url)));
}

class Alertmanager final : public AlertReceiver {
 public:
  explicit Alertmanager(ForwarderOptions options) : options_(std::move(options)) {
    std::string& url = options_.url;
    while (url.ends_with('/')) url.pop_back();
    if (!url.ends_with(kAlertsPath)) url += kAlertsPath;
  }

  bool needs_repeats() const override { return true; }
  DeliveryRequest request(const ReceiverContext& context,
                          std::span<const AlertEvent> alerts) const override {
    std::vector<std::string> list;
    for (const AlertEvent& event : alerts)
      list.push_back(posted_alert(event, context.payload.external_url, context.now));
    return post_of(options_, alerts, json_array(list));
  }

 private:
  ForwarderOptions options_;
};

}  // namespace

Result<std::unique_ptr<AlertReceiver>> make_alertmanager(const ForwarderOptions& options) {
  TOCSIN_RETURN_IF_ERROR(check_receiver_url(options));
  return std::make_unique<Alertmanager>(options);
}

}  // namespace tocsin
