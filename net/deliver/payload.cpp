#include "net/deliver/payload.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>

#include <fmt/format.h>
#include <xxhash.h>

#include "db/base/ascii.h"
#include "db/base/check.h"
#include "db/base/json.h"

namespace tocsin {
namespace {

using Labels = std::map<std::string, std::string>;

constexpr const char* kNoEnd = "0001-01-01T00:00:00Z";  // Go's zero time, as Alertmanager sends it

const char* status_of(const AlertEvent& event) { return is_over(event) ? "resolved" : "firing"; }

// The labels or annotations that all alerts share.
Labels common(std::span<const AlertEvent> alerts, Labels (*of)(const AlertEvent&)) {
  Labels shared = of(alerts.front());
  for (const AlertEvent& event : alerts.subspan(1)) {
    const Labels other = of(event);
    std::erase_if(shared, [&](const auto& entry) {
      const auto it = other.find(entry.first);
      return it == other.end() || it->second != entry.second;
    });
  }
  return shared;
}

std::string tocsin_object(const AlertEvent& e) {
  return fmt::format(
      R"({{"id":"{}","type":{},"severity":"{}","state":"{}","value":{},"baseline":{},)"
      R"("window":{{"from":"{}","to":"{}"}},"samples":{},"explanation":{},"query":{},"late":{}}})",
      delivery_id(e), json_quote(e.type), name_of(e.severity), name_of(e.state),
      json_number(e.value), json_number(e.baseline), format_time_short(e.window_from),
      format_time_short(e.window_to), json_strings(e.samples),
      e.explanation.empty() ? "null" : e.explanation,
      e.query.empty() ? "null" : json_quote(e.query), e.late);
}

std::string alertmanager_alert(const AlertEvent& e, const std::string& external_url) {
  return fmt::format(
      R"({{"status":"{}","labels":{},"annotations":{},"startsAt":"{}","endsAt":"{}",)"
      R"("generatorURL":{},"fingerprint":{},"tocsin":{}}})",
      status_of(e), json_object(labels_of(e)), json_object(annotations_of(e)),
      format_time_short(e.started_at), is_over(e) ? format_time_short(end_of(e)) : kNoEnd,
      json_quote(alert_url(e, external_url)), json_quote(e.fingerprint), tocsin_object(e));
}

// `{}:{alertname="X"}`: Alertmanager's group key for a route without matchers.
std::string group_key(const Labels& group_labels) {
  std::string labels;
  for (const auto& [name, value] : group_labels) labels += name + '=' + json_quote(value);
  return "{}:{" + labels + '}';
}

std::string hash_text(std::string_view text) {
  return fmt::format("{:016x}", XXH3_64bits(text.data(), text.size()));
}

struct PayloadEntry {
  std::string_view name;
  PayloadFunction function;
};

constexpr std::array<PayloadEntry, 2> kPayloads = {
    {{"alertmanager", alertmanager_payload}, {"simple", simple_payload}}};

}  // namespace

bool is_over(const AlertEvent& event) {
  return event.state == AlertState::kResolved || event.state == AlertState::kRetracted;
}

// Adds the labels that receivers expect, unless the alert has labels of those names.
std::map<std::string, std::string> labels_of(const AlertEvent& event) {
  Labels labels = event.labels;
  labels.emplace("alertname", event.rule);
  labels.emplace("severity", name_of(event.severity));
  if (!event.service.empty()) labels.emplace("service", event.service);
  return labels;
}

std::map<std::string, std::string> annotations_of(const AlertEvent& event) {
  Labels annotations = event.annotations;
  if (!event.summary.empty()) annotations.emplace("summary", event.summary);
  return annotations;
}

// After the clock was ahead, the time of a resolution is that of the firing, which may be in the
// future: Alertmanager would take the alert for firing until then.
Timestamp end_of(const AlertEvent& e) { return std::min(e.time, e.written_at); }

// One text that says what happened.
std::string details_of(const AlertEvent& event) {
  std::string text = event.summary.empty() ? event.rule : event.summary;
  if (is_over(event)) text.insert(0, "resolved: ");
  for (const char* name : {"note", "ended"}) {
    const auto note = event.annotations.find(name);
    if (note != event.annotations.end()) text += " (" + note->second + ')';
  }
  return text;
}

std::string alert_url(const AlertEvent& e, const std::string& external_url) {
  if (e.query.empty() || external_url.empty()) return external_url;
  std::string url = external_url + (external_url.ends_with('/') ? "#q=" : "/#q=");
  for (const char c : e.query) {
    if (is_alphanumeric(c) || std::string_view("-._~").find(c) != std::string_view::npos) {
      url += c;
    } else {
      url += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return url;
}

std::string alertmanager_payload(const PayloadContext& context,
                                 std::span<const AlertEvent> alerts) {
  TOCSIN_CHECK(!alerts.empty());
  const bool firing =
      std::any_of(alerts.begin(), alerts.end(), [](const AlertEvent& e) { return !is_over(e); });
  const Labels common_labels = common(alerts, labels_of);
  Labels group_labels;
  if (const auto it = common_labels.find("alertname"); it != common_labels.end()) {
    group_labels.insert(*it);
  }
  std::string list;
  for (const AlertEvent& event : alerts) {
    if (!list.empty()) list += ',';
    list += alertmanager_alert(event, context.external_url);
  }
  return fmt::format(
      R"({{"receiver":{},"status":"{}","alerts":[{}],"groupLabels":{},"commonLabels":{},)"
      R"("commonAnnotations":{},"externalURL":{},"version":"4","groupKey":{},"truncatedAlerts":0}})",
      json_quote(context.receiver), firing ? "firing" : "resolved", list, json_object(group_labels),
      json_object(common_labels), json_object(common(alerts, annotations_of)),
      json_quote(context.external_url), json_quote(group_key(group_labels)));
}

std::string simple_payload(const PayloadContext&, std::span<const AlertEvent> alerts) {
  TOCSIN_CHECK(!alerts.empty());
  Severity highest = Severity::kLow;
  std::string list;
  for (const AlertEvent& event : alerts) {
    highest = std::max(highest, event.severity);
    if (!list.empty()) list += ',';
    list += fmt::format(R"({{"service":{},"details":{}}})", json_quote(event.service),
                        json_quote(details_of(event)));
  }
  return fmt::format(R"({{"severity":"{}","count":{},"alerts":[{}]}})", name_of(highest),
                     alerts.size(), list);
}

Result<PayloadFunction> find_payload(std::string_view name) {
  std::string known;
  for (const PayloadEntry& entry : kPayloads) {
    if (entry.name == name) return entry.function;
    known += fmt::format("{}`{}`", known.empty() ? "" : ", ", entry.name);
  }
  return fail(ErrorCode::kInvalid,
              fmt::format("unknown payload `{}`; expected one of {}", name, known));
}

// A firing alert is sent again when its severity rises and when it becomes the new level. If one
// window does both, only the annotation `note` distinguishes the events.
std::string delivery_id(const AlertEvent& event) {
  const auto note = event.annotations.find("note");
  return hash_text(fmt::format("{}/{}/{}/{}/{}/{}/{}", event.fingerprint, name_of(event.state),
                               event.started_at, event.time, name_of(event.severity), event.late,
                               note == event.annotations.end() ? "" : note->second));
}

std::string delivery_id(std::span<const AlertEvent> alerts) {
  if (alerts.size() == 1) return delivery_id(alerts.front());
  std::string ids;
  for (const AlertEvent& event : alerts) ids += delivery_id(event);
  return hash_text(ids);
}

}  // namespace tocsin
