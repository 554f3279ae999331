// What a forwarder's request says: alerts in, a JSON body out; no I/O. One function per form of
// payload, found by its name in the settings.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "db/base/result.h"
#include "rules/alert.h"

namespace tocsin {

struct PayloadContext {
  std::string receiver;      ///< the forwarder's name
  std::string external_url;  ///< where people reach this server; may be empty
};

/// The body of one request. Requires: `alerts` is not empty.
using PayloadFunction = std::string (*)(const PayloadContext& context,
                                        std::span<const AlertEvent> alerts);

/// The webhook of Alertmanager, version 4 (prometheus/alertmanager, notify/webhook and
/// template.Data), with an object `tocsin` added to each alert.
std::string alertmanager_payload(const PayloadContext& context, std::span<const AlertEvent> alerts);
/// `{"severity", "count", "alerts": [{"service", "details"}]}`, the severity being the highest.
std::string simple_payload(const PayloadContext& context, std::span<const AlertEvent> alerts);

/// kInvalid names the known ones.
Result<PayloadFunction> find_payload(std::string_view name);

/// By which a receiver tells repeats: 16 hex digits of what tells an alert's events apart, such as
/// fingerprint, state, start and time; the same whenever, and however often, the event is
/// delivered.
std::string delivery_id(const AlertEvent& event);
/// Of a request: the alert's own id, or one made of all of them.
std::string delivery_id(std::span<const AlertEvent> alerts);

}  // namespace tocsin
