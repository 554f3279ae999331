#include "net/parse/keys.h"

#include <algorithm>
#include <array>

namespace tocsin {
namespace {

constexpr std::array<std::string_view, 8> kTimeKeys = {
    "time", "_time", "timestamp", "@timestamp", "ts", "date", "log_timestamp", "DATE"};

// Sorted, for binary search.
constexpr std::array<std::string_view, 34> kTagKeys = {
    "HOST",        "PROGRAM",    "app",         "application", "cluster",      "component",
    "container",   "datacenter", "dc",          "env",         "environment",  "facility",
    "host",        "hostname",   "instance",    "job",         "level",        "log_type",
    "logger",      "method",     "namespace",   "node",        "operation",    "pod",
    "process",     "program",    "region",      "service",     "service_name", "severity",
    "source_type", "status",     "transaction", "zone"};
static_assert(std::is_sorted(kTagKeys.begin(), kTagKeys.end()));

}  // namespace

bool is_usual_tag(std::string_view key) {
  return std::binary_search(kTagKeys.begin(), kTagKeys.end(), key);
}

std::vector<std::string_view> time_keys_of(const ParseOptions& options) {
  if (!options.time_keys.empty()) return {options.time_keys.begin(), options.time_keys.end()};
  return {kTimeKeys.begin(), kTimeKeys.end()};
}

bool is_tag_key(std::string_view key, const ParseOptions& options) {
  if (options.tags.empty()) return is_usual_tag(key);
  return std::find(options.tags.begin(), options.tags.end(), key) != options.tags.end();
}

}  // namespace tocsin
