// The time zone of the system.
#pragma once

#include <string>
#include <string_view>

namespace tocsin {

/// The name of the system's time zone: that of the environment variable TZ, or else of the link
/// /etc/localtime; UTC if there is none with a known name.
std::string system_zone_name();
/// The same, given the value of TZ (null: not set) and the target of the link.
std::string system_zone_name(const char* tz, std::string_view link);

}  // namespace tocsin
