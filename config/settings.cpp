// From the YAML tree to Settings, one function per section. The defaults live in settings.h and in
// the table of rule parameters below; config/tocsin.yml repeats them for readers, and a test
// compares the two.
#include "config/settings.h"

#include <algorithm>
#include <charconv>
#include <set>

#include <fmt/format.h>

#include "config/section.h"
#include "config/yaml.h"
#include "db/base/ascii.h"
#include "db/base/http_header.h"
#include "db/base/system_zone.h"

namespace tocsin {
namespace {

constexpr Duration kDurationMax = 3650 * kDay;

struct ParameterSpec {
  enum class Kind { kNumber, kCount, kDuration };
  const char* section;
  const char* name;
  Kind kind;
  const char* value;
  double min;  ///< seconds if it is a duration
  double max;
  const char* successor = nullptr;  ///< the setting that the shipped rules use instead; null: this
};

// All thresholds and time ranges of the shipped rules.
constexpr ParameterSpec::Kind kNumber = ParameterSpec::Kind::kNumber;
constexpr ParameterSpec::Kind kCount = ParameterSpec::Kind::kCount;
constexpr ParameterSpec::Kind kDuration = ParameterSpec::Kind::kDuration;
constexpr const char* kDetection = "anomaly_detection";
constexpr const char* kWindows = "time_windows";
constexpr const char* kRules = "rules";
constexpr const char* kSystemZone = "system";
constexpr double kDaySeconds = 86'400;
constexpr ParameterSpec kParameters[] = {
    {kDetection, "failure_rate_threshold_multiplier", kNumber, "2.0", 1, 1000},
    {kDetection, "high_response_time_p95_threshold", kDuration, "30s", 0.001, kDaySeconds},
    {kDetection, "high_response_time_p99_threshold", kDuration, "60s", 0.001, kDaySeconds},
    {kDetection, "missing_heartbeat_interval", kDuration, "5m", 60, kDaySeconds},
    {kDetection, "transaction_timeout", kDuration, "15m", 60, kDaySeconds},
    {kDetection, "volume_anomaly_threshold_multiplier", kNumber, "1.5", 1, 1000},
    {kDetection, "degradation_increase_threshold_percent", kNumber, "50", 1, 100'000},
    {kDetection, "clock_skew_min", kDuration, "2m", 1, kDaySeconds},
    {kDetection, "min_events", kCount, "20", 1, 1e9},
    {kDetection, "surprise_min", kNumber, "6", 1, 100},
    {kDetection, "noise_tolerance", kNumber, "5", 0, 100, "surprise_min"},
    {kRules, "forget_after", kDuration, "3d", 3'600, 366 * kDaySeconds},
    {kWindows, "short_window", kDuration, "5m", 60, kDaySeconds},
    {kWindows, "medium_window", kDuration, "15m", 60, kDaySeconds},
    {kWindows, "long_window", kDuration, "30m", 60, kDaySeconds},
    {kWindows, "baseline_window", kDuration, "28d", kDaySeconds, 366 * kDaySeconds},
};

Duration seconds(double count) { return static_cast<Duration>(count * 1e9); }

// Checks the value against its kind and bounds, and stores it as written.
void read_parameter(Section& section, const ParameterSpec& spec, Problems& problems,
                    RuleParameters& out) {
  const YamlNode* value = nullptr;
  bool fits = false;
  if (spec.kind == kNumber) {
    double number = -1;
    value = section.number(spec.name, number, spec.min, spec.max);
    fits = number >= 0;
  } else if (spec.kind == kCount) {
    uint64_t number = UINT64_MAX;
    value = section.count(spec.name, number, static_cast<uint64_t>(spec.min),
                          static_cast<uint64_t>(spec.max));
    fits = number != UINT64_MAX;
  } else {
    Duration duration = -1;
    value = section.duration(spec.name, duration, seconds(spec.min), seconds(spec.max));
    fits = duration >= 0;
  }
  if (value && fits) out[spec.name] = value->scalar;
  if (value && spec.successor) {
    problems.warn(value->position(),
                  fmt::format("{}: the shipped rules no longer use this setting; {} replaces it",
                              section.path_of(spec.name), section.path_of(spec.successor)));
  }
}

// Those that the section `name` has.
void read_parameters_of(Section& section, std::string_view name, Problems& problems,
                        RuleParameters& out) {
  for (const ParameterSpec& spec : kParameters) {
    if (spec.section == name) read_parameter(section, spec, problems, out);
  }
}

void read_parameters(const YamlNode& node, const char* name, Problems& problems,
                     RuleParameters& out) {
  Section section(node, name, problems);
  read_parameters_of(section, name, problems, out);
  section.finish();
}

bool is_identifier(std::string_view text) {
  return !text.empty() && !is_digit(text[0]) &&
         std::all_of(text.begin(), text.end(), is_word_character);
}

// The section `parameters`, with names chosen by the user.
void read_own_parameters(const YamlNode& node, Problems& problems, RuleParameters& out) {
  Section section(node, "parameters", problems);
  for (const auto& [name, value] : node.entries) {
    const YamlNode* known = section.any(name.scalar.c_str());
    if (!is_identifier(name.scalar)) {
      problems.add(name.position(),
                   fmt::format("parameters: `{}` is not a valid parameter name; expected "
                               "letters, digits and `_`, not starting with a digit",
                               name.scalar));
    } else if (out.contains(name.scalar)) {
      problems.add(name.position(),
                   fmt::format("parameters: `{}` is the name of a setting; set it in "
                               "its section instead",
                               name.scalar));
    } else if (known->kind != YamlNode::Kind::kScalar) {
      section.wrong(*known, name.scalar.c_str(), "a number, a duration or a text");
    } else {
      out[name.scalar] = value.scalar;
    }
  }
}

void read_store(const YamlNode& node, Problems& problems, StoreSettings& out) {
  Section section(node, "store", problems);
  const YamlNode* directory = section.text("directory", out.directory);
  if (directory && out.directory.empty()) section.wrong(*directory, "directory", "a directory");
  section.duration("commit_interval", out.commit_interval, kMillisecond, kMinute);
  section.bytes("commit_bytes", out.commit_bytes, 64 << 10, 1 << 30);
  section.bytes("pending_bytes_max", out.pending_bytes_max, 1 << 20, uint64_t{16} << 30);
  section.duration("future_max", out.future_max, kMinute, kDurationMax);
  section.flag("event_lag", out.event_lag);
  section.duration("retention_grace", out.retention_grace, 0, 30 * kDay);
  section.duration_or_forever("retention", out.retention, kDay);
  const YamlNode* by_measurement = section.any("measurement_retention");
  if (by_measurement) {
    Section map(*by_measurement, section.path_of("measurement_retention"), problems);
    out.measurement_retention.clear();
    for (const auto& [name, value] : by_measurement->entries) {
      Duration retention = 0;
      map.duration_or_forever(name.scalar.c_str(), retention, kDay);
      out.measurement_retention.emplace_back(name.scalar, retention);
    }
  }
  section.finish();
}

bool is_address(std::string_view text) {
  const size_t colon = text.rfind(':');
  if (colon == std::string_view::npos || colon == 0) return false;
  const std::string_view port = text.substr(colon + 1);
  uint16_t number = 0;
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), number);
  return error == std::errc() && end == port.data() + port.size();
}

constexpr const char* kAddressExpected = "HOST:PORT like 127.0.0.1:8094, or off";

void read_address(Section& section, const char* key, std::string& out) {
  const YamlNode* value = section.text(key, out);
  if (!value) return;
  const auto address = parse_listen_address(out);
  if (address) {
    out = *address;
  } else {
    section.wrong(*value, key, kAddressExpected);
  }
}

void read_tokens(Section& section, std::string& out) {
  const YamlNode* value = section.text("tokens", out);
  if (value && out != "auto" && out != "on" && out != "off") {
    section.wrong(*value, "tokens", "auto, on or off");
  }
}

void read_tls(Section& parent, Problems& problems, TlsSettings& out) {
  const YamlNode* node = parent.any("tls");
  if (!node) return;
  Section section(*node, parent.path_of("tls"), problems);
  section.text("certificate", out.certificate);
  section.text("key", out.key);
  section.text("client_ca", out.client_ca);
  section.finish();
  if (out.certificate.empty() != out.key.empty() ||
      (!out.client_ca.empty() && out.certificate.empty())) {
    problems.add(
        node->position(),
        "listen.tls: TLS needs both `certificate` and `key`; `client_ca` only adds to them");
  }
}

void read_allow(Section& section, Problems& problems, std::vector<IpNetwork>& out) {
  std::vector<std::string> texts;
  const YamlNode* value = section.texts("allow", texts);
  if (!value) return;
  out.clear();
  for (const std::string& text : texts) {
    const auto network = IpNetwork::parse(text);
    if (network) {
      out.push_back(*network);
    } else {
      problems.add(value->position(),
                   fmt::format("{}: {}", section.path_of("allow"), network.error().message));
    }
  }
}

bool is_host(const std::string& text) {
  const auto fits = [](char c) { return is_word_character(c) || c == '-' || c == '.'; };
  return is_numeric_host(text) || (!text.empty() && std::all_of(text.begin(), text.end(), fits));
}

void read_allowed_hosts(Section& section, Problems& problems, std::vector<std::string>& out) {
  const YamlNode* value = section.texts("allowed_hosts", out);
  for (const std::string& host : out) {
    if (is_host(host)) continue;
    problems.add(value->position(),
                 fmt::format("{}: `{}` is not a host name without scheme and port, like "
                             "logs.example.org",
                             section.path_of("allowed_hosts"), host));
  }
}

// Checks only for a scheme and a host, which are easily forgotten.
bool is_web_address(std::string_view text) {
  if (!text.starts_with("http://") && !text.starts_with("https://")) return false;
  std::string_view authority = text.substr(text.find("//") + 2);
  authority = authority.substr(0, authority.find_first_of("/?#"));
  authority = authority.substr(authority.rfind('@') + 1);
  return !authority.empty() && authority[0] != ':' && text.find(' ') == std::string_view::npos;
}

void read_external_url(Section& section, std::string& out) {
  const YamlNode* value = section.text("external_url", out);
  if (!value || out.empty()) return;
  if (!is_web_address(out) || out.find_first_of("?#@") != std::string::npos) {
    section.wrong(*value, "external_url", "a URL like https://logs.example.org/");
  } else if (!out.ends_with('/')) {
    out += '/';
  }
}

void read_time(Section& parent, Problems& problems, TimeKeySettings& out) {
  const YamlNode* node = parent.any("time");
  if (!node) return;
  Section section(*node, parent.path_of("time"), problems);
  section.texts("key", out.keys);
  section.text("layout", out.layout);
  const YamlNode* zone = section.text("zone", out.zone);
  if (zone && !TimeZone::load(out.zone)) {
    section.wrong(*zone, "zone", "an IANA time zone name like Europe/Berlin");
  }
  section.finish();
}

void read_syslog(Section& parent, Problems& problems, SyslogSettings& out) {
  const YamlNode* node = parent.any("syslog");
  if (!node) return;
  Section section(*node, parent.path_of("syslog"), problems);
  const YamlNode* zone = section.text("zone", out.zone);
  if (zone && !TimeZone::load(out.zone)) {
    section.wrong(*zone, "zone", "an IANA time zone name like Europe/Berlin");
  }
  const YamlNode* unpack = section.texts("unpack", out.unpack);
  for (const std::string& format : out.unpack) {
    if (format == "json" || format == "logfmt") continue;
    problems.add(unpack->position(), fmt::format("{}: unknown format `{}`; expected json or logfmt",
                                                 section.path_of("unpack"), format));
  }
  section.finish();
}

void read_listen(const YamlNode& node, Problems& problems, ListenSettings& out) {
  Section section(node, "listen", problems);
  read_address(section, "tcp", out.tcp);
  read_address(section, "http", out.http);
  read_address(section, "syslog_udp", out.syslog_udp);
  read_address(section, "syslog_tcp", out.syslog_tcp);
  read_syslog(section, problems, out.syslog);
  section.count("connection_count_max", out.connection_count_max, 1, 100'000);
  section.bytes("http_body_bytes_max", out.http_body_bytes_max, 64 << 10, uint64_t{4} << 30);
  section.duration("query_timeout", out.query_timeout, kSecond, kDay);
  section.duration("dedupe_window", out.dedupe_window, 0, 30 * kDay);
  section.count("query_thread_count", out.query_thread_count, 1, 256);
  section.flag("insecure", out.insecure);
  read_tokens(section, out.tokens);
  read_tls(section, problems, out.tls);
  read_allow(section, problems, out.allow);
  read_allowed_hosts(section, problems, out.allowed_hosts);
  read_external_url(section, out.external_url);
  read_time(section, problems, out.time);
  section.finish();
}

bool is_empty_list(const YamlNode& node) {
  return node.kind == YamlNode::Kind::kSequence && node.items.empty();
}

void read_multi_line(Section& parent, Problems& problems, MultiLineSettings& out) {
  const YamlNode* node = parent.any("multiline");
  if (!node) return;
  if (node->kind == YamlNode::Kind::kScalar) {
    std::string word;
    if (parent.one_of("multiline", word, {"on", "off"})) out.on = word != "off";
    return;
  }
  Section section(*node, parent.path_of("multiline"), problems);
  section.require("start");
  section.text("start", out.start);
  section.count("max_lines", out.line_count_max, 1, 100'000);
  section.duration("max_wait", out.wait, 100 * kMillisecond, kHour);
  section.finish();
}

TailSettings read_tail(const YamlNode& node, const std::string& path, Problems& problems) {
  TailSettings out;
  Section section(node, path, problems);
  section.require("paths");
  const YamlNode* paths = section.texts("paths", out.paths);
  if (paths && is_empty_list(*paths)) section.wrong(*paths, "paths", "at least one glob pattern");
  section.one_of("format", out.format,
                 {"auto", "json", "lp", "logfmt", "cri", "docker", "access", "regex", "text"});
  section.texts("exclude", out.exclude);
  const YamlNode* static_tags = section.text_map("static_tags", out.static_tags);
  if (static_tags && out.format == "lp") {
    section.wrong(*static_tags, "static_tags", "no tags, because line protocol has its own");
  }
  section.text("pattern", out.pattern);
  read_multi_line(section, problems, out.multiline);
  section.text("measurement", out.measurement);
  section.texts("tags", out.tags);
  section.flag("from_end", out.from_end);
  section.duration("copy_wait", out.copy_wait, kSecond, kDay);
  Duration last_line_wait = -1;
  section.duration("last_line_wait", last_line_wait, 0, kDay);
  if (last_line_wait >= 0) out.last_line_wait = last_line_wait;
  read_time(section, problems, out.time);
  section.finish();
  return out;
}

// The name is part of outbox keys, so it must not contain `/`.
bool is_forwarder_name(std::string_view text) {
  return !text.empty() && text.size() <= 64 && std::all_of(text.begin(), text.end(), [](char c) {
    return is_word_character(c) || c == '-' || c == '.';
  });
}

void read_headers(Section& section, Problems& problems, std::map<std::string, std::string>& out) {
  const YamlNode* headers = section.text_map("headers", out);
  if (!headers) return;
  for (const auto& [name, value] : headers->entries) {
    if (!is_header_name(name.scalar)) {
      problems.add(name.position(), fmt::format("{}: `{}` is not a valid HTTP header name; use "
                                                "letters, digits and `-`",
                                                section.path_of("headers"), name.scalar));
    } else if (!is_header_value(value.scalar)) {
      problems.add(value.position(), fmt::format("{}.{}: a header value must be a single line",
                                                 section.path_of("headers"), name.scalar));
    }
  }
}

struct ForwarderType {
  const char* name;
  std::vector<const char*> required;
  std::vector<const char*> optional;  ///< besides those of all types
};

const std::vector<ForwarderType>& forwarder_types() {
  static const std::vector<ForwarderType> kTypes = {
      {"webhook", {"url"}, {"payload", "template", "template_file", "secret"}},
      {"alertmanager", {"url"}, {}},
      {"slack", {"url"}, {}},
      {"pagerduty", {"routing_key"}, {"url"}},
      {"opsgenie", {"api_key"}, {"url"}},
      {"teams", {"url"}, {}},
      {"discord", {"url"}, {}},
      {"email", {"smarthost", "from", "to"}, {"username", "password", "tls"}},
      {"command", {"command"}, {"timeout"}}};
  return kTypes;
}

bool contains(const std::vector<const char*>& keys, std::string_view key) {
  return std::find(keys.begin(), keys.end(), key) != keys.end();
}

// Reports keys of other types, and required ones that are missing. A file may hold a text.
void check_forwarder_keys(const YamlNode& node, Section& section,
                          const ForwarderSettings& forwarder, Problems& problems) {
  constexpr std::string_view kFile = "_file";
  const auto& types = forwarder_types();
  const auto type = std::find_if(types.begin(), types.end(), [&](const ForwarderType& known) {
    return known.name == forwarder.type;
  });
  if (type == types.end()) return;  // already reported
  for (const auto& [key, value] : node.entries) {
    std::string_view name = key.scalar;
    if (name.ends_with(kFile) && name != "ca_file" && name != "template_file")
      name.remove_suffix(kFile.size());
    const bool elsewhere = std::any_of(types.begin(), types.end(), [&](const ForwarderType& other) {
      return contains(other.required, name) || contains(other.optional, name);
    });
    if (!elsewhere || contains(type->required, name) || contains(type->optional, name)) continue;
    problems.add(key.position(), fmt::format("{}: `{}` is not a setting of the type {}",
                                             section.path_of("type"), key.scalar, type->name));
  }
  for (const char* key : type->required) {
    if (!forwarder.files.contains(key)) section.require(key);
  }
}

ForwarderSettings read_forwarder(const YamlNode& node, const std::string& path,
                                 Problems& problems) {
  static const std::set<std::string> kSeverities = {"LOW", "MEDIUM", "HIGH", "CRITICAL"};
  ForwarderSettings out;
  Section section(node, path, problems);
  section.require("name");
  const YamlNode* name = section.text("name", out.name);
  if (name && !is_forwarder_name(out.name)) {
    section.wrong(*name, "name", "1 to 64 letters, digits, `-`, `_` or `.`");
  }
  std::vector<std::string> types;
  for (const ForwarderType& type : forwarder_types()) types.emplace_back(type.name);
  section.one_of("type", out.type, types);
  const YamlNode* url = section.text("url", out.url);
  if (url && url->kind == YamlNode::Kind::kScalar && !is_web_address(out.url) &&
      out.url.find("${") == std::string::npos) {
    section.wrong(*url, "url", "a URL like https://example.org/path");
  }
  section.one_of("payload", out.payload, {"alertmanager", "simple"});
  const YamlNode* severities = section.texts("severities", out.severities);
  if (severities && is_empty_list(*severities)) {
    section.wrong(*severities, "severities", "at least one severity (remove the key to send all)");
  }
  for (const std::string& severity : out.severities) {
    if (kSeverities.contains(severity)) continue;
    problems.add(severities->position(),
                 fmt::format("{}: unknown severity `{}`; expected LOW, MEDIUM, "
                             "HIGH or CRITICAL",
                             section.path_of("severities"), severity));
  }
  section.flag("send_resolved", out.send_resolved);
  read_headers(section, problems, out.headers);
  section.text("ca_file", out.ca_file);
  section.text("proxy", out.proxy);
  section.text("template", out.body_template);
  section.text("secret", out.secret);
  section.text("routing_key", out.key);
  section.text("api_key", out.key);
  section.text("smarthost", out.url);
  section.text("from", out.from);
  section.texts("to", out.to);
  section.text("username", out.user);
  section.text("password", out.password);
  section.one_of("tls", out.tls, {"starttls", "tls", "off"});
  section.texts("command", out.command);
  section.duration("timeout", out.timeout, kSecond, kHour);
  for (const char* key : {"url", "template", "secret", "routing_key", "api_key", "password"}) {
    std::string file;
    const YamlNode* file_node = section.text((std::string(key) + "_file").c_str(), file);
    if (!file_node) continue;
    out.files[key] = file;
    if (node.find(key)) {
      problems.add(
          file_node->position(),
          fmt::format("{}_file: `{}` is set too; remove one of them", section.path_of(key), key));
    }
  }
  check_forwarder_keys(node, section, out, problems);
  section.finish();
  return out;
}

void read_rules(const YamlNode& node, Problems& problems, RuleSettings& out,
                RuleParameters& parameters) {
  Section section(node, kRules, problems);
  read_parameters_of(section, kRules, problems, parameters);
  section.texts("files", out.files);
  section.flag("detect", out.detect);
  section.duration("delay", out.delay, 0, kDay);
  const YamlNode* from = section.text("evaluate_from", out.evaluate_from);
  if (from && !out.evaluate_from.empty() && !parse_duration(out.evaluate_from) &&
      !parse_time(out.evaluate_from)) {
    section.wrong(*from, "evaluate_from", "a duration like 5d, a time, or an empty text");
  }
  section.duration("catchup_max", out.catchup_max, kMinute, kDurationMax);
  section.duration("catchup_wait", out.catchup_wait, 0, kDay);
  section.duration("late_max", out.late_max, 0, 30 * kDay);
  section.duration("late_settle", out.late_settle, 0, kDay);
  section.duration("exclude_max", out.exclude_max, 0, kDurationMax);
  section.count("sample_count", out.sample_count, 0, 100);
  const YamlNode* zone = section.text("time_zone", out.time_zone);
  if (zone && out.time_zone == kSystemZone) {
    out.time_zone = system_zone_name();
  } else if (zone && !TimeZone::load(out.time_zone)) {
    section.wrong(*zone, "time_zone", "`system`, or an IANA time zone name like Europe/Berlin");
  }
  section.finish();
}

void read_generation(const YamlNode& node, Problems& problems, GenerateSettings& out) {
  Section section(node, "log_generation", problems);
  section.duration("interval", out.interval, 10 * kMillisecond, kHour);
  section.count("logs_per_batch", out.events_per_batch, 1, 1'000'000);
  section.number("anomaly_injection_rate", out.anomaly_rate, 0, 1);
  section.finish();
}

void check_forwarder_names(const YamlNode& list, const std::vector<ForwarderSettings>& forwarders,
                           Problems& problems) {
  std::set<std::string> seen;
  for (size_t i = 0; i < forwarders.size(); ++i) {
    if (forwarders[i].name.empty() || seen.insert(forwarders[i].name).second) continue;
    problems.add(
        list.items[i].position(),
        fmt::format("forwarders[{}]: the name `{}` is already used by an earlier forwarder", i + 1,
                    forwarders[i].name));
  }
}

Settings read_file(const YamlNode& root, Problems& problems) {
  Settings out = default_settings();
  Section file(root, "", problems);
  if (const YamlNode* node = file.any("store")) read_store(*node, problems, out.store);
  if (const YamlNode* node = file.any("listen")) read_listen(*node, problems, out.listen);
  file.each("tail", [&](const YamlNode& node, const std::string& path) {
    out.tail.push_back(read_tail(node, path, problems));
  });
  file.each("forwarders", [&](const YamlNode& node, const std::string& path) {
    out.forwarders.push_back(read_forwarder(node, path, problems));
  });
  if (!out.forwarders.empty()) {
    check_forwarder_names(*root.find("forwarders"), out.forwarders, problems);
  }
  if (const YamlNode* node = file.any(kRules)) {
    read_rules(*node, problems, out.rules, out.parameters);
  }
  for (const char* name : {kDetection, kWindows}) {
    if (const YamlNode* node = file.any(name))
      read_parameters(*node, name, problems, out.parameters);
  }
  if (const YamlNode* node = file.any("parameters")) {
    read_own_parameters(*node, problems, out.parameters);
  }
  if (const YamlNode* node = file.any("log_generation")) {
    read_generation(*node, problems, out.generate);
  }
  file.finish();
  return out;
}

}  // namespace

Result<std::string> parse_listen_address(std::string_view text) {
  if (text == "off") return "";
  if (is_address(text)) return std::string(text);
  return fail(ErrorCode::kInvalid, fmt::format("expected {}, found `{}`", kAddressExpected, text));
}

Settings default_settings() {
  Settings settings;
  settings.rules.time_zone = system_zone_name();
  for (const ParameterSpec& spec : kParameters) settings.parameters[spec.name] = spec.value;
  return settings;
}

Result<Settings> parse_settings(std::string_view text, const std::string& name) {
  TOCSIN_TRY(const YamlNode root, parse_yaml(text, name));
  Problems problems(name);
  Settings settings = read_file(root, problems);
  settings.warnings = problems.warnings();
  if (problems.empty()) return settings;
  return fail(ErrorCode::kInvalid, fmt::format("{}", fmt::join(problems.lines(), "\n")));
}

Result<Settings> read_settings(const std::string& path) {
  TOCSIN_TRY(const std::string text, read_text_file(path));
  return parse_settings(text, path);
}

}  // namespace tocsin
