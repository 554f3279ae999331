// Payloads of a forwarder's requests: functions that turn alerts into a JSON body, without I/O. The
// settings choose one by name.
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
  std::string external_url;  ///< where users reach this server; may be empty
};

/// Returns the body of one request. Requires: `alerts` is not empty.
using PayloadFunction = std::string (*)(const PayloadContext& context,
                                        std::span<const AlertEvent> alerts);

/// Alertmanager's webhook payload, version 4 (prometheus/alertmanager: notify/webhook and
/// template.Data), with an object `tocsin` added to each alert.
std::string alertmanager_payload(const PayloadContext& context, std::span<const AlertEvent> alerts);
/// `{"severity", "count", "alerts": [{"service", "details"}]}`, with the highest severity.
std::string simple_payload(const PayloadContext& context, std::span<const AlertEvent> alerts);

/// kInvalid lists the known names.
Result<PayloadFunction> find_payload(std::string_view name);

/// An id of one event of an alert, by which receivers recognise repeated deliveries: 16 hex digits,
/// a hash of the fields that differ between the events of an alert (fingerprint, state, start,
/// time, severity and others). It is the same for every delivery of the event.
std::string delivery_id(const AlertEvent& event);
/// The id of a request: that of its only alert, or a hash of the ids of all its alerts.
std::string delivery_id(std::span<const AlertEvent> alerts);

}  // namespace tocsin
