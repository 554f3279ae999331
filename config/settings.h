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
  Duration commit_interval = 200 * kMillisecond;
  Duration retention = 0;  ///< 0: keep everything
  std::vector<std::pair<std::string, Duration>> measurement_retention;
};

struct ListenSettings {
  std::string tcp = "127.0.0.1:8094";
  std::string http = "127.0.0.1:8086";
};

/// One followed source of files.
struct TailSettings {
  std::vector<std::string> paths;    ///< globs
  std::string format = "auto";       ///< auto, json, lp
  std::string measurement;           ///< of lines that name none; empty: from the file's folder
  std::vector<std::string> tags;     ///< keys that are tags; empty: good guesses
  bool from_end = false;             ///< a file never seen before starts at its end
};

struct ForwarderSettings {
  std::string name;
  std::string type = "webhook";      ///< webhook; more kinds come with their own issue
  std::string url;
  std::string payload = "alertmanager";  ///< alertmanager, simple (severity, count, alerts)
  std::vector<std::string> severities;   ///< only these; empty: all
  bool send_resolved = true;
  std::map<std::string, std::string> headers;
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
  std::string time_zone = "UTC";
};

/// Thresholds and windows of the shipped rules: each is a parameter `$name` of every rule.
/// Keys are the setting's name without its unit (`failure_rate_threshold_multiplier`,
/// `baseline_window`); values are what the language takes: a number, a string, or a duration as text.
using RuleParameters = std::map<std::string, std::string>;

struct GenerateSettings {
  Duration interval = 5 * kSecond;
  uint32_t events_per_batch = 50;  ///< per log type
  double anomaly_rate = 0.05;      ///< share of (service, hour) slots in which an anomaly starts
};

struct Settings {
  StoreSettings store;
  ListenSettings listen;
  std::vector<TailSettings> tail;
  std::vector<ForwarderSettings> forwarders;
  RuleSettings rules;
  RuleParameters parameters;
  GenerateSettings generate;
};

/// The settings that hold without any file: what `config/tocsin.yml` says.
Settings default_settings();
/// Reads a file over the defaults. All mistakes are reported together, one per line, each
/// with `file:line:column`, what was found, what was expected, and the nearest known key.
Result<Settings> read_settings(const std::string& path);
Result<Settings> parse_settings(std::string_view text, const std::string& name);

}  // namespace tocsin
