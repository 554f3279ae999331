// Events of alerts, and their text form in the outbox. An alert instance is one group of one rule;
// each change of its state is an event.
#pragma once

#include <cstdint>
#include <limits>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "db/base/result.h"
#include "db/base/time.h"

namespace tocsin {

enum class Severity : uint8_t { kLow = 1, kMedium = 2, kHigh = 3, kCritical = 4 };
const char* name_of(Severity severity);  ///< `LOW`, `MEDIUM`, `HIGH`, `CRITICAL`
Result<Severity> parse_severity(std::string_view text);

/// The state that an event reports; as text in the column `state` of `alerts`.
enum class AlertState : uint8_t { kInactive, kPending, kFiring, kResolved, kRetracted };
const char* name_of(AlertState state);  ///< `inactive`, `pending`, `firing`, ...
Result<AlertState> parse_alert_state(std::string_view text);

/// The value or baseline of an alert that has none.
inline constexpr double kNoNumber = std::numeric_limits<double>::quiet_NaN();

/// Why an event is not sent.
struct HeldBack {
  std::vector<std::string> inhibited_by;  ///< names of the rules whose alerts inhibit it
  std::vector<std::string> silenced_by;   ///< ids of silences
  std::string acknowledged_by;            ///< who acknowledged the firing

  bool empty() const {
    return inhibited_by.empty() && silenced_by.empty() && acknowledged_by.empty();
  }
  bool operator==(const HeldBack&) const = default;
};

/// One change of one alert instance: one row of the measurement `alerts`, one outbox entry per
/// forwarder that wants it.
struct AlertEvent {
  Timestamp time = 0;        ///< end of the evaluated window
  Timestamp written_at = 0;  ///< the clock when the event was made
  std::string rule;          ///< the alert's name
  std::string type;          ///< e.g. FAILURE_RATE_SPIKE
  Severity severity = Severity::kMedium;
  AlertState state = AlertState::kFiring;
  std::string service;  ///< the group's `service`, else empty
  double value = 0;     ///< kNoNumber if the rule has none
  double baseline = 0;  ///< kNoNumber if the rule has none
  std::string summary;
  std::string fingerprint;   ///< 16 hex digits: hash of rule name and group
  Timestamp started_at = 0;  ///< when this firing (or pending) began
  Timestamp window_from = 0;
  Timestamp window_to = 0;
  std::map<std::string, std::string> labels;  ///< the group's columns and the rule's labels
  std::map<std::string, std::string> annotations;
  std::vector<std::string> samples;  ///< a few events as evidence, each as a line of JSON
  /// Values that are over-represented among its events, as JSON (explanation.h); empty: unknown.
  std::string explanation;
  /// Shows its events: of a firing, those of the window; of its end, those of the whole firing.
  std::string query;
  bool late = false;  ///< found only when late events had arrived
  /// Severities with which this firing has been sent, including this event's. Its end is sent to
  /// each forwarder that wanted one of them. The JSON key is `told`.
  std::set<Severity> notified;
  /// As in HeldBack, as of the end of the window. An event that has any of them is not sent.
  std::vector<std::string> inhibited_by, silenced_by;
  std::string acknowledged_by;
  bool only_stored = false;  ///< becomes a row of `alerts` but is not sent; not encoded

  HeldBack held_back() const { return {inhibited_by, silenced_by, acknowledged_by}; }
  void hold_back(const HeldBack& by) {
    inhibited_by = by.inhibited_by;
    silenced_by = by.silenced_by;
    acknowledged_by = by.acknowledged_by;
  }
  bool operator==(const AlertEvent&) const = default;
};

/// An outbox entry's value: JSON, stable across versions by ignoring unknown keys.
std::string encode_alert(const AlertEvent& event);
Result<AlertEvent> decode_alert(std::string_view text);

/// Key of an outbox entry: `forwarder`, `/`, 20 digits of `sequence`. The keys of one forwarder
/// sort in the order of delivery. Names of forwarders do not contain `/`.
std::string outbox_key(std::string_view forwarder, uint64_t sequence);

}  // namespace tocsin
