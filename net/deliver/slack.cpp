// Slack: incoming webhooks. Source: docs.slack.dev, "Sending messages using incoming webhooks".
#include <fmt/format.h>

#include "db/base/json.h"
#include "net/deliver/alert_text.h"
#include "net/deliver/receiver.h"
#include "rules/alert_size.h"

namespace tocsin {
namespace {

constexpr size_t kSlackTextBytesMax = 2'900;  // a section of a message has 3,000 characters

// Slack's three control characters; otherwise log text could mention people and make links.
std::string slack_text(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == '&')
      out += "&amp;";
    else if (c == '<')
      out += "&lt;";
    else if (c == '>')
      out += "&gt;";
    else
      out += c;
  }
  return out;
}

const char* slack_colour(const AlertText& text) {
  if (!text.firing) return "good";
  return text.severity >= Severity::kHigh ? "danger" : "warning";
}

class Slack final : public AlertReceiver {
 public:
  explicit Slack(ForwarderOptions options) : options_(std::move(options)) {}

  DeliveryRequest request(const ReceiverContext& context,
                          std::span<const AlertEvent> alerts) const override {
    const AlertText text = text_of(alerts);
    const std::string title = slack_text(cut_text(text.title, kSlackTextBytesMax));
    const std::string link = context.payload.external_url.empty()
                                 ? ""
                                 : R"(,"title_link":)" + json_quote(context.payload.external_url);
    return post_of(
        options_, alerts,
        fmt::format(R"({{"text":{},"attachments":[{{"color":"{}","fallback":{},"title":{},)"
                    R"("text":{},"footer":"Tocsin"{}}}]}})",
                    json_quote(title), slack_colour(text), json_quote(title), json_quote(title),
                    json_quote(slack_text(cut_text(text.body(), kSlackTextBytesMax))), link));
  }

 private:
  const ForwarderOptions options_;
};

}  // namespace

Result<std::unique_ptr<AlertReceiver>> make_slack(const ForwarderOptions& options) {
  TOCSIN_RETURN_IF_ERROR(check_receiver_url(options));
  return std::make_unique<Slack>(options);
}

}  // namespace tocsin
