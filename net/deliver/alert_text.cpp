// Texts about alerts, and templates of JSON.
#include "net/deliver/alert_text.h"

#include <algorithm>
#include <array>
#include <functional>
#include <optional>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <simdjson.h>

#include "db/base/ascii.h"
#include "db/base/check.h"
#include "db/base/json.h"

namespace tocsin {
namespace {

// The most severe that fire first; otherwise the order of the events.
std::vector<const AlertEvent*> by_importance(std::span<const AlertEvent> alerts) {
  std::vector<const AlertEvent*> out;
  for (const AlertEvent& event : alerts) out.push_back(&event);
  std::stable_sort(out.begin(), out.end(), [](const AlertEvent* a, const AlertEvent* b) {
    return std::pair(is_over(*b), a->severity) > std::pair(is_over(*a), b->severity);
  });
  return out;
}

std::string line_of(const AlertEvent& event) {
  return fmt::format("{} {}: {}{}", is_over(event) ? "RESOLVED" : "FIRING", name_of(event.severity),
                     event.summary.empty() ? "" : event.rule + ": ", details_of(event));
}

// 0xRRGGBB, as chats colour a message.
int colour_of(const AlertText& text) {
  if (!text.firing) return 0x2E7D32;
  switch (text.severity) {
    case Severity::kCritical: return 0xB71C1C;
    case Severity::kHigh: return 0xE65100;
    case Severity::kMedium: return 0xF9A825;
    case Severity::kLow: return 0x1565C0;
  }
  return 0;
}

std::string template_alert(const AlertEvent& event) {
  return fmt::format(
      R"({{"status":"{}","rule":{},"type":{},"severity":"{}","service":{},"summary":{},)"
      R"("labels":{},"annotations":{},"value":{},"baseline":{},"startsAt":"{}","fingerprint":{},)"
      R"("id":"{}"}})",
      is_over(event) ? "resolved" : "firing", json_quote(event.rule), json_quote(event.type),
      name_of(event.severity), json_quote(event.service), json_quote(event.summary),
      json_object(labels_of(event)), json_object(annotations_of(event)), json_number(event.value),
      json_number(event.baseline), format_time_short(event.started_at),
      json_quote(event.fingerprint), delivery_id(event));
}

// A value of a template: text, or JSON that replaces a whole string.
struct TemplateValue {
  std::string text;
  bool is_json = false;
};

class TemplateValues {
 public:
  TemplateValues(const PayloadContext& context, std::span<const AlertEvent> alerts)
      : context_(context),
        alerts_(alerts),
        first_(*by_importance(alerts).front()),
        text_(text_of(alerts)) {}

  std::optional<TemplateValue> find(std::string_view name) const {
    if (name == "title") return TemplateValue{text_.title};
    if (name == "text") return TemplateValue{text_.body()};
    if (name == "status") return TemplateValue{text_.firing ? "firing" : "resolved"};
    if (name == "severity") return TemplateValue{name_of(text_.severity)};
    if (name == "colour") return TemplateValue{fmt::format("{}", colour_of(text_)), true};
    if (name == "count") return TemplateValue{fmt::format("{}", alerts_.size()), true};
    if (name == "receiver") return TemplateValue{context_.receiver};
    if (name == "url") return TemplateValue{context_.external_url};
    if (name == "id") return TemplateValue{delivery_id(alerts_)};
    if (name == "rule") return TemplateValue{first_.rule};
    if (name == "service") return TemplateValue{first_.service};
    if (name == "summary") return TemplateValue{details_of(first_)};
    if (name == "fingerprint") return TemplateValue{first_.fingerprint};
    if (name == "alerts") {
      std::vector<std::string> list;
      for (const AlertEvent& event : alerts_) list.push_back(template_alert(event));
      return TemplateValue{json_array(list), true};
    }
    if (name.starts_with("labels.")) return of_map(labels_of(first_), name.substr(7));
    if (name.starts_with("annotations.")) return of_map(annotations_of(first_), name.substr(12));
    return std::nullopt;
  }

