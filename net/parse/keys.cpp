#include "net/parse/keys.h"

#include <algorithm>
#include <array>
#include <cstdint>

#include <fmt/format.h>

#include "db/base/text.h"
#include "db/limits.h"

namespace tocsin {
namespace {

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

bool is_tag_key(std::string_view key, const ParseOptions& options) {
  if (options.tags.empty()) return is_usual_tag(key);
  return std::find(options.tags.begin(), options.tags.end(), key) != options.tags.end();
}

std::string shortened_name(std::string_view key) {
  uint64_t hash = 0xcbf29ce484222325;
  for (const char c : key) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  size_t size = kNameBytesMax - 17;
  while (size > 0 && continues_character(key[size])) --size;
  return fmt::format("{}_{:016x}", key.substr(0, size), hash);
}

}  // namespace tocsin
