// The keys of rule files and their values. All errors are collected, so that the author of a file
// sees them at once; an error in one rule does not affect the others.
#include "rules/rule_file.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>

#include <fmt/format.h>

#include "config/section.h"
#include "db/base/ascii.h"
#include "query/parser/lexer.h"
#include "rules/prometheus.h"

namespace tocsin {
namespace {

constexpr Duration kIntervalMin = kSecond;
constexpr Duration kIntervalMax = kWeek;
constexpr Duration kHoldMax = 366 * kDay;
constexpr size_t kNameBytesMax = 200;  // leaves room for a prefix in keys of the database

bool is_alert_name(std::string_view name) {
  return !name.empty() && name.size() <= kNameBytesMax &&
         std::all_of(name.begin(), name.end(), [](char c) {
           return is_word_character(c) || c == '-' || c == '.' || c == ':';
         });
}

// The type of a rule without the key `type`: `FailureRateSpike` becomes `FAILURE_RATE_SPIKE`.
std::string type_from_name(std::string_view name) {
  std::string type;
  for (size_t i = 0; i < name.size(); ++i) {
    if (i > 0 && is_upper(name[i]) && !is_upper(name[i - 1])) type += '_';
    type += to_upper(name[i]);
  }
  return type;
}

// Reads one file.
class Reader {
 public:
  Reader(const RuleFile& file, const TimeZone& zone, ParsedRuleFile& out)
      : file_(file), zone_(zone), problems_(file.name), out_(out) {}

  void read() {
    const Result<YamlNode> root = parse_yaml(file_.text, file_.name);
    if (!root) {
      out_.inhibit_rules_wrong = out_.silences_wrong = true;
      out_.errors.push_back(root.error().message);
      return;
    }
    Section top(*root, "", problems_);
    if (!root->find("inhibit_rules") && !root->find("silences")) top.require("groups");
    out_.inhibit_rules = read_inhibit_rules(top, file_.name, problems_);
    out_.inhibit_rules_wrong = !problems_.empty();
    const size_t problems_before = problems_.lines().size();
    out_.silences = read_silences(top, file_.name, zone_, problems_);
    out_.silences_wrong = problems_.lines().size() != problems_before;
    top.each("groups",
             [&](const YamlNode& node, const std::string& path) { read_group(node, path); });
    top.finish();
    out_.errors = problems_.lines();
  }

 private:
  void read_group(const YamlNode& node, const std::string& path) {
    Section group(node, path, problems_);
    Rule common;  // the settings that all rules of the group share
    common.file = file_.name;
    common.interval = file_.interval;
    group.require("name");
    group.text("name", common.group);
    group.duration("interval", common.interval, kIntervalMin, kIntervalMax);
    std::map<std::string, std::string> parameters;
    group.text_map("params", parameters);
    common.parameters = parse_parameters(parameters);
    if (const YamlNode* labels = group.text_map("labels", common.labels)) check_labels(*labels);
    group.require("rules");
    group.each("rules", [&](const YamlNode& rule, const std::string& rule_path) {
      read_rule(rule, rule_path, common);
    });
    group.finish();
  }

  // Recording rules are common in Prometheus files, so they get their own message.
  bool is_recording_rule(const YamlNode& node, const std::string& path) {
    const YamlNode* record = node.find("record");
    if (!record) return false;
    problems_.add(node.position(),
                  fmt::format("{}: recording rules (`record: {}`) are not supported and not "
                              "needed: alerts and queries read the events directly",
                              path, record->scalar));
    return true;
  }

  void read_rule(const YamlNode& node, const std::string& path, const Rule& common) {
    if (is_recording_rule(node, path)) return;
    const size_t problems_before = problems_.lines().size();
    Rule rule = common;
    rule.position = node.position();
    Section section(node, path, problems_);
    section.require("alert");
    section.require("expr");
    const YamlNode* name = section.text("alert", rule.name);
    if (name && !is_alert_name(rule.name)) {
      section.wrong(*name, "alert", "a name of 1 to 200 letters, digits, `_`, `-`, `.` or `:`");
    }
    rule.type = type_from_name(rule.name);
    section.text("type", rule.type);
    read_text(section, "expr", rule.expr);
    section.texts("parts", rule.parts);
    read_text(section, "value", rule.value);
    read_text(section, "baseline", rule.baseline);
    read_text(section, "starts_when", rule.starts_when);
    read_text(section, "forget_when", rule.forget_when);
    read_severities(section, rule);
    section.duration("for", rule.hold, 0, kHoldMax);
    section.duration("keep_firing_for", rule.keep_firing_for, 0, kHoldMax);
    std::map<std::string, std::string> labels;
    if (const YamlNode* value = section.text_map("labels", labels)) check_labels(*value);
    for (auto& [key, value] : labels) rule.labels[key] = value;
    read_annotations(section, rule);
    section.finish();
    if (problems_.lines().size() == problems_before) out_.rules.push_back(std::move(rule));
  }