 private:
  static TemplateValue of_map(const std::map<std::string, std::string>& map,
                              std::string_view name) {
    const auto found = map.find(std::string(name));
    return {found == map.end() ? "" : found->second};
  }

  const PayloadContext& context_;
  const std::span<const AlertEvent> alerts_;
  const AlertEvent& first_;
  const AlertText text_;
};

// Replaces each `{{ name }}`; `unknown` is called with a name that has no value.
std::string replace_names(std::string_view text, const TemplateValues& values,
                          const std::function<void(std::string_view)>& unknown) {
  std::string out;
  for (;;) {
    const size_t start = text.find("{{");
    const size_t end = start == text.npos ? text.npos : text.find("}}", start);
    if (end == text.npos) return out.append(text);
    out += text.substr(0, start);
    const std::string_view name = trimmed(text.substr(start + 2, end - start - 2));
    text.remove_prefix(end + 2);
    const auto value = values.find(name);
    if (!value) {
      unknown(name);
    } else if (value->is_json && out.ends_with('"') && text.starts_with('"')) {
      out.pop_back();
      out += value->text;
      text.remove_prefix(1);
    } else {
      const std::string quoted = json_quote(value->text);
      out += quoted.substr(1, quoted.size() - 2);
    }
  }
}

}  // namespace

std::string AlertText::body() const {
  std::string out = fmt::format("{}", fmt::join(lines, "\n"));
  if (more > 0) out += fmt::format("\n... and {} more", more);
  return out;
}

AlertText text_of(std::span<const AlertEvent> alerts) {
  TOCSIN_CHECK(!alerts.empty());
  AlertText out;
  const std::vector<const AlertEvent*> sorted = by_importance(alerts);
  const auto resolved = static_cast<size_t>(std::count_if(alerts.begin(), alerts.end(), is_over));
  const size_t firing = alerts.size() - resolved;
  out.firing = firing > 0;
  for (const AlertEvent* event : sorted) {
    if (is_over(*event) && out.firing) continue;
    out.severity = std::max(out.severity, event->severity);
  }
  for (const AlertEvent* event : sorted) {
    if (out.lines.size() == kTextAlertsMax) break;
    out.lines.push_back(line_of(*event));
  }
  out.more = sorted.size() - out.lines.size();
  if (alerts.size() == 1) {
    out.title = line_of(*sorted.front());
    return out;
  }
  if (firing > 0) out.title = fmt::format("{} FIRING", firing);
  if (resolved > 0) out.title += fmt::format("{}{} RESOLVED", firing > 0 ? ", " : "", resolved);
  out.title += fmt::format(", {}: {}", name_of(out.severity), sorted.front()->rule);
  const bool same = std::all_of(alerts.begin(), alerts.end(), [&](const AlertEvent& event) {
    return event.rule == alerts.front().rule;
  });
  if (!same) out.title += " and others";
  return out;
}

std::string fill_template(std::string_view text, const PayloadContext& context,
                          std::span<const AlertEvent> alerts) {
  return replace_names(text, TemplateValues(context, alerts), [](std::string_view) {});
}

Status check_template(std::string_view text) {
  AlertEvent sample;
  sample.rule = sample.summary = "say \"hi\"\n";
  std::string wrong;
  const std::string filled =
      replace_names(text, TemplateValues({}, {&sample, 1}), [&wrong](std::string_view name) {
        if (wrong.empty()) wrong = name;
      });
  if (!wrong.empty()) {
    return fail(ErrorCode::kInvalid,
                fmt::format("unknown name `{}`; expected title, text, status, severity, colour, "
                            "count, receiver, url, id, alerts, rule, service, summary, "
                            "fingerprint, labels.NAME or annotations.NAME",
                            wrong));
  }
  simdjson::dom::parser parser;
  if (const auto error = parser.parse(filled.data(), filled.size()).error()) {
    return fail(ErrorCode::kInvalid,
                fmt::format("the template does not give JSON ({}); write names inside strings, "
                            "like \"{{{{ title }}}}\"",
                            simdjson::error_message(error)));
  }
  return {};
}

}  // namespace tocsin
