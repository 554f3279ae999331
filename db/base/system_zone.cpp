#include "db/base/system_zone.h"

#include <cstdlib>
#include <filesystem>
#include <system_error>

#include "db/base/time.h"

namespace tocsin {
namespace {

// UTC has many names; one of them is enough, and is quicker.
bool is_utc(const TimeZone& zone) {
  return zone.offset_at(0) == 0 && zone.period_at(0).start == kTimeMin &&
         zone.next_change(0) == kTimeMax;
}

}  // namespace

std::string system_zone_name(const char* tz, std::string_view link) {
  constexpr std::string_view kFolder = "zoneinfo/";
  std::string_view name = tz ? std::string_view(tz) : link;
  if (name.starts_with(':')) name.remove_prefix(1);
  const size_t folder = name.rfind(kFolder);
  if (folder != std::string_view::npos) {
    name.remove_prefix(folder + kFolder.size());
  } else if (!tz) {
    return "UTC";
  }
  const auto zone = TimeZone::load(std::string(name));
  return !zone || is_utc(*zone) ? "UTC" : zone->name();
}

std::string system_zone_name() {
  std::error_code failed;
  const auto link = std::filesystem::read_symlink("/etc/localtime", failed);
  return system_zone_name(std::getenv("TZ"), failed ? "" : link.string());
}

}  // namespace tocsin
