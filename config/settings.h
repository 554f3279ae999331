// Tocsin's settings as plain values: what tocsin.yml may say, with the defaults.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "db/base/result.h"
#include "db/base/time.h"

namespace tocsin {

struct StoreSettings {
  std::string directory = "./tocsin-data";
  Duration commit_interval = 200 * kMillisecond;  ///< how long rows gather before they are durable
  uint64_t commit_bytes = 8 << 20;                ///< pending bytes that are committed at once
  uint64_t pending_bytes_max = 64 << 20;          ///< past it, readers of sockets and files pause
  Duration future_max = kDay;                     ///< rows further ahead of the clock are rejected
  Duration retention = 0;                         ///< 0: keep everything
  std::vector<std::pair<std::string, Duration>> measurement_retention;  ///< 0: keep everything

  bool operator==(const StoreSettings&) const = default;
};

struct ListenSettings {
  std::string tcp = "127.0.0.1:8094";   ///< HOST:PORT; empty: off
  std::string http = "127.0.0.1:8086";  ///< HOST:PORT; empty: off
  uint64_t connection_count_max = 1'000;
  uint64_t http_body_bytes_max = 64 << 20;
  Duration query_timeout = 5 * kMinute;
  uint64_t query_thread_count = 2;

  bool operator==(const ListenSettings&) const = default;
};

/// One followed source of files.
struct TailSettings {
  std::vector<std::string> paths;  ///< globs
  std::string format = "auto";     ///< auto, json, lp
  std::string measurement;         ///< of lines that name none; empty: from the file's folder
  std::vector<std::string> tags;   ///< keys that are tags; empty: good guesses
  bool from_end = false;           ///< a file never seen before starts at its end

  bool operator==(const TailSettings&) const = default;
};

struct ForwarderSettings {
  std::string name;
  std::string type = "webhook";  ///< webhook; more kinds come with their own issue
  std::string url;
  std::string payload = "alertmanager";  ///< alertmanager, simple (severity, count, alerts)
  std::vector<std::string> severities;   ///< only these; empty: all
  bool send_resolved = true;
  std::map<std::string, std::string> headers;

  bool operator==(const ForwarderSettings&) const = default;
};

struct RuleSettings {
  std::vector<std::string> files;  ///< globs; empty: the shipped rules
  Duration delay = 10 * kSecond;   ///< a window is evaluated this long after its end
  std::string evaluate_from;       ///< a duration back from now, or a time; empty: current window
  Duration catchup_max = kDay;
  Duration catchup_wait = 10 * kMinute;
  Duration late_max = kDay;
  Duration late_settle = 5 * kMinute;
  Duration exclude_max = 3 * kDay;
  uint64_t sample_count = 3;  ///< events that an alert carries as evidence
  std::string time_zone = "UTC";

  bool operator==(const RuleSettings&) const = default;
};

/// Thresholds and windows of the shipped rules, and the user's own under `parameters`: each is a
/// parameter
/// `$name` of every rule. Keys are the settings' names (`failure_rate_threshold_multiplier`,
/// `baseline_window`); values are as written: a number, a duration, else a string.
using RuleParameters = std::map<std::string, std::string>;

/// Of `tocsin generate`; the section `log_generation`.
struct GenerateSettings {
  Duration interval = 5 * kSecond;
  uint64_t events_per_batch = 50;  ///< `logs_per_batch`: per log type
  double anomaly_rate = 0.05;      ///< `anomaly_injection_rate`: share of (service, hour) slots in
                                   ///< which an anomaly starts

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

  bool operator==(const Settings&) const = default;
};

/// The settings that hold without any file: what the shipped `config/tocsin.yml` says.
Settings default_settings();
/// Reads a file over the defaults. All mistakes are reported together, one per line, each
/// with `file:line:column`, what was found, what was expected, and the nearest known key.
/// `evaluate_from` and `time_zone` are checked but stay text: what they mean depends on the clock.
Result<Settings> read_settings(const std::string& path);
Result<Settings> parse_settings(std::string_view text, const std::string& name);

}  // namespace tocsin
