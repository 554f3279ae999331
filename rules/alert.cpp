// Names of severities and states, and the JSON form of an alert event in the outbox:
//
//   {"v":1,"time":1764000000000000000,...,"severity":"HIGH","state":"firing","value":0.5,
//    "baseline":null,"labels":{...},"annotations":{...},"samples":["..."],"explanation":"[...]",
//    "query":"...","late":false,"told":["LOW","HIGH"],"inhibited_by":["..."],
//    "silenced_by":["..."],"acknowledged_by":""}
//
// Times are nanoseconds; a value that is not a finite number is null. Unknown keys are ignored and
// missing ones keep their defaults, so that entries survive both upgrades and downgrades.
#include "rules/alert.h"

#include <array>
#include <cmath>

#include <fmt/format.h>
#include <simdjson.h>

#include "db/base/json.h"

namespace tocsin {
namespace {

constexpr std::array<Severity, 4> kSeverities = {Severity::kLow, Severity::kMedium, Severity::kHigh,
                                                 Severity::kCritical};
constexpr std::array<AlertState, 5> kStates = {AlertState::kInactive, AlertState::kPending,
                                               AlertState::kFiring, AlertState::kResolved,
                                               AlertState::kRetracted};

std::string names_json(const std::set<Severity>& severities) {
  std::vector<std::string> names;
  for (const Severity severity : severities) names.emplace_back(name_of(severity));
  return json_strings(names);
}

using Json = simdjson::dom::element;

// Each reader leaves `out` alone when the key is missing, and returns false when the value has the
// wrong type.
bool read(const Json& json, const char* key, std::string& out) {
  const auto value = json[key];
  if (value.error() == simdjson::NO_SUCH_FIELD) return true;
  std::string_view text;
  if (value.get_string().get(text)) return false;
  out = text;
  return true;
}

bool read(const Json& json, const char* key, Timestamp& out) {
  const auto value = json[key];
  if (value.error() == simdjson::NO_SUCH_FIELD) return true;
  return value.get_int64().get(out) == simdjson::SUCCESS;
}

bool read(const Json& json, const char* key, double& out) {
  const auto value = json[key];
  if (value.error() == simdjson::NO_SUCH_FIELD) return true;
  if (value.is_null()) {
    out = kNoNumber;
    return true;
  }
  return value.get_double().get(out) == simdjson::SUCCESS;
}

bool read(const Json& json, const char* key, bool& out) {
  const auto value = json[key];
  if (value.error() == simdjson::NO_SUCH_FIELD) return true;
  return value.get_bool().get(out) == simdjson::SUCCESS;
}

bool read(const Json& json, const char* key, std::map<std::string, std::string>& out) {
  const auto value = json[key];
  if (value.error() == simdjson::NO_SUCH_FIELD) return true;
  simdjson::dom::object entries;
  if (value.get_object().get(entries)) return false;
  for (const auto& [name, item] : entries) {
    std::string_view text;
    if (item.get_string().get(text)) return false;
    out[std::string(name)] = text;
  }
  return true;
}

bool read(const Json& json, const char* key, std::vector<std::string>& out) {
  const auto value = json[key];
  if (value.error() == simdjson::NO_SUCH_FIELD) return true;
  simdjson::dom::array items;
  if (value.get_array().get(items)) return false;
  for (const Json& item : items) {
    std::string_view text;
    if (item.get_string().get(text)) return false;
    out.emplace_back(text);
  }
  return true;
}

tl::unexpected<Error> corrupt(std::string_view reason) {
  return fail(ErrorCode::kCorrupt, fmt::format("cannot read an alert in the outbox: {}", reason));
}

}  // namespace

const char* name_of(Severity severity) {
  switch (severity) {
    case Severity::kLow: return "LOW";
    case Severity::kMedium: return "MEDIUM";
    case Severity::kHigh: return "HIGH";
    case Severity::kCritical: return "CRITICAL";
  }
  return "unknown";
}

Result<Severity> parse_severity(std::string_view text) {
  for (const Severity severity : kSeverities) {
    if (text == name_of(severity)) return severity;
  }
  return fail(ErrorCode::kInvalid,
              fmt::format("`{}` is not a severity; expected LOW, MEDIUM, HIGH or CRITICAL", text));
}

const char* name_of(AlertState state) {
  switch (state) {
    case AlertState::kInactive: return "inactive";
    case AlertState::kPending: return "pending";
    case AlertState::kFiring: return "firing";
    case AlertState::kResolved: return "resolved";
    case AlertState::kRetracted: return "retracted";
  }
  return "unknown";
}

Result<AlertState> parse_alert_state(std::string_view text) {
  for (const AlertState state : kStates) {
    if (text == name_of(state)) return state;
  }
  return fail(ErrorCode::kInvalid,
              fmt::format("`{}` is not an alert state; expected inactive, pending, firing, "
                          "resolved or retracted",
                          text));
}

std::string encode_alert(const AlertEvent& event) {
  return fmt::format(
      "{{\"v\":1,\"time\":{},\"written_at\":{},\"rule\":{},\"type\":{},\"severity\":{},\"state\":{}"
      ","
      "\"service\":{},\"value\":{},\"baseline\":{},\"summary\":{},\"fingerprint\":{},"
      "\"started_at\":{},\"window_from\":{},\"window_to\":{},\"labels\":{},\"annotations\":{},"
      "\"samples\":{},\"explanation\":{},\"query\":{},\"late\":{},\"told\":{},"
      "\"inhibited_by\":{},\"silenced_by\":{},\"acknowledged_by\":{}}}",
      event.time, event.written_at, json_quote(event.rule), json_quote(event.type),
      json_quote(name_of(event.severity)), json_quote(name_of(event.state)),
      json_quote(event.service), json_number(event.value), json_number(event.baseline),
      json_quote(event.summary), json_quote(event.fingerprint), event.started_at, event.window_from,
      event.window_to, json_object(event.labels), json_object(event.annotations),
      json_strings(event.samples), json_quote(event.explanation), json_quote(event.query),
      event.late, names_json(event.notified), json_strings(event.inhibited_by),
      json_strings(event.silenced_by), json_quote(event.acknowledged_by));
}

Result<AlertEvent> decode_alert(std::string_view text) {
  simdjson::dom::parser parser;
  Json json;
  const auto error = parser.parse(text.data(), text.size()).get(json);
  if (error) return corrupt(simdjson::error_message(error));
  if (!json.is_object()) return corrupt("not a JSON object");

  AlertEvent event;
  event.value = event.baseline = kNoNumber;
  std::string severity = name_of(event.severity);
  std::string state = name_of(event.state);
  std::vector<std::string> notified;
  const bool fits =
      read(json, "time", event.time) && read(json, "written_at", event.written_at) &&
      read(json, "rule", event.rule) && read(json, "type", event.type) &&
      read(json, "severity", severity) && read(json, "state", state) &&
      read(json, "service", event.service) && read(json, "value", event.value) &&
      read(json, "baseline", event.baseline) && read(json, "summary", event.summary) &&
      read(json, "fingerprint", event.fingerprint) && read(json, "started_at", event.started_at) &&
      read(json, "window_from", event.window_from) && read(json, "window_to", event.window_to) &&
      read(json, "labels", event.labels) && read(json, "annotations", event.annotations) &&
      read(json, "samples", event.samples) && read(json, "explanation", event.explanation) &&
      read(json, "query", event.query) && read(json, "late", event.late) &&
      read(json, "told", notified) && read(json, "inhibited_by", event.inhibited_by) &&
      read(json, "silenced_by", event.silenced_by) &&
      read(json, "acknowledged_by", event.acknowledged_by);
  if (!fits) return corrupt("a value has the wrong type");
  TOCSIN_TRY(event.severity, parse_severity(severity));
  TOCSIN_TRY(event.state, parse_alert_state(state));
  for (const std::string& name : notified) {
    TOCSIN_TRY(const Severity each, parse_severity(name));
    event.notified.insert(each);
  }
  return event;
}

std::string outbox_key(std::string_view forwarder, uint64_t sequence) {
  return fmt::format("{}/{:020}", forwarder, sequence);
}

}  // namespace tocsin