  RuleText rule_text(const YamlNode& node) const {
    RuleText text{node.scalar, {}};
    const auto count =
        static_cast<uint32_t>(1 + std::count(node.scalar.begin(), node.scalar.end(), '\n'));
    for (uint32_t line = 1; line <= count; ++line) {
      text.lines.push_back(position_in_scalar(node, file_.text, {line, 1}));
    }
    return text;
  }

  void read_text(Section& section, const char* key, RuleText& out) {
    std::string text;
    const YamlNode* node = section.text(key, text);
    if (!node || node->kind != YamlNode::Kind::kScalar) return;
    if (trimmed(text).empty()) section.wrong(*node, key, "a non-empty text");
    out = rule_text(*node);
  }

  void read_severities(Section& section, Rule& rule) {
    const YamlNode* node = section.any("severity");
    if (!node) {
      rule.severities.push_back({});
      return;
    }
    if (node->kind == YamlNode::Kind::kScalar) {
      read_severity(*node, rule);
    } else if (node->kind == YamlNode::Kind::kSequence && !node->items.empty()) {
      for (const YamlNode& item : node->items) read_severity(item, rule);
    } else {
      section.wrong(*node, "severity", "LOW, MEDIUM, HIGH, CRITICAL, or a list of them");
    }
    check_severity_order(*node, rule);
  }

  // `SEVERITY` or `SEVERITY when EXPRESSION`.
  void read_severity(const YamlNode& node, Rule& rule) {
    constexpr std::string_view kWhen = " when ";
    const std::string& text = node.scalar;
    const size_t when = text.find(kWhen);
    const Result<Severity> severity = parse_severity(text.substr(0, when));
    if (node.kind != YamlNode::Kind::kScalar || !severity) {
      problems_.add(node.position(),
                    fmt::format("severity: expected LOW, MEDIUM, HIGH or CRITICAL, "
                                "or one of them with `when` and a condition, "
                                "found {}{}",
                                describe(node), severity_advice(trimmed(text.substr(0, when)))));
      return;
    }
    SeverityCase out{*severity, {}};
    if (when != std::string::npos) {
      const size_t start = when + kWhen.size();
      out.condition = rule_text(node).part(start, text.size() - start);
    }
    rule.severities.push_back(std::move(out));
  }

  void check_severity_order(const YamlNode& node, const Rule& rule) {
    for (size_t i = 0; i < rule.severities.size(); ++i) {
      const bool last = i + 1 == rule.severities.size();
      if (rule.severities[i].condition.empty() == last) continue;
      problems_.add(node.position(),
                    last ? "severity: the last case must not have a condition"
                         : "severity: only the last case may be without a condition");
      return;
    }
  }

  // A changing text belongs in annotations: labels are part of an alert's identity at receivers.
  void check_labels(const YamlNode& labels) {
    for (const auto& [key, value] : labels.entries) {
      if (value.scalar.find("{{") == std::string::npos) continue;
      problems_.add(value.position(), fmt::format("label `{}`: labels cannot contain templates; "
                                                  "use `annotations`",
                                                  key.scalar));
    }
  }

  void read_annotations(Section& section, Rule& rule) {
    std::map<std::string, std::string> texts;
    const YamlNode* node = section.text_map("annotations", texts);
    if (!node) return;
    for (const auto& [key, value] : node->entries) {
      if (value.kind == YamlNode::Kind::kScalar) {
        rule.annotations.emplace_back(key.scalar, rule_text(value));
      }
    }
  }

  const RuleFile& file_;
  const TimeZone& zone_;
  Problems problems_;
  ParsedRuleFile& out_;
};

}  // namespace

ParsedRuleFile parse_rule_file(const RuleFile& file, const TimeZone& zone) {
  ParsedRuleFile out;
  if (!file.read_error.empty()) {
    out.errors.push_back(file.read_error);
    out.inhibit_rules_wrong = out.silences_wrong = true;
    return out;
  }
  Reader(file, zone, out).read();
  return out;
}

Value parse_parameter(std::string_view text, const TimeZone& zone) {
  const char* end = text.data() + text.size();
  int64_t whole = 0;
  if (const auto [p, error] = std::from_chars(text.data(), end, whole);
      p == end && error == std::errc() && !text.empty()) {
    return Value::of(whole);
  }
  double number = 0;
  if (const auto [p, error] = std::from_chars(text.data(), end, number);
      p == end && error == std::errc() && !text.empty() && std::isfinite(number)) {
    return Value::of(number);
  }
  if (const Result<Duration> duration = parse_duration(text)) return Value::duration(*duration);
  if (const Result<Timestamp> time = parse_time(text, zone)) return Value::time(*time);
  if (text == "true" || text == "false") return Value::of(text == "true");
  std::string quoted;
  size_t length = 0;
  LexError ignored;
  if (text.starts_with('"') && lex_string(text, quoted, length, ignored) == LexResult::kFound &&
      length == text.size()) {
    return Value::of(std::move(quoted));
  }
  return Value::of(std::string(text));
}

std::map<std::string, Value> parse_parameters(const std::map<std::string, std::string>& texts) {
  std::map<std::string, Value> out;
  for (const auto& [name, text] : texts) out[name] = parse_parameter(text);
  return out;
}

}  // namespace tocsin
