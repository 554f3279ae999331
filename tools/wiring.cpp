// Converts settings to options.
#include "tools/wiring.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <set>
#include <system_error>

#include <fmt/format.h>
#include <glob.h>

#include "config/shipped.h"
#include "config/yaml.h"
#include "db/base/http_header.h"
#include "db/base/time.h"
#include "rules/rule_file.h"

namespace tocsin {
namespace {

Result<Timestamp> evaluate_from(const RuleSettings& rules, Timestamp now) {
  if (rules.evaluate_from.empty()) return 0;
  if (const auto back = parse_duration(rules.evaluate_from)) return now - *back;
  TOCSIN_TRY(const TimeZone zone, TimeZone::load(rules.time_zone));
  const auto time = parse_time(rules.evaluate_from, zone);
  if (!time) return fail(time.error(), "rules.evaluate_from");
  return *time;
}

Result<AlertRoute> route_of(const ForwarderSettings& forwarder) {
  AlertRoute route;
  route.forwarder = forwarder.name;
  route.send_resolved = forwarder.send_resolved;
  for (const std::string& name : forwarder.severities) {
    TOCSIN_TRY(const Severity severity, parse_severity(name));
    route.severities.push_back(severity);
  }
  return route;
}

// A read error becomes an error of this file, so that it does not keep other files from being read.
RuleFile read_rule_file(const std::string& path) {
  Result<std::string> text = read_text_file(path);
  if (!text) return {path, "", text.error().message};
  return {path, *std::move(text)};
}

void add_shipped_rules(const RuleSettings& rules, std::vector<RuleFile>& files) {
  for (const ShippedFile& file : shipped_rules()) {
    const bool wanted = file.name == kDetectRules ? rules.detect : rules.files.empty();
    if (wanted) files.push_back({std::string(file.name), std::string(file.text)});
  }
}

struct GlobResult {
  glob_t found{};
  ~GlobResult() { globfree(&found); }
};

std::vector<std::string> paths_of(const std::string& pattern) {
  GlobResult result;
  if (glob(pattern.c_str(), 0, nullptr, &result.found) != 0) return {};
  return {result.found.gl_pathv, result.found.gl_pathv + result.found.gl_pathc};
}

// The same for all paths of a file.
std::string identity_of(const std::string& path) {
  std::error_code error;
  const std::filesystem::path whole = std::filesystem::canonical(path, error);
  return error ? path : whole.string();
}

TimeSettings time_settings(const TimeKeySettings& time) {
  return {time.keys, time.layout, time.zone};
}

Status check_time(const TimeKeySettings& time, const std::string& name) {
  if (const auto options = read_time_options(time_settings(time)); !options) {
    return fail(options.error(), name);
  }
  return {};
}

// Replaces each `${NAME}` by the environment variable.
Status fill_environment(std::string& text) {
  for (size_t at = text.find("${"); at != text.npos; at = text.find("${", at)) {
    const size_t end = text.find('}', at);
    if (end == text.npos) return {};
    const std::string name = text.substr(at + 2, end - at - 2);
    const char* value = std::getenv(name.c_str());
    if (value == nullptr) {
      return fail(ErrorCode::kInvalid,
                  fmt::format("the environment variable `{}` is not set", name));
    }
    text.replace(at, end + 1 - at, value);
    at += std::string_view(value).size();
  }
  return {};
}

// Reads the files and environment variables of a forwarder's texts.
Status read_secrets(ForwarderSettings& forwarder, const std::string& where) {
  const std::map<std::string, std::string*> texts = {
      {"url", &forwarder.url},       {"template", &forwarder.body_template},
      {"secret", &forwarder.secret}, {"routing_key", &forwarder.key},
      {"api_key", &forwarder.key},   {"password", &forwarder.password},
      {"username", &forwarder.user}};
  for (const auto& [key, file] : forwarder.files) {
    Result<std::string> text = read_text_file(file);
    if (!text) return fail(text.error(), fmt::format("{}.{}_file", where, key));
    while (text->ends_with('\n') || text->ends_with('\r')) text->pop_back();
    if (text->empty()) {
      return fail(ErrorCode::kInvalid, fmt::format("{}.{}_file: {} is empty", where, key, file));
    }
    *texts.at(key) = *std::move(text);
  }
  for (const auto& [key, text] : texts) {
    if (key == "template" || forwarder.files.contains(key)) continue;
    if (const Status filled = fill_environment(*text); !filled)
      return fail(filled.error(), fmt::format("{}.{}", where, key));
  }
  for (auto& [name, value] : forwarder.headers) {
    if (const Status filled = fill_environment(value); !filled)
      return fail(filled.error(), fmt::format("{}.headers.{}", where, name));
    if (!is_header_value(value)) {
      return fail(ErrorCode::kInvalid,
                  fmt::format("{}.headers.{}: a header value must be a single line", where, name));
    }
  }
  return {};
}

ForwarderOptions forwarder_options(const ForwarderSettings& settings) {
  ForwarderOptions out{settings.name,    settings.url,     settings.payload,
                       settings.headers, settings.ca_file, settings.proxy};
  out.type = settings.type;
  out.body_template = settings.body_template;
  out.secret = settings.secret;
  out.key = settings.key;
  out.from = settings.from;
  out.to = settings.to;
  out.user = settings.user;
  out.password = settings.password;
  out.tls = settings.tls;
  out.command = settings.command;
  out.timeout = settings.timeout;
  for (const std::string& name : settings.severities) {
    if (const auto severity = parse_severity(name)) out.severities.push_back(*severity);
  }
  return out;
}

}  // namespace

TailOptions tail_options(const TailSettings& tail) {
  TailOptions options{tail.paths,    tail.format,    tail.measurement,    tail.tags,
                      tail.from_end, tail.copy_wait, tail.last_line_wait, time_settings(tail.time)};
  options.events = {tail.pattern, tail.multiline.start, tail.multiline.on,
                    static_cast<size_t>(tail.multiline.line_count_max)};
  options.static_tags.assign(tail.static_tags.begin(), tail.static_tags.end());
  options.exclude = tail.exclude;
  options.event_wait = tail.multiline.wait;
  return options;
}

Result<Settings> load_settings(const std::string& path) {
  if (path.empty()) return default_settings();
  TOCSIN_TRY(Settings settings, read_settings(path));
  for (size_t i = 0; i < settings.forwarders.size(); ++i) {
    TOCSIN_RETURN_IF_ERROR(
        read_secrets(settings.forwarders[i], fmt::format("{}: forwarders[{}]", path, i + 1)));
  }
  TOCSIN_RETURN_IF_ERROR(check_time(settings.listen.time, path + ": listen.time"));
  for (size_t i = 0; i < settings.tail.size(); ++i) {
    TOCSIN_RETURN_IF_ERROR(
        check_time(settings.tail[i].time, fmt::format("{}: tail[{}].time", path, i + 1)));
    const TailOptions options = tail_options(settings.tail[i]);
    if (const auto events = read_event_settings(options.events, options.format); !events) {
      return fail(events.error(), fmt::format("{}: tail[{}]", path, i + 1));
    }
  }
  return settings;
}

DatabaseOptions database_options(const Settings& settings) {
  DatabaseOptions options;
  options.commit_interval = settings.store.commit_interval;
  options.commit_bytes = settings.store.commit_bytes;
  options.pending_bytes_max = settings.store.pending_bytes_max;
  options.future_max = settings.store.future_max;
  options.retention_grace = settings.store.retention_grace;
  options.retention = settings.store.retention;
  options.measurement_retention = settings.store.measurement_retention;
  return options;
}

Result<RuleEngineOptions> rule_engine_options(const Settings& settings, Timestamp now) {
  const RuleSettings& rules = settings.rules;
  RuleEngineOptions options;
  for (const ForwarderSettings& forwarder : settings.forwarders) {
    TOCSIN_TRY(AlertRoute route, route_of(forwarder));
    options.routes.push_back(std::move(route));
  }
  options.parameters = parse_parameters(settings.parameters);
  TOCSIN_TRY(options.zone, TimeZone::load(rules.time_zone));
  TOCSIN_TRY(options.evaluate_from, evaluate_from(rules, now));
  options.delay = rules.delay;
  options.catchup_max = rules.catchup_max;
  options.catchup_wait = rules.catchup_wait;
  options.late_max = rules.late_max;
  options.late_settle = rules.late_settle;
  options.exclude_max = rules.exclude_max;
  options.sample_count = rules.sample_count;
  return options;
}

ServerOptions server_options(const Settings& settings) {
  ServerOptions options;
  options.tcp_address = settings.listen.tcp;
  options.http_address = settings.listen.http;
  options.syslog_udp_address = settings.listen.syslog_udp;
  options.syslog_tcp_address = settings.listen.syslog_tcp;
  options.syslog.zone = settings.listen.syslog.zone;
  const auto unpacks = [&](const char* format) {
    const std::vector<std::string>& formats = settings.listen.syslog.unpack;
    return std::find(formats.begin(), formats.end(), format) != formats.end();
  };
  options.syslog.unpack_json = unpacks("json");
  options.syslog.unpack_logfmt = unpacks("logfmt");
  options.connection_count_max = settings.listen.connection_count_max;
  options.http_body_bytes_max = settings.listen.http_body_bytes_max;
  options.dedupe_window = settings.listen.dedupe_window;
  options.query_timeout = settings.listen.query_timeout;
  options.query_thread_count = settings.listen.query_thread_count;
  options.insecure = settings.listen.insecure;
  options.tokens = settings.listen.tokens == "on"    ? TokenPolicy::kOn
                   : settings.listen.tokens == "off" ? TokenPolicy::kOff
                                                     : TokenPolicy::kAuto;
  options.tls = {settings.listen.tls.certificate, settings.listen.tls.key,
                 settings.listen.tls.client_ca};
  options.allow = settings.listen.allow;
  options.allowed_hosts = settings.listen.allowed_hosts;
  options.external_url = settings.listen.external_url;
  options.time = time_settings(settings.listen.time);
  options.event_lag = settings.store.event_lag;
  options.version = TOCSIN_VERSION;
  for (const TailSettings& tail : settings.tail) {
    options.tail.push_back(tail_options(tail));
  }
  for (const ForwarderSettings& forwarder : settings.forwarders) {
    options.forwarders.push_back(forwarder_options(forwarder));
  }
  return options;
}

std::vector<std::string> find_rule_files(const std::vector<std::string>& globs) {
  std::vector<std::string> paths;
  std::set<std::string> known;
  for (const std::string& pattern : globs) {
    for (const std::string& path : paths_of(pattern)) {
      if (known.insert(identity_of(path)).second) paths.push_back(path);
    }
  }
  return paths;
}

Result<std::vector<RuleFile>> read_rule_files(const RuleSettings& rules) {
  for (const std::string& pattern : rules.files) {
    if (paths_of(pattern).empty()) {
      return fail(ErrorCode::kNotFound, "no rule file matches " + pattern);
    }
  }
  std::vector<RuleFile> files;
  for (const std::string& path : find_rule_files(rules.files)) {
    files.push_back(read_rule_file(path));
  }
  add_shipped_rules(rules, files);
  return files;
}

}  // namespace tocsin
