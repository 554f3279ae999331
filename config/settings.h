// The settings of tocsin.yml as plain values, with their defaults.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "db/base/network.h"
#include "db/base/result.h"
#include "db/base/time.h"

namespace tocsin {

struct StoreSettings {
  std::string directory = "./tocsin-data";
  /// Rows are committed after at most this time ...
  Duration commit_interval = 200 * kMillisecond;
  uint64_t commit_bytes = 8 << 20;        ///< ... or as soon as this many bytes wait
  uint64_t pending_bytes_max = 64 << 20;  ///< above it, reading from sockets and files pauses
  Duration future_max = kDay;             ///< rows further ahead of the clock are rejected
  bool event_lag = true;                  ///< measure how late events arrive
  /// How long retention waits for a clock that jumped, and before it drops many days at once.
  Duration retention_grace = kHour;
  Duration retention = 0;  ///< 0: keep everything
  /// By measurement name; 0: keep everything.
  std::vector<std::pair<std::string, Duration>> measurement_retention;

  bool operator==(const StoreSettings&) const = default;
};

/// How JSON events state their time.
struct TimeKeySettings {
  std::vector<std::string> keys;  ///< empty: the usual ones
  std::string layout = "auto";    ///< checked by tools/wiring
  std::string zone = "UTC";       ///< of times without one

  bool operator==(const TimeKeySettings&) const = default;
};

/// The input of syslog.
struct SyslogSettings {
  std::string zone = "UTC";         ///< of times without one
  std::vector<std::string> unpack;  ///< which messages become fields: json, logfmt

  bool operator==(const SyslogSettings&) const = default;
};

/// PEM files; empty: no TLS.
struct TlsSettings {
  std::string certificate;  ///< with the chain
  std::string key;
  std::string client_ca;  ///< clients need a certificate that one of these has signed; may be empty

  bool operator==(const TlsSettings&) const = default;
};

struct ListenSettings {
  std::string tcp = "127.0.0.1:8094";   ///< HOST:PORT; empty: off
  std::string http = "127.0.0.1:8086";  ///< HOST:PORT; empty: off
  std::string syslog_udp;               ///< HOST:PORT; empty: off
  std::string syslog_tcp;               ///< HOST:PORT; empty: off
  SyslogSettings syslog;
  uint64_t connection_count_max = 1'000;
  uint64_t http_body_bytes_max = 64 << 20;
  Duration query_timeout = 5 * kMinute;
  uint64_t query_thread_count = 2;
  bool insecure = false;        ///< allow addresses beyond loopback
  std::string tokens = "auto";  ///< auto, on, off: whether requests need a token
  TlsSettings tls;
  std::vector<IpNetwork> allow;            ///< may connect; empty: all
  std::vector<std::string> allowed_hosts;  ///< host names of this server besides localhost
  std::string external_url;                ///< where users reach the server; may be empty
  TimeKeySettings time;                    ///< of JSON events on both ports
  Duration dedupe_window = 0;  ///< equal HTTP requests within it are stored once; 0: off

  bool operator==(const ListenSettings&) const = default;
};

/// Events of several lines.
struct MultiLineSettings {
  bool on = true;     ///< false: each line is an event
  std::string start;  ///< RE2, found in the first line of an event; empty: none
  uint64_t line_count_max = 500;
  Duration wait = 2 * kSecond;  ///< an event ends after this time without a further line

  bool operator==(const MultiLineSettings&) const = default;
};

/// One entry of `tail`: files to follow.
struct TailSettings {
  std::vector<std::string> paths;  ///< globs
  std::string format = "auto";     ///< auto, json, lp, logfmt, cri, docker, access, regex, text
  std::string pattern;             ///< RE2 with named groups, of the format regex
  MultiLineSettings multiline;
  std::string measurement;           ///< for lines that name none; empty: the file's folder
  std::vector<std::string> exclude;  ///< globs of paths, or of names if they have no `/`
  std::map<std::string, std::string> static_tags;  ///< of all rows but those of line protocol
  std::vector<std::string> tags;  ///< JSON keys stored as tags; empty: see net/parse/keys.h
  bool from_end = false;          ///< skip the existing content of new files
  Duration copy_wait = kMinute;   ///< how long a file is equal to another before it is a copy
  /// How long a last line without a newline waits; none: 5 s for a JSON object, else 5 min.
  std::optional<Duration> last_line_wait = {};
  TimeKeySettings time;

