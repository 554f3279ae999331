// Payloads of a forwarder's requests: functions that turn alerts into a JSON body, without I/O. The
// settings choose one by name.
#pragma once

#include <map>
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

/// Whether the event says that the alert has ended.
bool is_over(const AlertEvent& event);
/// The labels and annotations that receivers expect, by name.
std::map<std::string, std::string> labels_of(const AlertEvent& event);
std::map<std::string, std::string> annotations_of(const AlertEvent& event);
/// When an alert that is over ended; never in the future.
Timestamp end_of(const AlertEvent& event);
/// One text that says what happened.
std::string details_of(const AlertEvent& event);

/// Returns the body of one request. Requires: `alerts` is not empty.
using PayloadFunction = std::string (*)(const PayloadContext& context,
                                        std::span<const AlertEvent> alerts);

/// Where users see the alert: the page, with the query of its events if it has one.
std::string alert_url(const AlertEvent& event, const std::string& external_url);

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
