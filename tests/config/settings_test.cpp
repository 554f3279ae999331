#include "config/settings.h"

#include <string>

#include <catch2/catch.hpp>

#include "config/section.h"
#include "config/shipped.h"

using namespace tocsin;

namespace {

std::string settings_error(const std::string& text) {
  const auto settings = parse_settings(text, "t.yml");
  return settings ? "no error" : settings.error().message;
}

}  // namespace

TEST_CASE("settings: forwarders have types, and files for secrets", "[config]") {
  const auto settings = parse_settings(
      "forwarders:\n"
      "  - {name: a, type: slack, url: \"${SLACK_URL}\"}\n"
      "  - {name: b, type: pagerduty, routing_key_file: /etc/key}\n"
      "  - {name: c, type: email, smarthost: \"m:25\", from: a@b, to: x@y, tls: \"off\"}\n"
      "  - {name: d, type: command, command: [/bin/true, x], timeout: 5s}\n",
      "t.yml");
  if (!settings) FAIL(settings.error().message);
  CHECK(settings->forwarders[0].url == "${SLACK_URL}");
  CHECK(settings->forwarders[1].files.at("routing_key") == "/etc/key");
  CHECK(settings->forwarders[2].to == std::vector<std::string>{"x@y"});
  CHECK(settings->forwarders[3].command.size() == 2);
  CHECK(settings->forwarders[3].timeout == 5 * kSecond);
}

TEST_CASE("settings: the shipped tocsin.yml shows exactly the defaults", "[config]") {
  const auto shipped = parse_settings(shipped_config(), "tocsin.yml");
  REQUIRE(shipped);
  CHECK(*shipped == default_settings());
  const auto file = read_settings(std::string(TOCSIN_SOURCE_DIR) + "/config/tocsin.yml");
  REQUIRE(file);
  CHECK(*file == default_settings());
}

TEST_CASE("settings: the shipped tocsin.yml shows every parameter", "[config]") {
  for (const auto& [name, value] : default_settings().parameters) {
    if (name == "noise_tolerance") continue;  // it has a successor
    CHECK(shipped_config().find("  " + name + ": " + value) != std::string_view::npos);
  }
}

TEST_CASE("settings: a key with a successor works and causes a warning", "[config]") {
  const auto settings =
      parse_settings("anomaly_detection:\n  min_events: 30\n  noise_tolerance: 4\n", "t.yml");
  REQUIRE(settings);
  CHECK(settings->parameters.at("noise_tolerance") == "4");
  CHECK(settings->warnings ==
        std::vector<std::string>{"t.yml:3:20: anomaly_detection.noise_tolerance: the shipped rules "
                                 "no longer use this setting; anomaly_detection.surprise_min "
                                 "replaces it"});
  CHECK(settings_error("anomaly_detection:\n  noise_tolerance: -1\n") != "no error");
  CHECK(parse_settings("rules: {detect: true}", "t.yml")->rules.detect);
}

TEST_CASE("settings: an empty file means the defaults", "[config]") {
  CHECK(*parse_settings("", "t.yml") == default_settings());
  CHECK(*parse_settings("store:\nlisten: {}\n", "t.yml") == default_settings());
}

