// Types of receivers: each turns alerts into a request, without I/O. A type is a file and a line in
// receiver_types().
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "db/base/result.h"
#include "db/base/time.h"
#include "net/deliver/options.h"
#include "net/deliver/payload.h"
#include "net/deliver/request.h"
#include "rules/alert.h"

namespace tocsin {

struct ReceiverContext {
  PayloadContext payload;
  Timestamp now = 0;
};

class AlertReceiver {
 public:
  virtual ~AlertReceiver() = default;
  /// Most alerts of one request.
  virtual size_t alerts_max() const { return SIZE_MAX; }
  /// Whether it must hear of alerts again and again while they fire.
  virtual bool needs_repeats() const { return false; }
  /// Requires: 1 to alerts_max() alerts.
  virtual DeliveryRequest request(const ReceiverContext& context,
                                  std::span<const AlertEvent> alerts) const = 0;
};

struct ReceiverType {
  std::string_view name;
  /// kInvalid says which setting is missing or wrong.
  Result<std::unique_ptr<AlertReceiver>> (*make)(const ForwarderOptions& options);
};
std::span<const ReceiverType> receiver_types();
/// Finds the type and makes the receiver. kInvalid names the known types, or is that of the type.
Result<std::unique_ptr<AlertReceiver>> make_receiver(const ForwarderOptions& options);

/// `text` with the secrets of the options (keys, passwords, header values, paths of URLs) masked.
std::string without_secrets(std::string text, const ForwarderOptions& options);

// What types share.
/// kInvalid if the URL is missing or wrong.
Status check_receiver_url(const ForwarderOptions& options);
/// A request with the forwarder's headers, transport and a delivery id; JSON unless a header says
/// otherwise.
HttpPost post_of(const ForwarderOptions& options, std::span<const AlertEvent> alerts,
                 std::string body);

// Types, by file.
Result<std::unique_ptr<AlertReceiver>> make_webhook(const ForwarderOptions&);  // webhook.cpp
Result<std::unique_ptr<AlertReceiver>> make_alertmanager(
    const ForwarderOptions&);                                                    // alertmanager.cpp
Result<std::unique_ptr<AlertReceiver>> make_slack(const ForwarderOptions&);      // slack.cpp
Result<std::unique_ptr<AlertReceiver>> make_pagerduty(const ForwarderOptions&);  // pagerduty.cpp
Result<std::unique_ptr<AlertReceiver>> make_opsgenie(const ForwarderOptions&);   // opsgenie.cpp
Result<std::unique_ptr<AlertReceiver>> make_teams(const ForwarderOptions&);      // chat.cpp
Result<std::unique_ptr<AlertReceiver>> make_discord(const ForwarderOptions&);
Result<std::unique_ptr<AlertReceiver>> make_email(const ForwarderOptions&);    // email.cpp
Result<std::unique_ptr<AlertReceiver>> make_command(const ForwarderOptions&);  // command.cpp

}  // namespace tocsin
