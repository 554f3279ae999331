// The two lists, each in one place.
#include "net/parse/keys.h"

#include <algorithm>
#include <array>

namespace tocsin {
namespace {

constexpr std::array<std::string_view, 8> kTimeKeys = {
    "time", "_time", "timestamp", "@timestamp", "ts", "date", "log_timestamp", "DATE"};

// Sorted, for binary search.
constexpr std::array<std::string_view, 34> kTagKeys = {
    "HOST",        "PROGRAM",   "app",          "application",  "cluster",   "component",
    "container",   "datacenter", "dc",          "env",          "environment", "facility",
    "host",        "hostname",  "instance",     "job",          "level",     "log_type",
    "logger",      "method",    "namespace",    "node",         "operation", "pod",
    "process",     "program",   "region",       "service",      "service_name", "severity",
    "source_type", "status",    "transaction",  "zone"};
static_assert(std::is_sorted(kTagKeys.begin(), kTagKeys.end()));

}  // namespace

std::span<const std::string_view> usual_time_keys() { return kTimeKeys; }

bool is_usual_tag(std::string_view key) {
  return std::binary_search(kTagKeys.begin(), kTagKeys.end(), key);
}

}  // namespace tocsin