TEST_CASE("settings: every section is read", "[config]") {
  const auto read = parse_settings(R"(
store:
  directory: /data
  commit_interval: 1s
  commit_bytes: 1MiB
  retention: 90d
  measurement_retention: {audit: 1w, bpm: forever}
listen:
  tcp: off
  http: "[::1]:80"
  syslog_udp: 0.0.0.0:514
  syslog: {zone: Europe/Berlin, unpack: [json, logfmt]}
  dedupe_window: 1h
  query_timeout: 30s
  insecure: true
  tokens: on
  tls: {certificate: c.pem, key: k.pem, client_ca: ca.pem}
  allow: [10.0.0.0/8, "::2"]
  allowed_hosts: [logs.example, "fd00::1"]
  external_url: https://logs.example/tocsin
  time: {zone: Europe/Berlin}
tail:
  - paths: [/a/*.json, /b/*.json]
    format: json
    tags: [service]
    from_end: true
    copy_wait: 10s
    last_line_wait: 0s
    time: {key: [created, at], layout: "%d.%m.%Y", zone: Asia/Tokyo}
  - paths: /c.log
forwarders:
  - name: pager
    url: http://127.0.0.1:9/x
    severities: [HIGH, CRITICAL]
    send_resolved: false
    headers: {X-Key: 5}
    ca_file: /etc/ca.pem
    proxy: http://proxy:3128
rules:
  files: mine/*.yml
  evaluate_from: 5d
  time_zone: Europe/Berlin
  forget_after: 5d
anomaly_detection: {min_events: 50, high_response_time_p95_threshold: 2s}
time_windows: {long_window: 1h}
parameters: {checkout_limit: 250, team: payments}
log_generation: {logs_per_batch: 5, anomaly_injection_rate: 0.5}
)",
                                   "t.yml");
  REQUIRE(read);
  CHECK(read->store.directory == "/data");
  CHECK(read->store.commit_bytes == 1 << 20);
  CHECK(read->store.retention == 90 * kDay);
  REQUIRE(read->store.measurement_retention.size() == 2);
  CHECK(read->store.measurement_retention[0] == std::pair<std::string, Duration>("audit", kWeek));
  CHECK(read->store.measurement_retention[1].second == 0);
  CHECK(read->listen.tcp.empty());
  CHECK(read->listen.http == "[::1]:80");
  CHECK(read->listen.syslog_udp == "0.0.0.0:514");
  CHECK(read->listen.syslog_tcp.empty());
  CHECK(read->listen.dedupe_window == kHour);
  CHECK(read->listen.syslog == SyslogSettings{"Europe/Berlin", {"json", "logfmt"}});
  CHECK(read->listen.insecure);
  CHECK(read->listen.tokens == "on");
  CHECK(read->listen.tls == TlsSettings{"c.pem", "k.pem", "ca.pem"});
  CHECK(read->listen.allow ==
        std::vector{*IpNetwork::parse("10.0.0.0/8"), *IpNetwork::parse("::2")});
  CHECK(read->listen.allowed_hosts == std::vector<std::string>{"logs.example", "fd00::1"});
  CHECK(read->listen.external_url == "https://logs.example/tocsin/");
  REQUIRE(read->tail.size() == 2);
  CHECK(read->tail[0].paths.size() == 2);
  CHECK(read->tail[0].from_end);
  CHECK(read->tail[0].copy_wait == 10 * kSecond);
  CHECK(read->tail[0].last_line_wait == 0);
  CHECK_FALSE(read->tail[1].last_line_wait);
  CHECK(read->listen.time == TimeKeySettings{{}, "auto", "Europe/Berlin"});
  CHECK(read->tail[0].time == TimeKeySettings{{"created", "at"}, "%d.%m.%Y", "Asia/Tokyo"});
  CHECK(read->tail[1].time == TimeKeySettings{});
  CHECK(read->tail[1].paths == std::vector<std::string>{"/c.log"});
  REQUIRE(read->forwarders.size() == 1);
  CHECK(read->forwarders[0].severities == std::vector<std::string>{"HIGH", "CRITICAL"});
  CHECK_FALSE(read->forwarders[0].send_resolved);
  CHECK(read->forwarders[0].headers.at("X-Key") == "5");
  CHECK(read->forwarders[0].ca_file == "/etc/ca.pem");
  CHECK(read->forwarders[0].proxy == "http://proxy:3128");
  CHECK(read->rules.files == std::vector<std::string>{"mine/*.yml"});
  CHECK(read->rules.evaluate_from == "5d");
  CHECK(read->rules.time_zone == "Europe/Berlin");
  CHECK(read->parameters.at("forget_after") == "5d");
  CHECK(read->parameters.at("min_events") == "50");
  CHECK(read->parameters.at("high_response_time_p95_threshold") == "2s");
  CHECK(read->parameters.at("high_response_time_p99_threshold") == "60s");
  CHECK(read->parameters.at("long_window") == "1h");
  CHECK(read->parameters.at("checkout_limit") == "250");
  CHECK(read->generate.events_per_batch == 5);
}

TEST_CASE("settings: all errors are reported together, each with its position", "[config]") {
  CHECK(settings_error("store:\n  directry: x\n  commit_interval: 5\nlisen: {}\n") ==
        "t.yml:3:20: store.commit_interval: expected a duration from 1ms to 1m, like 500ms, 5m or "
        "1h30m, found `5`\n"
        "t.yml:2:3: unknown key `directry` in store; did you mean `directory`?\n"
        "t.yml:4:1: unknown key `lisen`; did you mean `listen`?");
}

TEST_CASE("settings: every kind of value is read strictly", "[config]") {
  const auto check = [](const std::string& text, const std::string& expected) {
    CHECK(settings_error(text) == "t.yml:" + expected);
  };
  check("store: 5\n", "1:8: store: expected a map of settings, found `5`");
  check("- a\n", "1:1: the file: expected a map of settings, found a list");
  check("store: {directory: \"\"}\n", "1:20: store.directory: expected a directory, found ``");
  check("store: {directory: [a]}\n", "1:20: store.directory: expected a text, found a list");
  check("store: {commit_bytes: 8MB}\n",
        "1:23: store.commit_bytes: expected a size from 64KiB to 1GiB, like 64MiB, found `8MB`");
  check("store: {retention: 0s}\n",
        "1:20: store.retention: expected `forever`, or a duration of at least 1d, like 90d, found "
        "`0s`");
  check(
      "store: {measurement_retention: {audit: x}}\n",
      "1:40: store.measurement_retention.audit: expected `forever`, or a duration of at least 1d, "
      "like 90d, found `x`");
  check("listen: {tcp: 8094}\n",
        "1:15: listen.tcp: expected HOST:PORT like 127.0.0.1:8094, or off, found `8094`");
  check("listen: {http: \"x:99999\"}\n",
        "1:16: listen.http: expected HOST:PORT like 127.0.0.1:8094, or off, found `x:99999`");
  check("listen: {query_thread_count: 1.5}\n",
        "1:30: listen.query_thread_count: expected a whole number from 1 to 256, found `1.5`");
  check("listen: {insecure: yes}\n", "1:20: listen.insecure: expected true or false, found `yes`");
  check("listen: {allow: [10.0.0.0/8, 10.0.0/8]}\n",
        "1:17: listen.allow: `10.0.0/8` is not a network; expected an address and a prefix length, "
        "like 10.0.0.0/8 or fd00::/8, or one address");
  check("listen: {allow: 10.1.2.3/8}\n",
        "1:17: listen.allow: `10.1.2.3/8` has bits after its prefix; write the first address of "
        "the network, or one address without a prefix");
  for (const std::string host : {"a:80", "http://a", "", "*"}) {
    check("listen: {allowed_hosts: ['" + host + "']}\n",
          "1:25: listen.allowed_hosts: `" + host +
              "` is not a host name without scheme and port, like logs.example.org");
  }
  for (const std::string url :
       {"logs.example", "ftp://a/", "http://a/?q", "http://a/#q", "http://u@a"}) {
    check("listen: {external_url: '" + url + "'}\n",
          "1:24: listen.external_url: expected a URL like https://logs.example.org/, found `" +
              url + "`");
  }
  check("listen: {syslog_udp: 514}\n",
        "1:22: listen.syslog_udp: expected HOST:PORT like 127.0.0.1:8094, or off, found `514`");
  check("listen: {syslog: {zone: Mars}}\n",
        "1:25: listen.syslog.zone: expected an IANA time zone name like Europe/Berlin, found "
        "`Mars`");
  check("listen: {syslog: {unpack: [json, xml]}}\n",
        "1:27: listen.syslog.unpack: unknown format `xml`; expected json or logfmt");
  check("listen: {tokens: x}\n", "1:18: listen.tokens: expected auto, on or off, found `x`");
  CHECK(settings_error("listen: {tls: {certificate: a}}\n").find("needs both `certificate`") !=
        std::string::npos);
  check("tail: {paths: a}\n", "1:7: tail: expected a list, found a map");
  check("tail: [{format: json}]\n", "1:8: tail[1].paths is missing");
  check("tail: [{paths: a, format: csv}]\n",
        "1:27: tail[1].format: expected one of auto, json, lp, logfmt, cri, "
        "docker, access, regex, text, found `csv`");
  check("tail: [{paths: a, static_tags: [env]}]\n",
        "1:32: tail[1].static_tags: expected a map of texts, found a list");
  check("tail: [{paths: a, multiline: {max_lines: 5}}]\n",
        "1:30: tail[1].multiline.start is missing");
  check("tail: [{paths: a, multiline: no}]\n",
        "1:30: tail[1].multiline: expected one of on, off, found `no`");
  check("tail: [{paths: a, from_end: yes}]\n",
        "1:29: tail[1].from_end: expected true or false, found `yes`");
  check("tail: [{paths: a, from_end: \"true\"}]\n",
        "1:29: tail[1].from_end: expected true or false, found `true`");
  check("tail: [{paths: a, time: created}]\n",
        "1:25: tail[1].time: expected a map of settings, found `created`");
  check(
      "tail: [{paths: a, time: {zone: Mars}}]\n",
      "1:32: tail[1].time.zone: expected an IANA time zone name like Europe/Berlin, found `Mars`");
  check("listen: {time: {keys: a}}\n",
        "1:17: unknown key `keys` in listen.time; did you mean `key`?");
  check("tail: [{paths: []}]\n",
        "1:16: tail[1].paths: expected at least one glob pattern, found an empty list");
  check("tail: [{paths: [[a]]}]\n", "1:17: tail[1].paths: expected a list of texts, found a list");
  check("forwarders: [{name: a, type: pagerduty}]\n", "1:14: forwarders[1].routing_key is missing");
  check("forwarders: [{name: a, type: slack, url: http://x, payload: simple}]\n",
        "1:52: forwarders[1].type: `payload` is not a setting of the type slack");
  check("forwarders: [{name: a, url: http://x, url_file: y}]\n",
        "1:49: forwarders[1].url_file: `url` is set too; remove one of them");
  check("forwarders: [{name: a/b, url: http://x}]\n",
        "1:21: forwarders[1].name: expected 1 to 64 letters, digits, `-`, `_` or `.`, found `a/b`");
  check("forwarders: [{name: a, url: ftp://x}]\n",
        "1:29: forwarders[1].url: expected a URL like https://example.org/path, found `ftp://x`");
  for (const std::string url :
       {"http://", "https:///x", "http://:80/x", "http://user@", "http://?q", "http://a b/"}) {
    check("forwarders: [{name: a, url: '" + url + "'}]\n",
          "1:29: forwarders[1].url: expected a URL like https://example.org/path, found `" + url +
              "`");
  }
  for (const std::string url : {"http://x", "https://[::1]:80/x?y=http://", "http://u:p@x:80"}) {
    CHECK(parse_settings("forwarders: [{name: a, url: '" + url + "'}]\n", "t.yml"));
  }
  check("forwarders: [{name: a, url: [x]}]\n",
        "1:29: forwarders[1].url: expected a text, found a list");
  check("forwarders: [{name: a, url: http://x, severities: [high]}]\n",
        "1:51: forwarders[1].severities: unknown severity `high`; expected LOW, MEDIUM, HIGH or "
        "CRITICAL");
  check("forwarders: [{name: a, url: http://x, severities: []}]\n",
        "1:51: forwarders[1].severities: expected at least one severity (remove the key to send "
        "all), found an empty list");
  check("forwarders: [{name: a, url: http://x, headers: {X Key: 5}}]\n",
        "1:49: forwarders[1].headers: `X Key` is not a valid HTTP header name; use letters, "
        "digits and `-`");
  check("forwarders: [{name: a, url: http://x, headers: {A: \"1\\nB: 2\"}}]\n",
        "1:52: forwarders[1].headers.A: a header value must be a single line");
  check("forwarders: [{name: a, url: http://x}, {name: a, url: http://y}]\n",
        "1:40: forwarders[2]: the name `a` is already used by an earlier forwarder");
  check("forwarders: [{name: a, url: http://x, headers: {A: [1]}}]\n",
        "1:52: forwarders[1].headers.A: expected a text, found a list");
  check("rules: {evaluate_from: yesterday}\n",
        "1:24: rules.evaluate_from: expected a duration like 5d, a time, or an empty text, "
        "found `yesterday`");
  check("rules: {time_zone: Mars/Base}\n",
        "1:20: rules.time_zone: expected `system`, or an IANA time zone name like Europe/Berlin, "
        "found `Mars/Base`");
  check("anomaly_detection: {min_events: many}\n",
        "1:33: anomaly_detection.min_events: expected a whole number from 1 to 1000000000, found "
        "`many`");
  check("anomaly_detection: {failure_rate_threshold_multiplier: nan}\n",
        "1:56: anomaly_detection.failure_rate_threshold_multiplier: expected a number from 1 to "
        "1000, found `nan`");
  check(
      "time_windows: {baseline_window: 7}\n",
      "1:33: time_windows.baseline_window: expected a duration from 1d to 366d, like 500ms, 5m or "
      "1h30m, found `7`");
  check("parameters: {min_events: 5}\n",
        "1:14: parameters: `min_events` is the name of a setting; set it in its section instead");
  check("parameters: {a-b: 5}\n",
        "1:14: parameters: `a-b` is not a valid parameter name; expected letters, digits and `_`, "
        "not "
        "starting with a digit");
  check("parameters: {a: [5]}\n",
        "1:17: parameters.a: expected a number, a duration or a text, found a list");
  check("log_generation: {anomaly_injection_rate: 5}\n",
        "1:42: log_generation.anomaly_injection_rate: expected a number from 0 to 1, found `5`");
}

TEST_CASE("settings: the error for a missing file names it", "[config]") {
  const auto settings = read_settings("/nonexistent/t.yml");
  REQUIRE_FALSE(settings);
  CHECK(settings.error().code == ErrorCode::kNotFound);
  CHECK(settings.error().message.find("/nonexistent/t.yml") != std::string::npos);
}

TEST_CASE("settings: sizes are printed as they are parsed", "[config]") {
  for (const char* text : {"0B", "512B", "8KiB", "64MiB", "3GiB", "1025B"}) {
    CHECK(format_byte_size(*parse_byte_size(text)) == text);
  }
  for (const char* text : {"", "MiB", "1.5MiB", "-1B", "5", "5 MiB", "99999999999999999999B"}) {
    CHECK_FALSE(parse_byte_size(text));
  }
}
