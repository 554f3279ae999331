// Rules and alerts in the format of the Prometheus API, so that tools like Grafana's alert list
// work unchanged. Source: prometheus.io, HTTP API, "Rules" and "Alerts".
#include <algorithm>
#include <cmath>
#include <map>
#include <tuple>

#include <fmt/format.h>

#include "db/base/json.h"
#include "net/http/api.h"

namespace tocsin::http {
namespace {

std::string alert_json(const AlertEvent& event) {
  std::map<std::string, std::string> labels = event.labels;
  labels["alertname"] = event.rule;
  labels["severity"] = name_of(event.severity);
  labels["type"] = event.type;
  if (!event.service.empty()) labels["service"] = event.service;
  std::map<std::string, std::string> annotations = event.annotations;
  if (!event.summary.empty()) annotations["summary"] = event.summary;
  const std::string value = std::isfinite(event.value) ? fmt::format("{}", event.value) : "NaN";
  return fmt::format(
      "{{\"labels\":{},\"annotations\":{},\"state\":\"{}\",\"activeAt\":\"{}\",\"value\":\"{}\","
      "\"fingerprint\":{},\"status\":{{\"state\":\"{}\",\"inhibitedBy\":{},\"silencedBy\":{},"
      "\"acknowledgedBy\":{}}}}}",
      json_object(labels), json_object(annotations), name_of(event.state),
      format_time(event.started_at), value, json_quote(event.fingerprint),
      event.held_back().empty() ? "active" : "suppressed", json_strings(event.inhibited_by),
      json_strings(event.silenced_by), json_quote(event.acknowledged_by));
}

std::vector<std::string> alerts_of(const RuleStatus& rule) {
  std::vector<std::string> alerts;
  for (const AlertEvent& event : rule.active) alerts.push_back(alert_json(event));
  return alerts;
}

const char* state_of(const RuleStatus& rule) {
  const char* state = "inactive";
  for (const AlertEvent& event : rule.active) {
    if (event.state == AlertState::kFiring) return "firing";
    state = "pending";
  }
  return state;
}

double seconds(Duration duration) {
  return static_cast<double>(duration) / static_cast<double>(kSecond);
}

std::string evaluation_json(Timestamp last, Duration took) {
  return fmt::format("\"lastEvaluation\":\"{}\",\"evaluationTime\":{}",
                     last == 0 ? "0001-01-01T00:00:00Z" : format_time(last), seconds(took));
}

std::string forgotten_json(const std::vector<ForgottenAlert>& forgotten) {
  std::vector<std::string> out;
  for (const ForgottenAlert& alert : forgotten) {
    out.push_back(fmt::format("{{\"labels\":{},\"fingerprint\":{},\"forgottenAt\":\"{}\"}}",
                              json_object(alert.labels), json_quote(alert.fingerprint),
                              format_time(alert.at)));
  }
  return json_array(out);
}

std::string rule_json(const RuleStatus& rule) {
  std::map<std::string, std::string> labels = rule.labels;
  labels["type"] = rule.type;
  const char* health = rule.health == RuleHealth::kFailing ? "err" : name_of(rule.health);
  return fmt::format(
      "{{\"name\":{},\"type\":\"alerting\",\"state\":\"{}\",\"query\":{},\"duration\":{},"
      "\"keepFiringFor\":{},\"labels\":{},\"annotations\":{},\"health\":\"{}\",\"lastError\":{},{},"
      "\"interval\":{},\"nextEvaluation\":\"{}\",\"alerts\":{},\"forgotten\":{}}}",
      json_quote(rule.name), state_of(rule), json_quote(rule.query), seconds(rule.hold),
      seconds(rule.keep_firing_for), json_object(labels), json_object(rule.annotations), health,
      json_quote(rule.last_error), evaluation_json(rule.last_window_end, rule.last_duration),
      seconds(rule.interval), format_time(rule.next_due), json_array(alerts_of(rule)),
      forgotten_json(rule.forgotten));
}

std::string group_json(const std::vector<const RuleStatus*>& members) {
  std::vector<std::string> texts;
  Timestamp last = 0;
  Duration took = 0;
  for (const RuleStatus* rule : members) {
    texts.push_back(rule_json(*rule));
    last = std::max(last, rule->last_window_end);
    took += rule->last_duration;
  }
  const RuleStatus& first = *members.front();
  return fmt::format("{{\"name\":{},\"file\":{},\"interval\":{},\"limit\":0,{},\"rules\":{}}}",
                     json_quote(first.group), json_quote(first.file), seconds(first.interval),
                     evaluation_json(last, took), json_array(texts));
}

// A file may hold two groups of the same name, distinguished by their intervals.
std::string groups_json(const std::vector<RuleStatus>& rules) {
  std::map<std::tuple<std::string, std::string, Duration>, std::vector<const RuleStatus*>> groups;
  for (const RuleStatus& rule : rules) {
    groups[{rule.file, rule.group, rule.interval}].push_back(&rule);
  }
  std::vector<std::string> out;
  for (const auto& [key, members] : groups) out.push_back(group_json(members));
  return json_array(out);
}

// Renders in the background, because rules may have thousands of alerts.
void answer_with(const Context& context, const Reply& reply,
                 std::string (*render)(const std::vector<RuleStatus>&)) {
  auto body = std::make_shared<std::string>();
  run_in_background(
      context.loop,
      [body, rules = context.rules, render] {
        const std::string data =
            render(rules == nullptr ? std::vector<RuleStatus>() : rules->status());
        *body = fmt::format("{{\"status\":\"success\",\"data\":{}}}\n", data);
      },
      [body, reply] { reply(json_response(200, *body)); });
}

}  // namespace

void handle_alerts(const Context& context, Request, Reply reply) {
  answer_with(context, reply, [](const std::vector<RuleStatus>& rules) {
    std::vector<std::string> alerts;
    for (const RuleStatus& rule : rules) {
      for (std::string& alert : alerts_of(rule)) alerts.push_back(std::move(alert));
    }
    return fmt::format("{{\"alerts\":{}}}", json_array(alerts));
  });
}

void handle_rules(const Context& context, Request, Reply reply) {
  answer_with(context, reply, [](const std::vector<RuleStatus>& rules) {
    return fmt::format("{{\"groups\":{}}}", groups_json(rules));
  });
}

}  // namespace tocsin::http
