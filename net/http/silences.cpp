// Silences and alerts as Alertmanager's API v2 answers them, so that amtool and Grafana work
// unchanged; and acknowledgements. Source: prometheus/alertmanager, api/v2/openapi.yaml.
#include <algorithm>
#include <array>
#include <map>

#include <fmt/format.h>

#include "db/base/json.h"
#include "net/http/api.h"

namespace tocsin::http {
namespace {

constexpr size_t kSilenceBodyBytesMax = size_t{256} << 10;

// Alertmanager's errors are JSON strings.
Response alertmanager_error(int status, std::string_view message) {
  return json_response(status, json_quote(message) + "\n");
}
Response alertmanager_error(const Error& error) {
  const int status = error.code == ErrorCode::kConflict ? 409 : status_of(error.code);
  return alertmanager_error(status, error.message);
}

Result<std::vector<LabelMatcher>> filters_of(const Request& request) {
  std::vector<LabelMatcher> out;
  for (const auto& [name, value] : request.parameters) {
    if (name != "filter") continue;
    TOCSIN_TRY(LabelMatcher matcher, parse_label_matcher(value));
    out.push_back(std::move(matcher));
  }
  return out;
}

// As in Alertmanager: each filter is for a label that the silence names.
bool has_matchers(const Silence& silence, const std::vector<LabelMatcher>& filters) {
  return std::all_of(filters.begin(), filters.end(), [&](const LabelMatcher& filter) {
    return std::any_of(silence.matchers.begin(), silence.matchers.end(),
                       [&](const LabelMatcher& matcher) {
                         return matcher.name == filter.name && filter.matches(matcher.value);
                       });
  });
}

// Commits in the background, because the database may have to wait for its disk.
void change_silences(const Context& context, const Reply& reply,
                     std::function<Result<std::string>(RuleEngine&)> change,
                     std::function<Response(const Result<std::string>&)> respond) {
  if (context.rules == nullptr) return reply(alertmanager_error(501, "this server has no rules"));
  auto outcome = std::make_shared<Result<std::string>>();
  run_in_background(
      context.loop, [outcome, rules = context.rules, change] { *outcome = change(*rules); },
      [outcome, reply, respond] { reply(respond(*outcome)); });
}

Response silence_id_response(const Result<std::string>& id) {
  if (!id) return alertmanager_error(id.error());
  return json_response(200, fmt::format("{{\"silenceID\":{}}}\n", json_quote(*id)));
}

std::vector<Silence> silences_of(const Context& context) {
  return context.rules == nullptr ? std::vector<Silence>() : context.rules->silences();
}

std::string active_alert_json(const RuleStatus& rule, const AlertEvent& event) {
  MatchLabels labels = match_labels(event);
  labels.erase("fingerprint");
  std::map<std::string, std::string> annotations = event.annotations;
  if (!event.summary.empty()) annotations["summary"] = event.summary;
  return fmt::format(
      R"({{"labels":{},"annotations":{},"startsAt":"{}","updatedAt":"{}","endsAt":"{}",)"
      R"("fingerprint":{},"receivers":[],"status":{{"state":"{}","silencedBy":{},)"
      R"("inhibitedBy":{}}},"generatorURL":"","acknowledgedBy":{}}})",
      json_object(labels), json_object(annotations), format_time(event.started_at),
      format_time(event.time), format_time(rule.next_due + rule.interval),
      json_quote(event.fingerprint), event.held_back().empty() ? "active" : "suppressed",
      json_strings(event.silenced_by), json_strings(event.inhibited_by),
      json_quote(event.acknowledged_by));
}

bool is_wanted(const Request& request, const AlertEvent& event,
               const std::vector<LabelMatcher>& filters) {
  const auto excludes = [&](const char* name) {
    return request.parameter_or(name, "true") == "false";
  };
  if (event.state != AlertState::kFiring) return false;
  if (event.held_back().empty() && excludes("active")) return false;
  if (!event.silenced_by.empty() && excludes("silenced")) return false;
  if (!event.inhibited_by.empty() && excludes("inhibited")) return false;
  return all_match(filters, match_labels(event));
}

// A time, or how long from now.
Result<Timestamp> end_of(const std::string& text, Timestamp now) {
  if (const Result<Duration> length = parse_duration(text); length && *length > 0)
    return now + *length;
  const Result<Timestamp> time = parse_time(text);
  if (time) return *time;
  return fail(ErrorCode::kInvalid,
              fmt::format("until: `{}` is neither a duration like 4h nor a time", text));
}

}  // namespace

void handle_silences(const Context& context, Request request, Reply reply) {
  if (request.method == "POST") {
    if (request.body.size() > kSilenceBodyBytesMax)
      return reply(alertmanager_error(413, "a silence has at most 256 KiB of JSON"));
    Result<Silence> silence = parse_silence(request.body);
    if (!silence) return reply(alertmanager_error(silence.error()));
    return change_silences(
        context, reply,
        [silence = *std::move(silence)](RuleEngine& rules) { return rules.put_silence(silence); },
        &silence_id_response);
  }
  const auto filters = filters_of(request);
  if (!filters) return reply(alertmanager_error(filters.error()));
  std::vector<std::string> out;
  const Timestamp now = context.clock.now();
  for (const Silence& silence : silences_of(context)) {
    if (has_matchers(silence, *filters)) out.push_back(silence_json(silence, now));
  }
  reply(json_response(200, json_array(out) + "\n"));
}

void handle_silence(const Context& context, Request request, Reply reply) {
  const std::string id = request.path.substr(request.path.rfind('/') + 1);
  if (request.method == "DELETE") {
    return change_silences(
        context, reply,
        [id](RuleEngine& rules) -> Result<std::string> {
          TOCSIN_RETURN_IF_ERROR(rules.expire_silence(id));
          return id;
        },
        [](const Result<std::string>& done) {
          return done ? json_response(200, "") : alertmanager_error(done.error());
        });
  }
  for (const Silence& silence : silences_of(context)) {
    if (silence.id != id) continue;
    return reply(json_response(200, silence_json(silence, context.clock.now()) + "\n"));
  }
  reply(alertmanager_error(404, fmt::format("there is no silence `{}`", id)));
}

void handle_alertmanager_alerts(const Context& context, Request request, Reply reply) {
  const auto filters = filters_of(request);
  if (!filters) return reply(alertmanager_error(filters.error()));
  auto body = std::make_shared<std::string>();
  run_in_background(
      context.loop,
      [body, rules = context.rules, filters = *filters, request = std::move(request)] {
        std::vector<std::string> alerts;
        for (const RuleStatus& rule :
             rules == nullptr ? std::vector<RuleStatus>() : rules->status()) {
          for (const AlertEvent& event : rule.active) {
            if (is_wanted(request, event, filters))
              alerts.push_back(active_alert_json(rule, event));
          }
        }
        *body = json_array(alerts) + "\n";
      },
      [body, reply] { reply(json_response(200, *body)); });
}

void handle_alertmanager_status(const Context& context, Request, Reply reply) {
  reply(json_response(
      200,
      fmt::format(R"({{"cluster":{{"status":"disabled","peers":[]}},"config":{{"original":""}},)"
                  R"("uptime":"{}","versionInfo":{{"version":{},"revision":{},"branch":"",)"
                  R"("buildUser":"","buildDate":"","goVersion":""}}}})"
                  "\n",
                  format_time(context.clock.now() - context.clock.running()),
                  json_quote("tocsin " + context.version), json_quote(context.commit))));
}

void handle_acknowledge(const Context& context, Request request, Reply reply) {
  constexpr std::array<std::string_view, 4> kKnown = {"fingerprint", "by", "note", "until"};
  if (const auto others = request.other_parameters(kKnown); !others.empty()) {
    return reply(error_response(
        400, fmt::format("unknown parameter `{}`; expected fingerprint, by, note or until",
                         others.front())));
  }
  const auto until = end_of(request.parameter_or("until", "4h"), context.clock.now());
  if (!until) return reply(error_response(400, until.error().message));
  change_silences(
      context, reply,
      [until = *until, fingerprint = request.parameter_or("fingerprint", ""),
       by = request.parameter_or("by", ""), note = request.parameter_or("note", "")](
          RuleEngine& rules) { return rules.acknowledge(fingerprint, by, note, until); },
      [](const Result<std::string>& id) {
        return id ? silence_id_response(id)
                  : error_response(status_of(id.error().code), id.error().message);
      });
}

}  // namespace tocsin::http