  bool operator==(const TailSettings&) const = default;
};

struct ForwarderSettings {
  std::string name;
  std::string type = "webhook";
  std::string url;                       ///< of e-mail: `smarthost`
  std::string payload = "alertmanager";  ///< alertmanager or simple
  std::vector<std::string> severities;   ///< only these are sent; empty: all
  bool send_resolved = true;
  std::map<std::string, std::string> headers;
  std::string ca_file;               ///< PEM file; empty: the system's certificate authorities
  std::string proxy;                 ///< a URL; `off`: none; empty: from the environment
  std::string body_template;         ///< `template`
  std::string secret;                ///< signs webhooks
  std::string key;                   ///< `routing_key` or `api_key`
  std::string from, user, password;  ///< of e-mail; `user` is `username`
  std::vector<std::string> to;
  std::string tls = "starttls";
  std::vector<std::string> command;
  Duration timeout = 30 * kSecond;
  /// Files that hold the value of another key: `url_file` is under `url`. tools/wiring reads them,
  /// and replaces `${NAME}` by environment variables.
  std::map<std::string, std::string> files;

  bool operator==(const ForwarderSettings&) const = default;
};

struct RuleSettings {
  std::vector<std::string> files;  ///< globs; empty: the shipped rules
  bool detect = false;             ///< also the shipped rules that are off by default
  Duration delay = 10 * kSecond;   ///< a window is evaluated this long after its end
  std::string evaluate_from;       ///< a duration before now, or a time; empty: now
  Duration catchup_max = kDay;
  Duration catchup_wait = 10 * kMinute;
  Duration late_max = kDay;
  Duration late_settle = 5 * kMinute;
  Duration exclude_max = kDay;
  uint64_t sample_count = 3;      ///< events that an alert carries as evidence
  std::string time_zone = "UTC";  ///< default_settings(): the system's

  bool operator==(const RuleSettings&) const = default;
};

/// The parameters `$name` of all rules: thresholds and time ranges of the shipped rules, and the
/// user's own from `parameters`. Keys are the settings' names (`failure_rate_threshold_multiplier`,
/// `baseline_window`), values are the text as written.
using RuleParameters = std::map<std::string, std::string>;

/// For `tocsin generate`; the section `log_generation`.
struct GenerateSettings {
  Duration interval = 5 * kSecond;
  uint64_t events_per_batch = 50;  ///< `logs_per_batch`: per log type
  /// `anomaly_injection_rate`: share of (service, hour) slots in which an anomaly starts
  double anomaly_rate = 0.05;

  bool operator==(const GenerateSettings&) const = default;
};

struct Settings {
  StoreSettings store;
  ListenSettings listen;
  std::vector<TailSettings> tail;
  std::vector<ForwarderSettings> forwarders;
  RuleSettings rules;
  RuleParameters parameters;
  GenerateSettings generate;
  /// About keys that still work but have a successor, each with `file:line:column`.
  std::vector<std::string> warnings;

  bool operator==(const Settings&) const = default;
};

/// Checks the value of `listen.tcp`, `listen.http`, `--tcp` or `--http`: HOST:PORT, or `off`, for
/// which the result is empty.
Result<std::string> parse_listen_address(std::string_view text);

/// The settings without any file; the shipped `config/tocsin.yml` shows the same values.
Settings default_settings();
/// Reads a file over the defaults. All errors are reported together, one per line, each with
/// `file:line:column`, what was expected, and what was found. `evaluate_from` and `time_zone` are
/// checked but stay text: their meaning depends on the clock.
Result<Settings> read_settings(const std::string& path);
Result<Settings> parse_settings(std::string_view text, const std::string& name);

}  // namespace tocsin
