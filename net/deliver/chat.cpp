// Chats that are reached by a webhook with a body of their own: a template for each. Sources:
// learn.microsoft.com, "Create incoming webhooks with Workflows"; discord.com/developers, "Execute
// Webhook".
#include "net/deliver/alert_text.h"
#include "net/deliver/receiver.h"

namespace tocsin {
namespace {

constexpr const char* kTeamsTemplate = R"({"type": "message", "attachments": [{
  "contentType": "application/vnd.microsoft.card.adaptive",
  "content": {
    "$schema": "http://adaptivecards.io/schemas/adaptive-card.json", "type": "AdaptiveCard", "version": "1.4",
    "body": [
      {"type": "TextBlock", "text": "{{ title }}", "weight": "bolder", "size": "medium", "wrap": true},
      {"type": "TextBlock", "text": "{{ text }}", "wrap": true}]}}]})";

// Without allowed mentions, log text cannot call people.
constexpr const char* kDiscordTemplate =
    R"({"username": "Tocsin", "allowed_mentions": {"parse": []},
  "embeds": [{"title": "{{ title }}", "description": "{{ text }}", "color": "{{ colour }}"}]})";

constexpr size_t kDiscordAlertsMax = 10;  // an embed has 4,096 characters

class Chat final : public AlertReceiver {
 public:
  Chat(const ForwarderOptions& options, const char* body, size_t alerts_max)
      : options_(options), body_(body), alerts_max_(alerts_max) {}

  size_t alerts_max() const override { return alerts_max_; }
  DeliveryRequest request(const ReceiverContext& context,
                          std::span<const AlertEvent> alerts) const override {
    return post_of(options_, alerts, fill_template(body_, context.payload, alerts));
  }

 private:
  const ForwarderOptions options_;
  const char* const body_;
  const size_t alerts_max_;
};

Result<std::unique_ptr<AlertReceiver>> make_chat(const ForwarderOptions& options, const char* body,
                                                 size_t alerts_max) {
  TOCSIN_RETURN_IF_ERROR(check_receiver_url(options));
  return std::make_unique<Chat>(options, body, alerts_max);
}

}  // namespace

Result<std::unique_ptr<AlertReceiver>> make_teams(const ForwarderOptions& options) {
  return make_chat(options, kTeamsTemplate, SIZE_MAX);
}

Result<std::unique_ptr<AlertReceiver>> make_discord(const ForwarderOptions& options) {
  return make_chat(options, kDiscordTemplate, kDiscordAlertsMax);
}

}  // namespace tocsin
